// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested tables: what they can be made on, with which data, and that they and their parent hold
 * each other in the right order. What was refused was not made.
 */
#include "nesting.h"

/* A device that is attached to `home`, and a nesting parent on `ioas`, which nothing else uses. */
FIXTURE(nesting)
{
	int iommufd;
	uint32_t home, ioas, parent;
	struct mock mock;
	uint32_t next; /* id that the next object has */
};

FIXTURE_SETUP(nesting)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->home = iommufd_ioas_alloc(self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->home, MOCK_PLAIN, &self->mock);
	self->parent = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				  IOMMU_HWPT_ALLOC_NEST_PARENT);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(nesting)
{
	cts_close(&self->iommufd);
}

/* Nothing came into being, and nothing holds the parent or its IOAS. */
#define EXPECT_NOTHING_LEFT()                                                 \
	do {                                                                  \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));         \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->parent)); \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));   \
	} while (0)

CTS_TEST_F(nesting, made_and_attached,
	   .title = "A nested table is made on a nesting parent, a device is attached to it, and both are EBUSY meanwhile",
	   .requirements = { "NEST-001", "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t nested = nested_alloc(self->iommufd, &self->mock, self->parent, 1), used = 0;

	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->parent));
	EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, nested, &used));
	EXPECT_EQ(nested, used);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, nested));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->parent));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->home));
	mock_replace(self->iommufd, &self->mock, self->ioas);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, nested));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->parent));
}

CTS_TEST_F(nesting, no_parent,
	   .title = "On a table of the kernel's, one that wasn't made for nesting and a nested one no nested table can be made",
	   .requirements = { "NEST-001", "NEST-004" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t plain = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	uint32_t nested = nested_alloc(self->iommufd, &self->mock, self->parent, 1);
	const uint32_t wrong[] = { self->mock.hwpt, plain, nested, self->mock.device, NOBODY };
	uint32_t none;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL,
			  __nested_alloc(self->iommufd, &self->mock, wrong[i], 0, 1, &none))
		TH_LOG("on %u", wrong[i]);
	}
	iommufd_destroy(self->iommufd, nested);
	iommufd_destroy(self->iommufd, plain);
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(nesting, flags,
	   .title = "A nested table has page requests and PASIDs if that is said, and no other flag",
	   .requirements = { "HWPT-004", "NEST-001" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t bit, nested;

	for (bit = 1; bit; bit <<= 1) {
		if (bit == HWPT_ALLOC_PASID || bit == IOMMU_HWPT_FAULT_ID_VALID)
			continue;
		EXPECT_EQ(-EOPNOTSUPP,
			  __nested_alloc(self->iommufd, &self->mock, self->parent, bit, 1, &nested))
		TH_LOG("flags %#x", bit);
	}
	EXPECT_EQ(-ENOENT, __nested_alloc(self->iommufd, &self->mock, self->parent,
					  IOMMU_HWPT_FAULT_ID_VALID, 1, &nested));
	ASSERT_EQ(0, __nested_alloc(self->iommufd, &self->mock, self->parent, HWPT_ALLOC_PASID, 1,
				    &nested));
	iommufd_destroy(self->iommufd, nested);
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(nesting, no_data,
	   .title = "Without data a nested table is EOPNOTSUPP",
	   .requirements = { "NEST-002" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_alloc args = { .dev_id = self->mock.device, .pt_id = self->parent };
	uint32_t viommu;

	EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc(self->iommufd, &args));
	if (!__viommu_alloc(self->iommufd, self->mock.device, self->parent,
			    IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, &viommu)) {
		args.pt_id = viommu;
		EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc(self->iommufd, &args));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, viommu));
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(nesting, kind_of_data,
	   .title = "Data of another type is EOPNOTSUPP, of another length EINVAL, unreadable EFAULT",
	   .requirements = { "NEST-003" },
	   .needs = CTS_NEED_MOCK)
{
	const struct {
		struct iommu_hwpt_selftest data;
		uint64_t more;
	} longer = { .data = { .iotlb = 1 } };
	const uint32_t device = self->mock.device, parent = self->parent;
	const uint32_t length = sizeof(longer.data), type = IOMMU_HWPT_DATA_SELFTEST;
	uint32_t nested;

	EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc_data(self->iommufd, device, parent, 0,
						 IOMMU_HWPT_DATA_VTD_S1, &longer, length, &nested));
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(self->iommufd, device, parent, 0, type, &longer,
					     sizeof(longer.data.iotlb) - 1, &nested));
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(self->iommufd, device, parent, 0, type, &longer,
					     sizeof(longer), &nested));
	EXPECT_EQ(-EFAULT, __hwpt_alloc_data(self->iommufd, device, parent, 0, type,
					     inaccessible_page(), length, &nested));
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(nesting, answer_lost,
	   .title = "A nested table whose id can't be stored is EFAULT and was not made",
	   .requirements = { "ABI-011" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_selftest data = { .iotlb = 1 };
	const struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.dev_id = self->mock.device,
		.pt_id = self->parent,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};

	EXPECT_EQ(-EFAULT, __hwpt_alloc(self->iommufd, read_only_page(&args, sizeof(args))));
	EXPECT_NOTHING_LEFT();
}

CTS_MAIN
