// SPDX-License-Identifier: GPL-2.0-only
/*
 * The edges of IOMMU_IOAS_MAP and IOMMU_IOAS_MAP_FILE: what has no length, wraps, or lies at an end
 * of the space. What is refused leaves the IOAS as it was; what is accepted is there to the byte.
 */
#include "bare.h"

/* One request: @length bytes from the address or file offset @from to @iova. */
struct edge {
	const char *what;
	uint32_t flags;
	uint64_t from, length, iova;
	int error;
};

FIXTURE_VARIANT(bare)
{
	bool file;
};

FIXTURE_VARIANT_ADD(bare, memory)
{
	.file = false,
};

FIXTURE_VARIANT_ADD(bare, file)
{
	.file = true,
};

#define FILE_OR_SKIP()                                   \
	do {                                             \
		if (variant->file)                       \
			MAP_FILE_OR_SKIP(self->iommufd); \
	} while (0)

static int map(const FIXTURE_DATA(bare) * self, bool file, const struct edge *edge)
{
	uint64_t iova = edge->iova;

	if (file)
		return map_file(self->iommufd, self->ioas, edge->flags, self->memfd, edge->from,
				edge->length, &iova);
	return __iommufd_map_flags(self->iommufd, self->ioas, edge->flags,
				   (const void *)(uintptr_t)edge->from, edge->length, &iova);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

CTS_TEST_F(bare, refused,
	   .title = "A request without permission or length, that wraps or overlaps has its errno and changes nothing",
	   .requirements = { "MAP-001", "MAP-002", "MAP-003", "MAP-004", "MAP-013" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, from = variant->file ? 0 : (uintptr_t)self->memory;
	const uint64_t end = UINT64_MAX, witness = 8 * page;
	const struct edge edges[] = {
		{ "no permission", FIXED, from, page, page, -EINVAL },
		{ "no permission, no IOVA", 0, from, page, 0, -EINVAL },
		{ "no length", FIXED | READ_WRITE, from, 0, page, -EINVAL },
		{ "no length, no IOVA", READ_WRITE, from, 0, 0, -EINVAL },
		{ "the largest length", FIXED | READ_WRITE, 0, end, 0, -EOVERFLOW },
		{ "the largest IOVA", FIXED | READ_WRITE, from, 1, end, -EOVERFLOW },
		{ "half of all, no IOVA", READ_WRITE, 0, end / 2, 0, -EOVERFLOW },
		{ "more than half, no IOVA", READ_WRITE, 0, end / 2 + 1, 0, -EOVERFLOW },
		{ "memory wraps", FIXED | READ_WRITE, end + 1 - page, 2 * page, page, -EOVERFLOW },
		{ "memory wraps by a byte", FIXED | READ_WRITE, end, 2, page, -EOVERFLOW },
		{ "memory wraps, no IOVA", READ_WRITE, end + 1 - page, 2 * page, 0, -EOVERFLOW },
		{ "IOVA wraps", FIXED | READ_WRITE, from, 2 * page, end + 1 - page, -EOVERFLOW },
		{ "IOVA wraps by a byte", FIXED | READ_WRITE, from, 3, end - 1, -EOVERFLOW },
		{ "there already", FIXED | READ_WRITE, from, 2 * page, witness, -EEXIST },
		{ "around", FIXED | READ_WRITE, from, 4 * page, witness - page, -EEXIST },
		{ "within", FIXED | READ_WRITE, from, 1, witness + page, -EEXIST },
		{ "its first byte", FIXED | READ_WRITE, from, page + 1, witness - page, -EEXIST },
		{ "its last byte", FIXED | READ_WRITE, from, page, witness + 2 * page - 1,
		  -EEXIST },
		{ "all but the ends", FIXED | READABLE, 0, end - 4 * page, page, -EEXIST },
	};
	size_t i;

	FILE_OR_SKIP();
	for (i = 0; i < COUNT(edges); i++) {
		iommufd_map(self->iommufd, self->ioas, self->memory, 2 * page, witness);
		EXPECT_EQ(edges[i].error, map(self, variant->file, &edges[i]))
		TH_LOG("%s", edges[i].what);
		EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, witness, 2 * page))
		TH_LOG("%s", edges[i].what);
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0))
		TH_LOG("%s", edges[i].what);
	}
}

CTS_TEST_F(bare, accepted,
	   .title = "Without a device any byte of memory can be mapped at any IOVA, to both ends of the space, and is there to the byte",
	   .requirements = { "MAP-001", "MAP-017", "UNMAP-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, from = variant->file ? 0 : (uintptr_t)self->memory;
	const uint64_t top = UINT64_MAX - page + 1;
	const struct edge edges[] = {
		{ "a byte at 0", FIXED | READ_WRITE, from, 1, 0, 0 },
		{ "a page at 0", FIXED | READ_WRITE, from, page, 0, 0 },
		{ "the last page", FIXED | READ_WRITE, from, page, top, 0 },
		{ "the last two bytes", FIXED | READ_WRITE, from, 2, UINT64_MAX - 1, 0 },
		{ "the byte before the last", FIXED | READ_WRITE, from, 1, UINT64_MAX - 1, 0 },
		{ "odd bytes", FIXED | READ_WRITE, from + 3, 5, 7, 0 },
		{ "across pages", FIXED | READ_WRITE, from + page - 1, page + 2, 3 * page - 2, 0 },
		{ "READABLE", FIXED | READABLE, from, page, page, 0 },
		{ "WRITEABLE", FIXED | WRITEABLE, from, page, page, 0 },
		{ "all pages", FIXED | READ_WRITE, from, BARE_PAGES * page, page, 0 },
	};
	uint64_t length;
	size_t i;

	FILE_OR_SKIP();
	for (i = 0; i < COUNT(edges); i++) {
		const struct edge *edge = &edges[i];

		EXPECT_EQ(0, map(self, variant->file, edge))
		TH_LOG("%s", edge->what);
		/* It can't be had again ... */
		EXPECT_EQ(-EEXIST, map(self, variant->file, edge))
		TH_LOG("%s", edge->what);
		/* ... a range that lacks its last byte cuts it, and it ends where it should. */
		if (edge->length > 1) {
			length = edge->length - 1;
			EXPECT_EQ(-ENOENT,
				  __iommufd_unmap(self->iommufd, self->ioas, edge->iova, &length))
			TH_LOG("%s", edge->what);
		}
		EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, edge->iova, edge->length))
		TH_LOG("%s", edge->what);
		length = edge->length;
		EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, edge->iova, &length))
		TH_LOG("%s", edge->what);
	}
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
}

CTS_TEST_F(bare, neighbours,
	   .title = "Mappings that adjoin to the byte are no overlap, and are unmapped each for itself",
	   .requirements = { "MAP-004", "UNMAP-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t from = variant->file ? 0 : (uintptr_t)self->memory, page = self->page;
	const struct edge middle = { "", FIXED | READ_WRITE, from, page, page + 1, 0 };
	const struct edge before = { "", FIXED | READ_WRITE, from, page + 1, 0, 0 };
	const struct edge behind = { "", FIXED | READ_WRITE, from, 1, 2 * page + 1, 0 };

	FILE_OR_SKIP();
	EXPECT_EQ(0, map(self, variant->file, &middle));
	EXPECT_EQ(0, map(self, variant->file, &before));
	EXPECT_EQ(0, map(self, variant->file, &behind));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, middle.iova, middle.length));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, behind.iova, behind.length));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, before.iova, before.length));
}

/*
 * A length near the end of 64 bits at IOVA 0: taken as a whole, or refused as a whole, without a
 * word in the log.
 */
static void judge_extreme(struct __test_metadata *_metadata, FIXTURE_DATA(bare) * self, bool file,
			  uint64_t from, uint64_t length)
{
	const struct edge edge = { "", FIXED | READABLE, from, length, 0, 0 };
	int status = map(self, file, &edge);

	printf("# %#llx bytes from %#llx: %d\n", (unsigned long long)length,
	       (unsigned long long)from, status);
	if (status) {
		EXPECT_TRUE(status == -EINVAL || status == -EOVERFLOW);
	}
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, status ? 0 : length));
}

/* Is the number of pages that @length bytes from @from on touch too large to be worked out? */
static bool wraps_when_rounded(uint64_t from, uint64_t length, uint64_t page)
{
	return length > UINT64_MAX - (page - 1) - from % page;
}

CTS_TEST_F(bare, extreme_lengths,
	   .title = "Lengths near the end of 64 bits are taken or refused, and nothing else happens",
	   .requirements = { "MAP-016" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page, limit = UINT64_MAX - page;
	const uint64_t froms[] = { 0, 1, page - 1, page };
	const uint64_t lengths[] = { limit - page, limit - 1, limit, limit + 1, UINT64_MAX - 1 };
	size_t i, k;

	FILE_OR_SKIP();
	for (i = 0; i < COUNT(froms); i++)
		for (k = 0; k < COUNT(lengths); k++)
			if (lengths[k] > limit || !wraps_when_rounded(froms[i], lengths[k], page))
				judge_extreme(_metadata, self, variant->file, froms[i], lengths[k]);
}

CTS_TEST_F(bare, count_of_pages_wraps,
	   .title = "A length that passes the end of 64 bits when it is rounded up to pages is refused like any other",
	   .requirements = { "MAP-016" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t page = self->page;

	FILE_OR_SKIP();
	ASSERT_TRUE(wraps_when_rounded(page - 1, UINT64_MAX - page, page));
	judge_extreme(_metadata, self, variant->file, page - 1, UINT64_MAX - page);
}

CTS_MAIN
