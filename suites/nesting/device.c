// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a real device's IOMMU says to nesting and virtual IOMMUs: it has them, or they are
 * EOPNOTSUPP. A type that nobody has is refused by every IOMMU, and what is refused was not made.
 */
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"
#include "viommu.h"

/* Types that no header defines. */
static const uint32_t strange[] = { 0x7fff, 0xdead, 0xdeadbeef, 0xffffffff };

FIXTURE(bound)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	uint32_t id, ioas, hwpt; /* of the device; a nesting parent where there are any */
	bool parent;		 /* is it one? */
	uint32_t next;
};

FIXTURE_SETUP(bound)
{
	struct iommu_hwpt_alloc args = { .flags = IOMMU_HWPT_ALLOC_NEST_PARENT };

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	args.dev_id = self->id;
	args.pt_id = self->ioas;
	self->parent = !__hwpt_alloc(self->iommufd, &args);
	self->hwpt = self->parent ? args.out_hwpt_id
				  : hwpt_alloc(self->iommufd, self->id, self->ioas, 0);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(bound)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

#define EXPECT_NOTHING_LEFT()                                               \
	do {                                                                \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));       \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->hwpt)); \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas)); \
	} while (0)

CTS_TEST_F(bound, strange_viommu,
	   .title = "A type of vIOMMU that nobody has is EOPNOTSUPP",
	   .requirements = { "VIOMMU-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t viommu;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		int rc = __viommu_alloc(self->iommufd, self->id, self->hwpt, strange[i], NULL, 0,
					&viommu);

		if (rc == -ENOTTY)
			CTS_SKIP(KERNEL_LACKS, "IOMMU_VIOMMU_ALLOC");
		EXPECT_EQ(-EOPNOTSUPP, rc)
		TH_LOG("type %#x", strange[i]);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, strange_nested,
	   .title = "A type of nested table that nobody has is EOPNOTSUPP, on what is no nesting parent EINVAL or EOPNOTSUPP",
	   .requirements = { "NEST-003", "NEST-001" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t data[8] = { 0 };
	uint32_t nested;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strange); i++) {
		int rc = __hwpt_alloc_data(self->iommufd, self->id, self->hwpt, 0, strange[i], data,
					   sizeof(data), &nested);

		EXPECT_TRUE(rc == -EOPNOTSUPP || (rc == -EINVAL && !self->parent))
		TH_LOG("type %#x: %d", strange[i], rc);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, nested_without_data,
	   .title = "A nested table without data is EOPNOTSUPP",
	   .requirements = { "NEST-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct iommu_hwpt_alloc args = { .dev_id = self->id, .pt_id = self->hwpt };

	EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc(self->iommufd, &args));
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, vtd_table,
	   .title = "A first-stage table of VT-d is made of data of just its length, or it is refused",
	   .requirements = { "NEST-003" },
	   .needs = CTS_NEED_CDEV)
{
	struct iommu_hw_info info = hw_info(self->iommufd, self->id);
	struct {
		struct iommu_hwpt_vtd_s1 table;
		uint64_t more;
	} data = { .table = { .addr_width = 48 } };
	const uint32_t type = IOMMU_HWPT_DATA_VTD_S1;
	uint32_t nested;

	if (info.out_data_type != IOMMU_HW_INFO_TYPE_INTEL_VTD || !self->parent)
		CTS_SKIP(IOMMU_LACKS, "nesting of VT-d");
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(self->iommufd, self->id, self->hwpt, 0, type, &data,
					     sizeof(data.table) - 8, &nested));
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(self->iommufd, self->id, self->hwpt, 0, type, &data,
					     sizeof(data), &nested));
	EXPECT_EQ(-EFAULT, __hwpt_alloc_data(self->iommufd, self->id, self->hwpt, 0, type,
					     inaccessible_page(), sizeof(data.table), &nested));
	EXPECT_NOTHING_LEFT();
}

CTS_MAIN
