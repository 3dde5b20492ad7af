// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the place in an IOAS costs: at an IOVA that the caller chooses and one that the kernel does,
 * in an address space that is empty, that is full from its beginning on, and that has holes which
 * are too small. There is no table: what is measured is how the IOAS finds its way.
 */
#include "range.h"

/* Areas that are there before. */
#define AREAS 4096U
/* Pages of a range, one more than a hole has. */
#define PAGES 2U

enum filling {
	EMPTY,
	DENSE,	    /* area after area */
	WITH_HOLES, /* a hole of a page behind each */
};

FIXTURE(place)
{
	int iommufd;
	uint32_t ioas;
	struct buffer memory;
	uint64_t behind; /* an IOVA behind all that is there */
};

FIXTURE_VARIANT(place)
{
	enum filling filling;
	const char *name;
	bool chosen; /* by the kernel */
};

/* clang-format off */
FIXTURE_VARIANT_ADD(place, fixed_empty) { EMPTY, "empty", false };
FIXTURE_VARIANT_ADD(place, fixed_dense) { DENSE, "dense", false };
FIXTURE_VARIANT_ADD(place, fixed_holes) { WITH_HOLES, "holes", false };
FIXTURE_VARIANT_ADD(place, chosen_empty) { EMPTY, "empty", true };
FIXTURE_VARIANT_ADD(place, chosen_dense) { DENSE, "dense", true };
FIXTURE_VARIANT_ADD(place, chosen_holes) { WITH_HOLES, "holes", true };
/* clang-format on */

FIXTURE_SETUP(place)
{
	const size_t page = page_size();
	uint64_t iova;
	unsigned int i;

	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	bench_even(self->iommufd, self->ioas);
	buffer_alloc(&self->memory, BUFFER_BASE, PAGES * page);
	iova = iommufd_usable_iova(self->iommufd, self->ioas, (2 * AREAS + PAGES) * page, page);
	self->behind = iova + 2 * AREAS * page;
	for (i = 0; variant->filling != EMPTY && i < AREAS; i++) {
		iommufd_map(self->iommufd, self->ioas, self->memory.memory, page, iova);
		iova += (variant->filling == DENSE ? 1 : 2) * page;
	}
}

FIXTURE_TEARDOWN(place)
{
	buffer_free(&self->memory);
	cts_close(&self->iommufd);
}

CTS_TEST_F(place, map_unmap,
	   .title = "Map and unmap in an address space that is empty, full or has holes",
	   .requirements = { "MEASURE-007" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const struct cts_param params[] = {
		{ .name = "iova", .word = variant->chosen ? "chosen" : "fixed" },
		{ .name = "ioas", .word = variant->name },
		{ 0 },
	};
	struct bench_pair pair;
	struct bench_map args;

	ASSERT_EQ(0, bench_map_init(&args, &pair, self->iommufd, self->ioas, &self->memory,
				    PAGES * page_size(), self->behind));
	if (variant->chosen) {
		args.map.flags &= ~(uint32_t)IOMMU_IOAS_MAP_FIXED_IOVA;
		pair.chosen = (const uint64_t *)&args.map.iova;
		pair.taken = (uint64_t *)&args.unmap.iova;
	}
	ASSERT_TRUE(bench_pair_run(&pair, params));
}

CTS_MAIN
