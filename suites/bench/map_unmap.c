// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOMMU_IOAS_MAP and IOMMU_IOAS_UNMAP cost, by size and by the pages that the memory is made
 * of: for an address space that a device is attached to, so that both pages and the IOMMU's table
 * are dealt with, by each kind of table. The memory is there before the clock starts.
 */
#include "device_fixture.h"
#include "range.h"
#include "table.h"

FIXTURE(attached)
{
	DEVICE_FIELDS;
};

FIXTURE_VARIANT(attached)
{
	enum buffer_kind pages;
	const char *table;
	uint32_t flags; /* of IOMMU_HWPT_ALLOC; 0: the table that comes by itself */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(attached, base) { BUFFER_BASE, "device", 0 };
FIXTURE_VARIANT_ADD(attached, thp) { BUFFER_THP, "device", 0 };
FIXTURE_VARIANT_ADD(attached, memfd) { BUFFER_MEMFD, "device", 0 };
FIXTURE_VARIANT_ADD(attached, memfd_hugetlb) { BUFFER_MEMFD_HUGETLB, "device", 0 };
FIXTURE_VARIANT_ADD(attached, hugetlb_2m) { BUFFER_HUGETLB_2M, "device", 0 };
FIXTURE_VARIANT_ADD(attached, hugetlb_1g) { BUFFER_HUGETLB_1G, "device", 0 };
FIXTURE_VARIANT_ADD(attached, base_dirty_tracking) {
	BUFFER_BASE, "dirty-tracking", IOMMU_HWPT_ALLOC_DIRTY_TRACKING
};
FIXTURE_VARIANT_ADD(attached, thp_dirty_tracking) {
	BUFFER_THP, "dirty-tracking", IOMMU_HWPT_ALLOC_DIRTY_TRACKING
};
FIXTURE_VARIANT_ADD(attached, base_nest_parent) {
	BUFFER_BASE, "nest-parent", IOMMU_HWPT_ALLOC_NEST_PARENT
};
FIXTURE_VARIANT_ADD(attached, base_pasid) { BUFFER_BASE, "pasid", HWPT_ALLOC_PASID };
/* clang-format on */

FIXTURE_SETUP(attached)
{
	DEVICE_SETUP_OR_SKIP(self);
	if (variant->flags) {
		uint32_t hwpt;

		BENCH_TABLE_OR_SKIP(self->device, self->iommufd, self->id, self->ioas,
				    variant->flags, &hwpt, variant->table);
	} else {
		vfio_attach(self->device, self->ioas);
	}
}

FIXTURE_TEARDOWN(attached)
{
	DEVICE_TEARDOWN(self);
}

CTS_TEST_F(attached, map_unmap,
	   .title = "Map and unmap of one range, in an address space with a device",
	   .requirements = { "MEASURE-001", "MEASURE-002", "MEASURE-019" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const struct cts_param table[] = { { .name = "table", .word = variant->table }, { 0 } };
	int measured;

	if (!buffer_page(variant->pages))
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->pages));
	measured = bench_map_unmap(self->iommufd, self->ioas, variant->pages, table);
	if (!measured)
		CTS_SKIP(TOO_LITTLE_MEMORY, "no page of kind %s is free",
			 buffer_kind_name(variant->pages));
	ASSERT_LT(0, measured);
}

CTS_MAIN
