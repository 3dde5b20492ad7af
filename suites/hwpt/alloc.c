// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOMMU_HWPT_ALLOC takes: a bound device, an IOAS, flags and data that agree with each other.
 * A table that it refuses was not made: no id is used up, and the IOAS can be destroyed.
 */
#include <sys/ioctl.h>

#include "mocked.h"

static int alloc_flags(int iommufd, const struct mock *mock, uint32_t pt, uint32_t flags,
		       uint32_t queue, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = {
		.flags = flags,
		.dev_id = mock->device,
		.pt_id = pt,
		.fault_id = queue,
	};
	int rc = __hwpt_alloc(iommufd, &args);

	if (!rc)
		*hwpt = args.out_hwpt_id;
	return rc;
}

CTS_TEST_F(mocked, flags_work,
	   .title = "A table with any set of flags that go together is made, and the device can be attached to it",
	   .requirements = { "HWPT-001", "HWPT-004" },
	   .needs = CTS_NEED_MOCK)
{
	static const uint32_t sets[] = {
		0,
		IOMMU_HWPT_ALLOC_NEST_PARENT,
		IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		HWPT_ALLOC_PASID,
		IOMMU_HWPT_FAULT_ID_VALID,
		IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		IOMMU_HWPT_ALLOC_NEST_PARENT | HWPT_ALLOC_PASID,
		IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_FAULT_ID_VALID | HWPT_ALLOC_PASID,
	};
	uint32_t queue, hwpt, used;
	size_t i;
	int fd;

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		ASSERT_EQ(0, alloc_flags(self->iommufd, &self->mock, self->ioas, sets[i], queue,
					 &hwpt))
		TH_LOG("flags %#x", sets[i]);
		EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, hwpt, &used));
		EXPECT_EQ(hwpt, used);
		mock_replace(self->iommufd, &self->mock, self->home);
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	}
	cts_close(&fd);
	iommufd_destroy(self->iommufd, queue);
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, unknown_flags,
	   .title = "A flag without a meaning is EOPNOTSUPP, also beside others",
	   .requirements = { "HWPT-004" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t bit, hwpt;

	for (bit = 1U << 4; bit; bit <<= 1) {
		EXPECT_EQ(-EOPNOTSUPP,
			  alloc_flags(self->iommufd, &self->mock, self->ioas, bit, 0, &hwpt))
		TH_LOG("flags %#x", bit);
		EXPECT_EQ(-EOPNOTSUPP, alloc_flags(self->iommufd, &self->mock, self->ioas,
						   bit | IOMMU_HWPT_ALLOC_NEST_PARENT, 0, &hwpt));
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, faults_and_nesting,
	   .title = "A nesting parent with page requests is EOPNOTSUPP",
	   .requirements = { "HWPT-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t queue, hwpt;
	int fd;

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	EXPECT_EQ(-EOPNOTSUPP, alloc_flags(self->iommufd, &self->mock, self->ioas,
					   IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_NEST_PARENT,
					   queue, &hwpt));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, dirty_not_there,
	   .title = "Dirty tracking is EOPNOTSUPP where the device's IOMMU has none",
	   .requirements = { "HWPT-005" },
	   .needs = CTS_NEED_MOCK)
{
	struct mock poor;
	uint32_t hwpt;

	mock_open(self->iommufd, self->home, MOCK_NO_DIRTY, &poor);
	EXPECT_EQ(-EOPNOTSUPP, alloc_flags(self->iommufd, &poor, self->ioas,
					   IOMMU_HWPT_ALLOC_DIRTY_TRACKING, 0, &hwpt));
	ASSERT_EQ(0, alloc_flags(self->iommufd, &poor, self->ioas, 0, 0, &hwpt));
	iommufd_destroy(self->iommufd, hwpt);
	mock_close(self->iommufd, &poor);
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, wrong_ids,
	   .title = "A device that isn't there is ENOENT; what a table can't be made on is EINVAL",
	   .requirements = { "HWPT-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t no_devices[] = { 0, 0x7ffffff0, self->ioas, self->mock.hwpt, self->mock.id };
	const uint32_t no_tables[] = { 0, 0x7ffffff0, self->mock.device, self->mock.id };
	struct iommu_hwpt_alloc args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(no_devices); i++) {
		args = (struct iommu_hwpt_alloc){ .dev_id = no_devices[i], .pt_id = self->ioas };
		EXPECT_EQ(-ENOENT, __hwpt_alloc(self->iommufd, &args))
		TH_LOG("device %#x", no_devices[i]);
	}
	for (i = 0; i < ARRAY_SIZE(no_tables); i++) {
		args = (struct iommu_hwpt_alloc){ .dev_id = self->mock.device,
						  .pt_id = no_tables[i] };
		EXPECT_EQ(-EINVAL, __hwpt_alloc(self->iommufd, &args))
		TH_LOG("table on %#x", no_tables[i]);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, data_without_type,
	   .title = "Data without a type, or a type without data, is EINVAL whatever the ids",
	   .requirements = { "HWPT-003" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t devices[] = { self->mock.device, 0x7ffffff0 };
	struct iommu_hwpt_selftest data = { .iotlb = 0 };
	uint32_t hwpt;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		EXPECT_EQ(-EINVAL,
			  __hwpt_alloc_data(self->iommufd, devices[i], self->ioas, 0,
					    IOMMU_HWPT_DATA_NONE, &data, sizeof(data), &hwpt));
		EXPECT_EQ(-EINVAL, __hwpt_alloc_data(self->iommufd, devices[i], self->ioas, 0,
						     IOMMU_HWPT_DATA_SELFTEST, &data, 0, &hwpt));
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, fault_queue,
	   .title = "With FAULT_ID_VALID what is no fault queue is ENOENT; without, the field says nothing",
	   .requirements = { "HWPT-008" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t wrong[] = { 0, 0x7ffffff0, self->ioas, self->mock.device, self->mock.hwpt };
	uint32_t hwpt;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-ENOENT, alloc_flags(self->iommufd, &self->mock, self->ioas,
					       IOMMU_HWPT_FAULT_ID_VALID, wrong[i], &hwpt))
		TH_LOG("fault queue %#x", wrong[i]);
		ASSERT_EQ(0,
			  alloc_flags(self->iommufd, &self->mock, self->ioas, 0, wrong[i], &hwpt));
		iommufd_destroy(self->iommufd, hwpt);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, answer_lost,
	   .title = "A table whose id can't be stored is EFAULT and was not made",
	   .requirements = { "ABI-011" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.dev_id = self->mock.device,
		.pt_id = self->ioas,
	};

	EXPECT_EQ(-EFAULT, __hwpt_alloc(self->iommufd, read_only_page(&args, sizeof(args))));
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(mocked, reserved_and_ignored,
	   .title = "What a reserved field that nothing looks at does to a table",
	   .requirements = { "ABI-010" },
	   .needs = CTS_NEED_MOCK,
	   .kind = CTS_CHARACTERISATION)
{
	struct iommu_hwpt_alloc args = { .dev_id = self->mock.device, .pt_id = self->ioas };
	struct iommu_hwpt_set_dirty_tracking dirty = {
		.size = sizeof(dirty),
		.hwpt_id = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				      IOMMU_HWPT_ALLOC_DIRTY_TRACKING),
		.__reserved = 1,
	};

	args.__reserved2 = 1;
	cts_record_fact("IOMMU_HWPT_ALLOC.__reserved2", "%d", __hwpt_alloc(self->iommufd, &args));
	cts_record_fact("IOMMU_HWPT_SET_DIRTY_TRACKING.__reserved", "%d",
			ioctl(self->iommufd, IOMMU_HWPT_SET_DIRTY_TRACKING, &dirty) ? -errno : 0);
}

CTS_MAIN
