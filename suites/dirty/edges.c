// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a lost bit is a lost page of a migrating machine: questions that begin or end within an IO
 * page, that reach beyond what is mapped, and bitmaps that can't be written. The answer is
 * complete, or it is an error and what was dirty still is.
 */
#include <sys/ioctl.h>

#include "small_pages.h"
#include "tracked.h"

CTS_TEST_F(tracked, begins_within,
	   .title = "A question that begins within an IO page that was written is answered yes",
	   .requirements = { "DIRTY-010" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP] = { 0 };

	write_page(self->iommufd, self->hwpt, 0);
	dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA + self->page - self->unit, self->unit,
		     self->unit, bits);
	EXPECT_EQ(1, bits[0]);
	bits[0] = 0;
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, ends_within,
	   .title = "A question that ends within an IO page that was written sets no bit behind its last",
	   .requirements = { "DIRTY-010" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP] = { 0 };

	write_page(self->iommufd, self->hwpt, 0);
	dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, self->unit, self->unit, bits);
	EXPECT_EQ(1, bits[0]);
	bits[0] = 0;
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, other_half,
	   .title = "Whether the half of an IO page that wasn't asked for is still dirty",
	   .requirements = { "DIRTY-015" },
	   .needs = CTS_NEED_MOCK,
	   .kind = CTS_CHARACTERISATION)
{
	uint8_t bits[BITMAP] = { 0 };

	write_page(self->iommufd, self->hwpt, 0);
	dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, self->unit, self->unit, bits);
	memset(bits, 0, sizeof(bits));
	dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, self->page, self->page, bits);
	cts_record_fact("the other half", "%s", bits[0] & 1 ? "dirty" : "clean");
}

CTS_TEST_F(tracked, smaller_pages,
	   .title = "Of an IO page that was written, every smaller page has its bit",
	   .requirements = { "DIRTY-009" },
	   .needs = CTS_NEED_MOCK)
{
	const size_t each = self->page / self->unit;
	uint8_t bits[BITMAP] = { 0 }, expected[BITMAP] = { 0 };
	size_t i;

	ASSERT_GE(8 * BITMAP, 3 * each);
	write_page(self->iommufd, self->hwpt, 1);
	for (i = each; i < 2 * each; i++)
		expected[i / 8] |= 1U << i % 8;
	dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, 3 * self->page, self->unit, bits);
	EXPECT_EQ(0, memcmp(expected, bits, BITMAP));
}

CTS_TEST_F(tracked, behind_a_hole,
	   .title = "A question across IOVAs where nothing is mapped finds what is dirty behind them, or fails",
	   .requirements = { "DIRTY-011" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP];
	int rc;

	iommufd_unmap(self->iommufd, self->ioas, IOVA + 8 * self->page, 8 * self->page);
	write_page(self->iommufd, self->hwpt, 1);
	write_page(self->iommufd, self->hwpt, 200);
	memset(bits, 0, BITMAP);
	rc = __dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, self->size, self->page, bits);
	if (!rc) {
		EXPECT_EQ(2, bits[0]);
		EXPECT_EQ(1, bits[200 / 8]);
	}
	/* What the answer didn't tell is still to be had. */
	if (rc || !bits[200 / 8]) {
		memset(bits, 0, BITMAP);
		dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA + 200 * self->page, self->page,
			     self->page, bits);
		EXPECT_EQ(1, bits[0]);
	}
}

CTS_TEST_F(tracked, nothing_mapped,
	   .title = "What the answer is where nothing is mapped",
	   .requirements = { "DIRTY-017" },
	   .needs = CTS_NEED_MOCK,
	   .kind = CTS_CHARACTERISATION)
{
	uint8_t bits[BITMAP] = { 0 };
	int rc = __dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA + self->size, self->size,
				self->page, bits);

	cts_record_fact("nothing mapped", "%d, %s", rc, no_bits(bits, BITMAP) ? "no bit" : "bits");
}

CTS_TEST_F(tracked, unwritable_bitmap,
	   .title = "A bitmap that can't be written is EFAULT, and what was dirty still is",
	   .requirements = { "DIRTY-012" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP] = { 0 };
	void *const places[] = { NULL, inaccessible_page(), read_only_page(bits, sizeof(bits)) };
	size_t i;

	write_page(self->iommufd, self->hwpt, 9);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(-EFAULT, __dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, self->size,
						  self->page, places[i]))
		TH_LOG("bitmap at %p", places[i]);
	}
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(2, bits[1]);
}

/*
 * Of twelve pages, three to a bit, the last was written. Four bits are the caller's: a kernel that
 * counts in single pages writes behind them.
 */
CTS_TEST_F(tracked, page_of_three,
	   .title = "A page size that is no power of two is EINVAL",
	   .requirements = { "DIRTY-016" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP] = { 0 };

	write_page(self->iommufd, self->hwpt, 11);
	EXPECT_EQ(-EINVAL, __dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA, 12 * self->page,
					  3 * self->page, bits));
	EXPECT_TRUE(no_bits(bits, BITMAP));
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(8, bits[1]);
}

/*
 * A bitmap with one word in a page, all of the next page, and another word: bits on both sides of
 * where the pages meet, which the kernel sees one by one.
 */
CTS_TEST_F(tracked, across_bitmap_pages,
	   .title = "In a bitmap that lies across pages every bit is in its place",
	   .requirements = { "DIRTY-005", "DIRTY-008" },
	   .needs = CTS_NEED_MOCK,
	   .timeout_s = 60)
{
	const size_t page = self->page, bytes = 8 + page + 8, per_page = 8 * page;
	/* What is left of the last 2 MiB is not asked for. */
	const size_t size = (8 * bytes * page + 0x1fffff) & ~(size_t)0x1fffff;
	const size_t dirty[] = { 0, 63, 64, 65, 64 + per_page - 1, 64 + per_page, 127 + per_page };
	uint8_t *room = calloc(4, page), *expected = calloc(4, page), *bits;
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd), hwpt;
	struct buffer large;
	size_t i;

	ASSERT_NE(NULL, room);
	ASSERT_NE(NULL, expected);
	bits = (uint8_t *)(((uintptr_t)room + 2 * page - 1) / page * page) - 8;
	small_pages(self->iommufd, ioas);
	hwpt = hwpt_alloc(self->iommufd, self->mock.device, ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	/* 32 GiB where pages have 64 KiB. */
	if (iommufd_usable_bytes(self->iommufd, ioas, IOVA, IOVA + size - 1) != size)
		CTS_SKIP(IOMMU_LACKS, "the mock's tables end before the bitmap fills a page");
	buffer_alloc(&large, BUFFER_ALIASED, size);
	iommufd_map(self->iommufd, ioas, large.memory, large.size, IOVA);
	dirty_tracking(self->iommufd, hwpt, true);
	for (i = 0; i < ARRAY_SIZE(dirty); i++) {
		write_page(self->iommufd, hwpt, dirty[i]);
		expected[dirty[i] / 8] |= 1U << dirty[i] % 8;
	}
	dirty_bitmap(self->iommufd, hwpt, 0, IOVA, 8 * bytes * page, page, bits);
	EXPECT_EQ(0, memcmp(expected, bits, bytes));
	EXPECT_TRUE(no_bits(room, bits - room));
	EXPECT_TRUE(no_bits(bits + bytes, room + 4 * page - (bits + bytes)));
	iommufd_unmap_all(self->iommufd, ioas);
	buffer_free(&large);
	free(room);
	free(expected);
}

CTS_MAIN
