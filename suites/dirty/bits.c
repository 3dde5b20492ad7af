// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the bitmap says: a bit for each page that was written since it was last read, and for no
 * other; counted from where the question begins, in pages of the asker's size. Bits are set and
 * never cleared.
 */
#include "tracked.h"

/* Pages here and there: the first, the last, neighbours, one in each place of a byte. */
static const size_t some[] = { 0, 1, 9, 18, 27, 36, 45, 54, 63, 64, 100, 101, 127, 128, 254, 255 };

static void write_some(int iommufd, uint32_t hwpt)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(some); i++)
		write_page(iommufd, hwpt, some[i]);
}

/* The bits of those from page @from up to @to, of which page @from is the first bit. */
static void expect_some(uint8_t bits[BITMAP], size_t from, size_t to)
{
	size_t i;

	memset(bits, 0, BITMAP);
	for (i = 0; i < ARRAY_SIZE(some); i++)
		if (some[i] >= from && some[i] < to)
			bits[(some[i] - from) / 8] |= 1U << (some[i] - from) % 8;
}

CTS_TEST_F(tracked, each_page,
	   .title = "Each page that was written has its bit, and no other",
	   .requirements = { "DIRTY-005", "DIRTY-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP], expected[BITMAP];

	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));
	write_some(self->iommufd, self->hwpt);
	expect_some(expected, 0, PAGES);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(0, memcmp(expected, bits, BITMAP));

	/* Read once, they are clean, until they are written again. */
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));
	write_page(self->iommufd, self->hwpt, 63);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(0x80, bits[7]);
	bits[7] = 0;
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, read_without_clearing,
	   .title = "With NO_CLEAR the pages stay dirty",
	   .requirements = { "DIRTY-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP], expected[BITMAP];
	int i;

	write_some(self->iommufd, self->hwpt);
	expect_some(expected, 0, PAGES);
	for (i = 0; i < 3; i++) {
		read_pages(self->iommufd, self->hwpt,
			   i < 2 ? IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR : 0, bits);
		EXPECT_EQ(0, memcmp(expected, bits, BITMAP))
		TH_LOG("read %d", i);
	}
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, part_of_it,
	   .title = "A question about a part is answered from its first page on, and leaves the rest dirty",
	   .requirements = { "DIRTY-008", "DIRTY-006" },
	   .needs = CTS_NEED_MOCK)
{
	static const size_t parts[][2] = { { 1, 2 }, { 9, 64 }, { 100, 101 }, { 102, 256 } };
	uint8_t bits[BITMAP], expected[BITMAP];
	size_t i;

	write_some(self->iommufd, self->hwpt);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t from = parts[i][0], to = parts[i][1];

		memset(bits, 0, BITMAP);
		dirty_bitmap(self->iommufd, self->hwpt, 0, IOVA + from * self->page,
			     (to - from) * self->page, self->page, bits);
		expect_some(expected, from, to);
		EXPECT_EQ(0, memcmp(expected, bits, BITMAP))
		TH_LOG("pages %zu to %zu", from, to);
	}
	/* What no part had: pages 0, 64 and 101. */
	read_pages(self->iommufd, self->hwpt, 0, bits);
	memset(expected, 0, BITMAP);
	expected[0] = 1;
	expected[8] = 1;
	expected[12] = 1U << 5;
	EXPECT_EQ(0, memcmp(expected, bits, BITMAP));
}

CTS_TEST_F(tracked, any_place,
	   .title = "A bitmap at any address gets its bits, keeps those that were set, and nothing around it changes",
	   .requirements = { "DIRTY-008" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t room[BITMAP + 32], expected[BITMAP + 32];
	size_t offset, i;

	write_some(self->iommufd, self->hwpt);
	for (offset = 0; offset < 16; offset++) {
		/* The last bits of the bitmap are not asked for. */
		const size_t pages = PAGES - 8 * 2;
		uint8_t *bits = room + 8 + offset;

		memset(room, 0x22, sizeof(room));
		expect_some(expected + 8 + offset, 0, pages);
		for (i = 0; i < sizeof(room); i++)
			expected[i] = i < 8 + offset || i >= 8 + offset + BITMAP
					      ? 0x22
					      : expected[i] | 0x22;
		dirty_bitmap(self->iommufd, self->hwpt, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, IOVA,
			     pages * self->page, self->page, bits);
		EXPECT_EQ(0, memcmp(expected, room, sizeof(room)))
		TH_LOG("offset %zu", offset);
	}
}

CTS_TEST_F(tracked, larger_pages,
	   .title = "A bit for several pages is set if one of them was written",
	   .requirements = { "DIRTY-009" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP], expected[BITMAP];
	size_t pages, i;

	write_some(self->iommufd, self->hwpt);
	for (pages = 2; pages <= 64; pages *= 2) {
		memset(bits, 0, BITMAP);
		memset(expected, 0, BITMAP);
		for (i = 0; i < ARRAY_SIZE(some); i++)
			expected[some[i] / pages / 8] |= 1U << some[i] / pages % 8;
		dirty_bitmap(self->iommufd, self->hwpt, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, IOVA,
			     self->size, pages * self->page, bits);
		EXPECT_EQ(0, memcmp(expected, bits, BITMAP))
		TH_LOG("%zu pages a bit", pages);
	}
}

CTS_TEST_F(tracked, by_table,
	   .title = "Each table has its own dirty pages",
	   .requirements = { "DIRTY-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t other = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				    IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	uint8_t bits[BITMAP], expected[BITMAP];

	dirty_tracking(self->iommufd, other, true);
	write_some(self->iommufd, self->hwpt);
	write_page(self->iommufd, other, 7);
	read_pages(self->iommufd, other, 0, bits);
	EXPECT_EQ(0x80, bits[0]);
	bits[0] = 0;
	EXPECT_TRUE(no_bits(bits, BITMAP));
	expect_some(expected, 0, PAGES);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(0, memcmp(expected, bits, BITMAP));
}

CTS_TEST_F(tracked, from_the_start,
	   .title = "Enabling begins with clean pages, also where it was enabled",
	   .requirements = { "DIRTY-004" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP];

	write_some(self->iommufd, self->hwpt);
	dirty_tracking(self->iommufd, self->hwpt, true);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));

	write_some(self->iommufd, self->hwpt);
	dirty_tracking(self->iommufd, self->hwpt, false);
	dirty_tracking(self->iommufd, self->hwpt, true);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, with_unmap,
	   .title = "What was written can be asked just before an unmap, and what is mapped there next is clean",
	   .requirements = { "DIRTY-006", "DIRTY-014" },
	   .needs = CTS_NEED_MOCK)
{
	uint8_t bits[BITMAP], expected[BITMAP];

	write_some(self->iommufd, self->hwpt);
	read_pages(self->iommufd, self->hwpt, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR, bits);
	expect_some(expected, 0, PAGES);
	EXPECT_EQ(0, memcmp(expected, bits, BITMAP));
	iommufd_unmap(self->iommufd, self->ioas, IOVA, self->size);
	map_pages(self->iommufd, self->ioas, &self->buffer);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_TRUE(no_bits(bits, BITMAP));
	write_page(self->iommufd, self->hwpt, 3);
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(8, bits[0]);
}

CTS_MAIN
