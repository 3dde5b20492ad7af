// SPDX-License-Identifier: GPL-2.0-only
/*
 * One mapping of many IO pages, as a machine's memory is mapped at once and asked for piece by
 * piece: where a question begins and ends within the mapping it is answered for that part alone.
 * And a bitmap that is larger than what the kernel looks at in one go.
 */
#include "small_pages.h"
#include "tracked.h"

/* A second table that tracks, on an IOAS with @size bytes mapped at IOVA by one call, in IO pages
 * of a page of memory each.
 */
static uint32_t whole_table(const FIXTURE_DATA(tracked) * self, struct buffer *buffer, size_t size,
			    enum buffer_kind kind, uint32_t *ioas)
{
	uint32_t hwpt;

	*ioas = iommufd_ioas_alloc(self->iommufd);
	small_pages(self->iommufd, *ioas);
	buffer_alloc(buffer, kind, size);
	iommufd_map(self->iommufd, *ioas, buffer->memory, size, IOVA);
	hwpt = hwpt_alloc(self->iommufd, self->mock.device, *ioas, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	dirty_tracking(self->iommufd, hwpt, true);
	return hwpt;
}

CTS_TEST_F(tracked, part_of_a_mapping,
	   .title = "A question about a part of a mapping gets that part's pages, and leaves the others dirty",
	   .requirements = { "DIRTY-005", "DIRTY-006", "DIRTY-008" },
	   .needs = CTS_NEED_MOCK)
{
	static const size_t dirty[] = { 0, 7, 8, 15, 16, 31, 32, 63 };
	static const size_t parts[][2] = { { 8, 16 }, { 5, 6 }, { 31, 33 }, { 33, 63 }, { 1, 8 } };
	bool left[64] = { false };
	struct buffer buffer;
	uint32_t ioas, hwpt;
	uint8_t bits[BITMAP];
	size_t i, k;

	hwpt = whole_table(self, &buffer, 64 * self->page, BUFFER_BASE, &ioas);
	for (i = 0; i < ARRAY_SIZE(dirty); i++) {
		write_page(self->iommufd, hwpt, dirty[i]);
		left[dirty[i]] = true;
	}
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const size_t first = parts[i][0], count = parts[i][1] - first;
		uint8_t expected[BITMAP] = { 0 };

		for (k = 0; k < count; k++) {
			if (left[first + k])
				expected[k / 8] |= 1U << k % 8;
			left[first + k] = false;
		}
		memset(bits, 0, sizeof(bits));
		dirty_bitmap(self->iommufd, hwpt, 0, IOVA + first * self->page, count * self->page,
			     self->page, bits);
		EXPECT_EQ(0, memcmp(expected, bits, sizeof(bits)))
		TH_LOG("%zu pages from page %zu on", count, first);
	}
	memset(bits, 0, sizeof(bits));
	dirty_bitmap(self->iommufd, hwpt, 0, IOVA, 64 * self->page, self->page, bits);
	for (k = 0; k < 64; k++) {
		EXPECT_EQ(left[k], bits[k / 8] >> k % 8 & 1)
		TH_LOG("page %zu", k);
	}
	iommufd_unmap_all(self->iommufd, ioas);
	buffer_free(&buffer);
}

/*
 * A bit for each byte: of 18 MiB that is a bitmap of more than 2 MiB. It begins within a page, and
 * pages are dirty at its ends and around what would be its pages 512 and 513.
 */
CTS_TEST_F(tracked, large_bitmap,
	   .title = "In a bitmap of more than 2 MiB every bit is in its place, and no bit around it changes",
	   .requirements = { "DIRTY-005", "DIRTY-008" },
	   .needs = CTS_NEED_MOCK,
	   .timeout_s = 60)
{
	const size_t size = (size_t)18 << 20, bytes = size / 8, offset = 264;
	const size_t middle = ((size_t)16 << 20) / self->page, last = size / self->page - 1;
	const size_t dirty[] = { 0, 1, middle - 2, middle - 1, middle, middle + 1, last };
	uint8_t *room = calloc(1, bytes + 2 * self->page), *expected, *bits;
	const size_t each = self->page / 8;
	struct buffer buffer;
	uint32_t ioas, hwpt;
	size_t i;

	ASSERT_NE(NULL, room);
	expected = calloc(1, bytes + 2 * self->page);
	ASSERT_NE(NULL, expected);
	bits = room + self->page - (uintptr_t)room % self->page + offset;
	hwpt = whole_table(self, &buffer, size, BUFFER_ALIASED, &ioas);
	for (i = 0; i < ARRAY_SIZE(dirty); i++) {
		write_page(self->iommufd, hwpt, dirty[i]);
		memset(expected + (bits - room) + dirty[i] * each, 0xff, each);
	}
	dirty_bitmap(self->iommufd, hwpt, 0, IOVA, size, 1, bits);
	EXPECT_EQ(0, memcmp(expected, room, bytes + 2 * self->page));
	iommufd_unmap_all(self->iommufd, ioas);
	buffer_free(&buffer);
	free(room);
	free(expected);
}

CTS_MAIN
