// SPDX-License-Identifier: GPL-2.0-only
/* The edges of IOMMU_IOAS_UNMAP, and the number of bytes that it reports. */
#include "bare.h"

/* Three mappings, in pages: a hole of two pages is between the second and the third. */
static const struct {
	uint64_t first, count;
} mapped[] = { { 4, 4 }, { 8, 2 }, { 12, 4 } };

#define TOTAL 10

static void map_three(const FIXTURE_DATA(bare) * self)
{
	size_t i;

	for (i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++)
		iommufd_map(self->iommufd, self->ioas, self->memory, mapped[i].count * self->page,
			    mapped[i].first * self->page);
}

CTS_TEST_F(bare, refused,
	   .title = "A range without length, that wraps, cuts a mapping or has none is refused, and all mappings stay",
	   .requirements = { "UNMAP-001", "UNMAP-003", "UNMAP-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, end = UINT64_MAX;
	const struct {
		uint64_t iova, length;
		int error;
	} ranges[] = {
		{ 4 * page, 0, -EINVAL },
		{ 0, 0, -EINVAL },
		{ end, 1, -EOVERFLOW },
		{ 1, end, -EOVERFLOW },
		{ end, end, -EOVERFLOW },
		{ end + 1 - page, 2 * page, -EOVERFLOW },
		{ end - 1, 3, -EOVERFLOW },
		{ 3, end - 1, -EOVERFLOW },
		{ 10 * page, 2 * page, -ENOENT },
		{ 0, 4 * page, -ENOENT },
		{ 16 * page, end - 16 * page, -ENOENT },
		{ end - 1, 2, -ENOENT },
		{ 4 * page, 1, -ENOENT },
		{ 4 * page + 1, 4 * page - 1, -ENOENT },
		{ 4 * page, 4 * page - 1, -ENOENT },
		{ 5 * page, 2 * page, -ENOENT },
		{ 3 * page, 2 * page, -ENOENT },
		{ 7 * page, 3 * page, -ENOENT },
		{ 15 * page, 2 * page, -ENOENT },
		{ 16 * page - 1, 1, -ENOENT },
	};
	size_t i, k;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		uint64_t length = ranges[i].length;

		map_three(self);
		EXPECT_EQ(ranges[i].error,
			  __iommufd_unmap(self->iommufd, self->ioas, ranges[i].iova, &length))
		TH_LOG("%#llx bytes at %#llx", (unsigned long long)ranges[i].length,
		       (unsigned long long)ranges[i].iova);
		EXPECT_EQ(ranges[i].length, length);
		for (k = 0; k < sizeof(mapped) / sizeof(mapped[0]); k++) {
			EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas,
						   mapped[k].first * page, mapped[k].count * page))
			TH_LOG("%#llx bytes at %#llx", (unsigned long long)ranges[i].length,
			       (unsigned long long)ranges[i].iova);
		}
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
	}
}

CTS_TEST_F(bare, reports_what_was_there,
	   .title = "The bytes reported are those that were mapped, holes and what is beside them left out",
	   .requirements = { "UNMAP-001", "UNMAP-002", "UNMAP-005" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page;
	/* The range, and how much of it is mapped: pages. */
	const struct {
		uint64_t first, count, bytes;
	} ranges[] = {
		{ 4, 4, 4 }, { 8, 2, 2 },   { 12, 4, 4 },  { 4, 6, 6 },	   { 4, 8, 6 },
		{ 8, 8, 6 }, { 3, 14, 10 }, { 0, 16, 10 }, { 10, 100, 4 }, { 0, 12, 6 },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		uint64_t length = ranges[i].count * page;

		map_three(self);
		EXPECT_EQ(0, __iommufd_unmap(self->iommufd, self->ioas, ranges[i].first * page,
					     &length));
		EXPECT_EQ(ranges[i].bytes * page, length)
		TH_LOG("%llu pages from page %llu on", (unsigned long long)ranges[i].count,
		       (unsigned long long)ranges[i].first);
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, (TOTAL - ranges[i].bytes) * page));
	}
}

CTS_TEST_F(bare, all_but_the_last_byte,
	   .title = "A range of all but the last byte is a range like any other, and IOVA 0 with the largest length is all",
	   .requirements = { "UNMAP-005", "UNMAP-003" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t top = UINT64_MAX - self->page + 1;
	uint64_t length = UINT64_MAX - 1;

	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, 0, &length));
	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, top);
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, 0, &length));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, top, self->page));

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, 0);
	EXPECT_EQ(0, __iommufd_unmap(self->iommufd, self->ioas, 0, &length));
	EXPECT_EQ(self->page, length);

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, 0);
	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, top);
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 2 * self->page));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
}

CTS_TEST_F(bare, cut_behind_a_whole,
	   .title = "Whether a range that ends inside a mapping takes away the ones before it",
	   .requirements = { "UNMAP-004" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_CHARACTERISATION)
{
	uint64_t length = 7 * self->page;

	map_three(self);
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, 6 * self->page, &length));
	length = 5 * self->page;
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, 4 * self->page, &length));
	cts_record_fact("a mapping before one that is cut", "%s",
			unmap_exactly(self->iommufd, self->ioas, 4 * self->page, 4 * self->page)
				? "goes although the call fails"
				: "stays");
	/* What was cut is there. */
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, 8 * self->page, 2 * self->page));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, 12 * self->page, 4 * self->page));
}

CTS_MAIN
