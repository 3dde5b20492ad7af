// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_GET_HW_INFO: the buffer may have any length, the kernel writes so much and not a byte more,
 * and what it has nothing for it zeroes. Length, type and capabilities come beside it.
 */
#include "mocked.h"

/* What the mock tells, and room behind it. */
struct answer {
	struct iommu_test_hw_info info;
	uint8_t more[64];
};

CTS_TEST_F(mocked, any_length,
	   .title = "A buffer of any length is filled, zeroed behind the information, and left alone behind its end",
	   .requirements = { "INFO-001", "INFO-004" },
	   .needs = CTS_NEED_MOCK)
{
	static const struct iommu_test_hw_info told = { .test_reg = IOMMU_HW_INFO_SELFTEST_REGVAL };
	struct answer answer;
	uint32_t length;

	for (length = 0; length <= sizeof(answer); length++) {
		struct iommu_hw_info args = {
			.dev_id = self->mock.device,
			.data_len = length,
			.data_uptr = (uintptr_t)&answer,
		};
		const size_t filled = length < sizeof(told) ? length : sizeof(told);
		struct answer expected = { 0 };

		memset(&answer, 0xa5, sizeof(answer));
		memcpy(&expected, &told, filled);
		memset((char *)&expected + length, 0xa5, sizeof(answer) - length);
		ASSERT_EQ(0, __hw_info(self->iommufd, &args))
		TH_LOG("length %u", length);
		EXPECT_EQ(0, memcmp(&expected, &answer, sizeof(answer)))
		TH_LOG("length %u", length);
		EXPECT_EQ(sizeof(told), args.data_len);
		EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, args.out_data_type);
	}
}

CTS_TEST_F(mocked, no_buffer,
	   .title = "Without a buffer the length is told; one that can't be written is EFAULT, its tail included",
	   .requirements = { "INFO-001", "INFO-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t told = sizeof(struct iommu_test_hw_info);
	char *end = (char *)guarded_page() + page_size();
	struct iommu_hw_info args = { .dev_id = self->mock.device };

	EXPECT_EQ(0, __hw_info(self->iommufd, &args));
	EXPECT_EQ(told, args.data_len);
	args.data_uptr = (uintptr_t)end;
	args.data_len = 0;
	EXPECT_EQ(0, __hw_info(self->iommufd, &args));

	args.data_len = told;
	EXPECT_EQ(-EFAULT, __hw_info(self->iommufd, &args));
	args.data_uptr = (uintptr_t)(end - told);
	args.data_len = told;
	EXPECT_EQ(0, __hw_info(self->iommufd, &args));
	args.data_uptr = (uintptr_t)(end - told);
	args.data_len = told + 1;
	EXPECT_EQ(-EFAULT, __hw_info(self->iommufd, &args));
	args.data_uptr = (uintptr_t)(end - told + 1);
	args.data_len = told;
	EXPECT_EQ(-EFAULT, __hw_info(self->iommufd, &args));
}

CTS_TEST_F(mocked, no_device,
	   .title = "The information of what is no bound device is ENOENT",
	   .requirements = { "INFO-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t ids[] = { 0, 0x7ffffff0, self->home, self->mock.hwpt, self->mock.id };
	struct iommu_hw_info args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		args = (struct iommu_hw_info){ .dev_id = ids[i] };
		EXPECT_EQ(-ENOENT, __hw_info(self->iommufd, &args))
		TH_LOG("id %#x", ids[i]);
	}
}

CTS_TEST_F(mocked, chosen_type,
	   .title = "A type is looked at with INPUT_TYPE only; then what the IOMMU doesn't know is EOPNOTSUPP",
	   .requirements = { "INFO-003" },
	   .needs = CTS_NEED_MOCK)
{
	const struct {
		uint32_t flags, type;
		int error;
	} calls[] = {
		{ HW_INFO_INPUT_TYPE, IOMMU_HW_INFO_TYPE_NONE, 0 },
		{ HW_INFO_INPUT_TYPE, IOMMU_HW_INFO_TYPE_SELFTEST, 0 },
		{ HW_INFO_INPUT_TYPE, IOMMU_HW_INFO_TYPE_INTEL_VTD, -EOPNOTSUPP },
		{ 0, IOMMU_HW_INFO_TYPE_INTEL_VTD, 0 },
	};
	struct iommu_hw_info args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		int rc;

		args = (struct iommu_hw_info){
			.dev_id = self->mock.device,
			.flags = calls[i].flags,
			.out_data_type = calls[i].type, /* the same field */
		};
		rc = __hw_info(self->iommufd, &args);
		if (!i && rc == -EOPNOTSUPP)
			CTS_SKIP(KERNEL_LACKS, "IOMMU_HW_INFO_FLAG_INPUT_TYPE");
		EXPECT_EQ(calls[i].error, rc)
		TH_LOG("flags %u, type %u", calls[i].flags, calls[i].type);
		if (!rc) {
			EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, args.out_data_type);
		}
	}
}

CTS_TEST_F(mocked, capabilities,
	   .title = "Dirty tracking, the width of PASIDs and the lack of ATS are told as the device has them",
	   .requirements = { "INFO-005", "INFO-006", "HWPT-005" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hw_info info = hw_info(self->iommufd, self->mock.device);
	struct mock poor, wide;

	EXPECT_EQ(IOMMU_HW_CAP_DIRTY_TRACKING, info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	EXPECT_EQ(0, info.out_max_pasid_log2);
	mock_open(self->iommufd, self->home, MOCK_NO_DIRTY, &poor);
	info = hw_info(self->iommufd, poor.device);
	EXPECT_EQ(0, info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	if (hw_info_tells_ats(self->iommufd)) {
		EXPECT_EQ(HW_CAP_ATS_NOT_SUPPORTED, info.out_capabilities);
	}
	if (__mock_open(self->iommufd, self->home, MOCK_PASID, &wide))
		return;
	info = hw_info(self->iommufd, wide.device);
	EXPECT_EQ(MOCK_PASID_BITS, info.out_max_pasid_log2);
	/* Execute and privileged mode are PCI's, which the mock is not. */
	EXPECT_EQ(0, info.out_capabilities & (HW_CAP_PASID_EXEC | HW_CAP_PASID_PRIV));
}

CTS_TEST_F(mocked, first_layout,
	   .title = "To a program of the first release nothing is written behind its argument",
	   .requirements = { "ABI-006", "ABI-007" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hw_info args = {
		.size = offsetof(struct iommu_hw_info, out_capabilities),
		.dev_id = self->mock.device,
	};

	memset(&args.out_capabilities, 0xa5, sizeof(args.out_capabilities));
	EXPECT_EQ(0, __hw_info(self->iommufd, &args));
	EXPECT_EQ(IOMMU_HW_INFO_TYPE_SELFTEST, args.out_data_type);
	EXPECT_EQ(0xa5a5a5a5a5a5a5a5ULL, args.out_capabilities);
}

CTS_MAIN
