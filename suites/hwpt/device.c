// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOMMU_HWPT_ALLOC and IOMMU_GET_HW_INFO say of a real device: the rules that hold for every
 * IOMMU, and what they tell against what sysfs tells of the same IOMMU.
 */
#include <stdio.h>
#include <string.h>

#include "bound.h"
#include "sysfs.h"

CTS_TEST_F(bound, ioas_takes_no_data,
	   .title = "Data of any IOMMU's for a table on an IOAS is EOPNOTSUPP",
	   .requirements = { "HWPT-003" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t data[8] = { 0 };
	uint32_t type, hwpt;

	for (type = 1; type < 8; type++) {
		EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc_data(self->iommufd, self->id, self->ioas, 0,
							 type, data, sizeof(data), &hwpt))
		TH_LOG("type %u", type);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, fault_queue,
	   .title = "A table with page requests needs a fault queue that is there, and keeps it",
	   .requirements = { "HWPT-008", "FAULT-004" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t queue, hwpt;
	int fd, rc, strange;

	if (__iommufd_fault_queue_alloc(self->iommufd, &queue, &fd) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "IOMMU_FAULT_QUEUE_ALLOC");
	strange =
		__iommufd_hwpt_alloc_fault(self->iommufd, self->id, self->ioas, self->ioas, &hwpt);
	rc = __iommufd_hwpt_alloc_fault(self->iommufd, self->id, self->ioas, queue, &hwpt);
	cts_close(&fd);
	if (rc == -EOPNOTSUPP) {
		/* Where no table can have page requests nobody need look which queue it is. */
		EXPECT_TRUE(strange == -ENOENT || strange == -EOPNOTSUPP);
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	} else {
		EXPECT_EQ(0, rc);
		EXPECT_EQ(-ENOENT, strange);
		EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, queue));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	}
	EXPECT_NOTHING_LEFT();
}

/* What the kernel tells into a buffer of @length bytes of 0xa5; how long it says it is. */
static uint32_t told(int iommufd, uint32_t device, void *buffer, uint32_t length, uint32_t *type)
{
	struct iommu_hw_info args = {
		.dev_id = device,
		.data_len = length,
		.data_uptr = (uintptr_t)buffer,
	};

	memset(buffer, 0xa5, length);
	cts_require(!__hw_info(iommufd, &args), "IOMMU_GET_HW_INFO with %u bytes", length);
	*type = args.out_data_type;
	return args.data_len;
}

CTS_TEST_F(bound, any_length,
	   .title = "The information is the same in a buffer of any length, with zeroes behind it",
	   .requirements = { "INFO-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint8_t whole[256], part[256];
	uint32_t type, length, full, other;

	full = told(self->iommufd, self->id, whole, sizeof(whole), &type);
	ASSERT_GT(sizeof(whole), full);
	for (length = full; length < sizeof(whole); length++) {
		EXPECT_EQ(0, whole[length])
		TH_LOG("byte %u of the buffer", length);
	}
	for (length = 0; length < full; length++) {
		memset(part, 0x5a, sizeof(part));
		EXPECT_EQ(full, told(self->iommufd, self->id, part, length, &other));
		EXPECT_EQ(type, other);
		EXPECT_EQ(0, memcmp(whole, part, length));
		EXPECT_EQ(0x5a, part[length]);
	}
}

CTS_TEST_F(bound, chosen_type,
	   .title = "The IOMMU's own type of information can be asked for, another is EOPNOTSUPP",
	   .requirements = { "INFO-003" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t own = hw_info(self->iommufd, self->id).out_data_type;
	struct iommu_hw_info args = { .dev_id = self->id, .flags = HW_INFO_INPUT_TYPE };

	if (!own || __hw_info(self->iommufd, &args) == -EOPNOTSUPP)
		CTS_SKIP(IOMMU_LACKS, "a type of information, or its choice");
	EXPECT_EQ(own, args.out_data_type);
	args = (struct iommu_hw_info){
		.dev_id = self->id,
		.flags = HW_INFO_INPUT_TYPE,
		.out_data_type = 0x7fff, /* the same field */
	};
	EXPECT_EQ(-EOPNOTSUPP, __hw_info(self->iommufd, &args));
	args = (struct iommu_hw_info){ .dev_id = self->id, .out_data_type = 0x7fff };
	EXPECT_EQ(0, __hw_info(self->iommufd, &args));
	EXPECT_EQ(own, args.out_data_type);
}

/* The control register of the capability: enabled, execute, privileged mode; the same bits from 1
 * on. */
CTS_TEST_F(bound, pasids,
	   .title = "PASIDs have a width where they are enabled, and may do there what their control register says",
	   .requirements = { "INFO-005" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t both = HW_CAP_PASID_EXEC | HW_CAP_PASID_PRIV;
	size_t capability = sysfs_extended_capability(0x1b);
	struct iommu_hw_info info = hw_info(self->iommufd, self->id);
	uint16_t config[2048], control = 0;

	if (capability) {
		sysfs_config(config, sizeof(config));
		control = config[capability / 2 + 3];
	}
	EXPECT_GE(20, info.out_max_pasid_log2);
	EXPECT_EQ(control & 1, info.out_max_pasid_log2 > 0);
	EXPECT_EQ(control & 1 ? control & both : 0, info.out_capabilities & both);
}

CTS_TEST_F(bound, no_ats,
	   .title = "A device without ATS is told to be without",
	   .requirements = { "INFO-006" },
	   .needs = CTS_NEED_CDEV)
{
	struct iommu_hw_info info = hw_info(self->iommufd, self->id);

	if (sysfs_extended_capability(0x0f))
		CTS_SKIP(DEVICE_LACKS, "the device has ATS");
	if (!info.out_data_type || !hw_info_tells_ats(self->iommufd))
		CTS_SKIP(KERNEL_LACKS, "a driver that tells of ATS");
	EXPECT_EQ(HW_CAP_ATS_NOT_SUPPORTED, info.out_capabilities & HW_CAP_ATS_NOT_SUPPORTED);
}

CTS_TEST_F(bound, registers,
	   .title = "The registers of the IOMMU are the ones that sysfs shows",
	   .requirements = { "INFO-004" },
	   .needs = CTS_NEED_CDEV)
{
	struct smmuv3_info smmu;
	struct iommu_hw_info_vtd vtd;
	char text[SYSFS_PATH], expected[SYSFS_PATH];
	uint64_t amd[2];
	uint8_t none;
	uint32_t type;

	switch (told(self->iommufd, self->id, &none, 0, &type), type) {
	case IOMMU_HW_INFO_TYPE_INTEL_VTD:
		EXPECT_EQ(sizeof(vtd), told(self->iommufd, self->id, &vtd, sizeof(vtd), &type));
		EXPECT_EQ(0, vtd.__reserved);
		sysfs_iommu_attribute("intel-iommu/cap", text);
		snprintf(expected, sizeof(expected), "%llx", (unsigned long long)vtd.cap_reg);
		EXPECT_STREQ(expected, text);
		sysfs_iommu_attribute("intel-iommu/ecap", text);
		snprintf(expected, sizeof(expected), "%llx", (unsigned long long)vtd.ecap_reg);
		EXPECT_STREQ(expected, text);
		break;
	case HW_INFO_AMD:
		EXPECT_EQ(sizeof(amd), told(self->iommufd, self->id, amd, sizeof(amd), &type));
		sysfs_iommu_attribute("amd-iommu/features", text);
		snprintf(expected, sizeof(expected), "%llx:%llx", (unsigned long long)amd[0],
			 (unsigned long long)amd[1]);
		EXPECT_STREQ(expected, text);
		break;
	case HW_INFO_ARM_SMMUV3:
		EXPECT_EQ(sizeof(smmu), told(self->iommufd, self->id, &smmu, sizeof(smmu), &type));
		EXPECT_EQ(0, smmu.reserved);
		/* Translation of one stage at least, and a granule of pages. */
		EXPECT_NE(0, smmu.idr[0] & 3);
		EXPECT_NE(0, smmu.idr[5] >> 4 & 7);
		break;
	case IOMMU_HW_INFO_TYPE_NONE:
		EXPECT_EQ(0, told(self->iommufd, self->id, &none, 0, &type));
		break;
	default:
		CTS_SKIP(BUILT_WITHOUT, "information of type %u", type);
	}
}

CTS_MAIN
