// SPDX-License-Identifier: GPL-2.0-only
/* The edges of IOMMU_IOAS_COPY: what of a source can be had, and where it may go. */
#include "bare.h"

/* The source has two mappings that adjoin, of 4 and 2 pages, and one of 4 behind a hole. */
static void map_source(const FIXTURE_DATA(bare) * self)
{
	iommufd_map(self->iommufd, self->ioas, self->memory, 4 * self->page, 4 * self->page);
	iommufd_map(self->iommufd, self->ioas, self->memory, 2 * self->page, 8 * self->page);
	iommufd_map(self->iommufd, self->ioas, self->memory, 4 * self->page, 12 * self->page);
}

#define SOURCE_PAGES 10

/* A copy to the fixed IOVA @to, readable and writable: 0 or -errno. */
static int copy_to(const FIXTURE_DATA(bare) * self, uint32_t target, uint64_t length, uint64_t from,
		   uint64_t to)
{
	return __iommufd_copy(self->iommufd, target, self->ioas, FIXED | READ_WRITE, length, from,
			      &to);
}

CTS_TEST_F(bare, refused,
	   .title = "A copy without permission or length, that wraps, lacks memory or overlaps has its errno and changes nothing",
	   .requirements = { "COPY-002", "COPY-005", "COPY-006", "MAP-013" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, end = UINT64_MAX, taken = 32 * page;
	const uint32_t target = iommufd_ioas_alloc(self->iommufd);
	const struct {
		const char *what;
		uint32_t flags;
		uint64_t length, from, to;
		int error;
	} copies[] = {
		{ "no permission", FIXED, page, 4 * page, 0, -EINVAL },
		{ "no permission, no IOVA", 0, page, 4 * page, 0, -EINVAL },
		{ "no length", FIXED | READABLE, 0, 4 * page, 0, -EINVAL },
		{ "the largest length", FIXED | READABLE, end, 4 * page, 0, -EOVERFLOW },
		{ "from the largest IOVA", FIXED | READABLE, 1, end, 0, -EOVERFLOW },
		{ "to the largest IOVA", FIXED | READABLE, 1, 4 * page, end, -EOVERFLOW },
		{ "the source wraps", FIXED | READABLE, 2 * page, end + 1 - page, 0, -EOVERFLOW },
		{ "the target wraps", FIXED | READABLE, 2 * page, 4 * page, end + 1 - page,
		  -EOVERFLOW },
		{ "nothing there", FIXED | READABLE, page, 20 * page, 0, -ENOENT },
		{ "a hole in it", FIXED | READABLE, 12 * page, 4 * page, 0, -ENOENT },
		{ "begins in a hole", FIXED | READABLE, 2 * page, 3 * page, 0, -ENOENT },
		{ "ends in a hole", FIXED | READABLE, page + 1, 9 * page, 0, -ENOENT },
		{ "a hole, no IOVA", READABLE, 8 * page, 8 * page, 0, -ENOENT },
		{ "there already", FIXED | READABLE, 2 * page, 4 * page, taken, -EEXIST },
		{ "its last byte there", FIXED | READABLE, page + 1, 4 * page, taken - page,
		  -EEXIST },
		{ "the second piece there", FIXED | READABLE, 6 * page, 4 * page, taken - 4 * page,
		  -EEXIST },
	};
	size_t i;

	map_source(self);
	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		uint64_t to = copies[i].to;

		iommufd_map(self->iommufd, target, self->memory, 2 * page, taken);
		EXPECT_EQ(copies[i].error,
			  __iommufd_copy(self->iommufd, target, self->ioas, copies[i].flags,
					 copies[i].length, copies[i].from, &to))
		TH_LOG("%s", copies[i].what);
		EXPECT_EQ(0, unmap_exactly(self->iommufd, target, taken, 2 * page))
		TH_LOG("%s", copies[i].what);
		EXPECT_TRUE(held_just(self->iommufd, target, 0))
		TH_LOG("%s", copies[i].what);
	}
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, SOURCE_PAGES * page));
}

CTS_TEST_F(bare, no_room_for_a_copy,
	   .title = "A copy for which the target allows no room is ENOSPC, one that fits is put there",
	   .requirements = { "COPY-006", "IOVA-008", "MAP-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const struct iommu_iova_range window = { 64 * self->page, 66 * self->page - 1 };
	const uint32_t target = iommufd_ioas_alloc(self->iommufd);
	uint64_t to = 0;

	map_source(self);
	ASSERT_EQ(0, allow(self->iommufd, target, &window, 1));
	EXPECT_EQ(-ENOSPC, __iommufd_copy(self->iommufd, target, self->ioas, READABLE,
					  4 * self->page, 4 * self->page, &to));
	EXPECT_TRUE(held_just(self->iommufd, target, 0));
	EXPECT_EQ(0, __iommufd_copy(self->iommufd, target, self->ioas, READABLE, self->page,
				    4 * self->page, &to));
	EXPECT_TRUE(to >= window.start && to + self->page - 1 <= window.last);
	EXPECT_EQ(0, unmap_exactly(self->iommufd, target, to, self->page));
}

CTS_TEST_F(bare, pieces,
	   .title = "A copy across a seam is two mappings, as the source is; one of a part is as long as the part",
	   .requirements = { "COPY-003" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t target = iommufd_ioas_alloc(self->iommufd);
	const uint64_t page = self->page;
	uint64_t length = page;

	map_source(self);
	/* The last 3 pages of the first and the first of the second. */
	EXPECT_EQ(0, copy_to(self, target, 4 * page, 5 * page, page));
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, target, page, &length));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, target, 4 * page, page));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, target, page, 3 * page));

	EXPECT_EQ(0, copy_to(self, target, 3, 4 * page + 5, 7));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, target, 7, 3));
	EXPECT_EQ(0, copy_to(self, target, 1, 8 * page - 1, 7));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, target, 7, 1));
	EXPECT_TRUE(held_just(self->iommufd, target, 0));
}

CTS_TEST_F(bare, within_one_ioas,
	   .title = "Source and target may be one IOAS: onto itself is EEXIST, elsewhere works and can be copied on",
	   .requirements = { "COPY-006", "COPY-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, top = UINT64_MAX - page + 1;

	map_source(self);
	EXPECT_EQ(-EEXIST, copy_to(self, self->ioas, 4 * page, 4 * page, 4 * page));
	EXPECT_EQ(-EEXIST, copy_to(self, self->ioas, page, 4 * page, 9 * page));
	EXPECT_EQ(0, copy_to(self, self->ioas, page, 4 * page, top));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, 4 * page, 4 * page));
	/* From the end of the space to its beginning, when the first of them is gone. */
	EXPECT_EQ(0, copy_to(self, self->ioas, page, top, 0));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, top, page));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, 0, page));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 6 * page));
}

CTS_TEST_F(bare, permissions,
	   .title = "A copy can drop a permission, add WRITEABLE only if the memory was mapped so, and pass it on through one without",
	   .requirements = { "COPY-004" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t access[] = { READABLE, WRITEABLE, READ_WRITE };
	const uint64_t page = self->page;
	uint64_t to = 64 * page;
	size_t i;

	for (i = 0; i < 3; i++) {
		const bool writable = access[i] & WRITEABLE;
		size_t k;

		iommufd_map_access(self->iommufd, self->ioas, access[i], self->memory, page, page);
		for (k = 0; k < 3; k++) {
			EXPECT_EQ(writable || access[k] == READABLE ? 0 : -EPERM,
				  __iommufd_copy(self->iommufd, self->ioas, self->ioas,
						 FIXED | access[k], page, page, &to))
			TH_LOG("%#x copied with %#x", access[i], access[k]);
			/* The memory counts, not what the mapping copied from permits. */
			EXPECT_EQ(writable		  ? 0
				  : access[k] == READABLE ? -EPERM
							  : -ENOENT,
				  __iommufd_copy(self->iommufd, self->ioas, self->ioas,
						 FIXED | READ_WRITE, page, to,
						 &(uint64_t){ to + page }));
			iommufd_unmap_all(self->iommufd, self->ioas);
			iommufd_map_access(self->iommufd, self->ioas, access[i], self->memory, page,
					   page);
		}
		iommufd_unmap_all(self->iommufd, self->ioas);
	}
}

CTS_TEST_F(bare, outlives_its_source,
	   .title = "A copy stays when its source, and the source's IOAS, are gone",
	   .requirements = { "COPY-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t target = iommufd_ioas_alloc(self->iommufd);

	map_source(self);
	EXPECT_EQ(0, copy_to(self, target, 6 * self->page, 4 * self->page, 0));
	iommufd_destroy(self->iommufd, self->ioas);
	EXPECT_TRUE(held_just(self->iommufd, target, 6 * self->page));
}

CTS_MAIN
