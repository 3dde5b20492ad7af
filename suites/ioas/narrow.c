// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a table asks of its IOAS: an alignment, and IOVAs that it can translate. A table that can't
 * have it is not made, and leaves the IOAS as it was.
 */
#include <stdlib.h>

#include "bound.h"

CTS_TEST_F(bound, as_wide_as_at_first,
	   .title = "A table narrows its IOAS, a second one no further; without tables it is as wide as at first",
	   .requirements = { "IOVA-006", "IOVA-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt[2], counts[2], i;
	struct iommu_iova_range *ranges[2];
	uint64_t alignments[2];

	EXPECT_TRUE(is_wide(self));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, try_table(self, &hwpt[i]));
		EXPECT_FALSE(is_wide(self));
		ranges[i] = ranges_of(self, &counts[i], &alignments[i]);
	}
	EXPECT_EQ(counts[0], counts[1]);
	EXPECT_EQ(alignments[0], alignments[1]);
	EXPECT_LT(1, alignments[0]);
	EXPECT_GE(self->page, alignments[0]);
	EXPECT_EQ(0, memcmp(ranges[0], ranges[1], counts[0] * sizeof(*ranges[0])));
	for (i = 0; i < counts[0]; i++) {
		EXPECT_LE(ranges[0][i].start, ranges[0][i].last);
		if (i) {
			EXPECT_LT(ranges[0][i - 1].last + 1, ranges[0][i].start);
		}
	}
	iommufd_destroy(self->iommufd, hwpt[0]);
	EXPECT_FALSE(is_wide(self));
	iommufd_destroy(self->iommufd, hwpt[1]);
	EXPECT_TRUE(is_wide(self));
	free(ranges[0]);
	free(ranges[1]);
}

CTS_TEST_F(bound, too_little_room,
	   .title = "With too few slots the first ranges come, the number of all, and no slot beyond those given is written",
	   .requirements = { "IOVA-002", "IOVA-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct iommu_iova_range untouched = { .start = 0xa5a5, .last = 0x5a5a };
	struct iommu_iova_range *all, *slots;
	uint64_t alignment;
	uint32_t count, room;

	vfio_attach(self->device, self->ioas);
	all = ranges_of(self, &count, &alignment);
	slots = calloc(count + 2, sizeof(*slots));
	ASSERT_NE(NULL, slots);
	for (room = 0; room <= count + 1; room++) {
		struct iommu_ioas_iova_ranges args = {
			.size = sizeof(args),
			.ioas_id = self->ioas,
			.num_iovas = room,
			.allowed_iovas = (uintptr_t)slots,
		};
		uint32_t i, filled = room < count ? room : count;

		for (i = 0; i < count + 2; i++)
			slots[i] = untouched;
		EXPECT_EQ(room < count ? -EMSGSIZE : 0,
			  call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
		EXPECT_EQ(count, args.num_iovas);
		EXPECT_EQ(alignment, args.out_iova_alignment);
		EXPECT_EQ(0, memcmp(slots, all, filled * sizeof(*slots)));
		for (i = filled; i < count + 2; i++) {
			EXPECT_EQ(0, memcmp(&slots[i], &untouched, sizeof(untouched)));
		}
	}
	free(all);
	free(slots);
}

CTS_TEST_F(bound, unaligned_mapping,
	   .title = "A table finds what was mapped unaligned in its way: EADDRINUSE, until that is unmapped",
	   .requirements = { "IOVA-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t half, alignment;
	uint32_t hwpt, count;
	size_t i;

	ASSERT_EQ(0, try_table(self, &hwpt));
	free(ranges_of(self, &count, &alignment));
	iommufd_destroy(self->iommufd, hwpt);
	half = alignment / 2;
	for (i = 0; i < 3; i++) {
		const uint64_t iova = self->iova + (i == 0 ? half : 0);
		const uint64_t length = self->page + (i == 1 ? half : 0);

		iommufd_map(self->iommufd, self->ioas, self->memory + (i == 2 ? half : 0), length,
			    iova);
		EXPECT_EQ(-EADDRINUSE, try_table(self, &hwpt));
		EXPECT_TRUE(is_wide(self));
		EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, iova, length));
		EXPECT_EQ(0, try_table(self, &hwpt));
		iommufd_destroy(self->iommufd, hwpt);
	}
}

/* An IOVA beyond what a table of the device translates, 0 if there is none. */
static uint64_t out_of_reach(const FIXTURE_DATA(bound) * self)
{
	uint64_t alignment, beyond;
	uint32_t hwpt, count;
	struct iommu_iova_range *ranges;

	cts_require(!try_table(self, &hwpt), "IOMMU_HWPT_ALLOC");
	ranges = ranges_of(self, &count, &alignment);
	beyond = ranges[count - 1].last + 1;
	free(ranges);
	iommufd_destroy(self->iommufd, hwpt);
	return beyond;
}

CTS_TEST_F(bound, out_of_its_reach,
	   .title = "A table finds what was mapped or allowed beyond its reach in its way: EADDRINUSE, until it is gone",
	   .requirements = { "IOVA-011", "IOVA-006" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t beyond = out_of_reach(self);
	const struct iommu_iova_range window = { beyond - self->page, beyond + self->page - 1 };
	uint32_t hwpt;

	if (!beyond)
		CTS_SKIP(IOMMU_LACKS, "its tables translate all IOVAs");
	iommufd_map(self->iommufd, self->ioas, self->memory, 2 * self->page, beyond - self->page);
	EXPECT_EQ(-EADDRINUSE, try_table(self, &hwpt));
	EXPECT_TRUE(is_wide(self));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 2 * self->page));

	ASSERT_EQ(0, allow(self->iommufd, self->ioas, &window, 1));
	EXPECT_EQ(-EADDRINUSE, try_table(self, &hwpt));
	EXPECT_TRUE(is_wide(self));
	iommufd_allow_all(self->iommufd, self->ioas);
	EXPECT_EQ(0, try_table(self, &hwpt));
	EXPECT_EQ(-EINVAL, __iommufd_map(self->iommufd, self->ioas, self->memory, 2 * self->page,
					 beyond - self->page));
	EXPECT_EQ(0, __iommufd_map(self->iommufd, self->ioas, self->memory, self->page,
				   beyond - self->page));
}

CTS_TEST_F(bound, allowed_beyond_its_reach,
	   .title = "What a table doesn't translate can't be allowed: EADDRINUSE, and the old list stays in force",
	   .requirements = { "IOVA-009" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t beyond = out_of_reach(self), iova = 0;
	const struct iommu_iova_range old = { self->iova, self->iova + self->page - 1 };
	const struct iommu_iova_range bad[] = {
		{ self->iova + 4 * self->page, self->iova + 8 * self->page - 1 },
		{ beyond - self->page, beyond },
	};
	uint32_t hwpt;

	if (!beyond)
		CTS_SKIP(IOMMU_LACKS, "its tables translate all IOVAs");
	ASSERT_EQ(0, try_table(self, &hwpt));
	ASSERT_EQ(0, allow(self->iommufd, self->ioas, &old, 1));
	EXPECT_EQ(-EADDRINUSE, allow(self->iommufd, self->ioas, bad, 2));
	EXPECT_EQ(0, __iommufd_map_flags(self->iommufd, self->ioas, READABLE, self->memory,
					 self->page, &iova));
	EXPECT_EQ(self->iova, iova);
	iommufd_unmap_all(self->iommufd, self->ioas);
	EXPECT_EQ(0, allow(self->iommufd, self->ioas, bad, 1));
	EXPECT_EQ(0, __iommufd_map_flags(self->iommufd, self->ioas, READABLE, self->memory,
					 self->page, &iova));
	EXPECT_TRUE(iova >= bad[0].start && iova <= bad[0].last);
}

CTS_TEST_F(bound, copy_by_the_rules,
	   .title = "A copy where a table can't have it is EINVAL: beyond its reach, or unaligned",
	   .requirements = { "COPY-006", "MAP-013" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t source = iommufd_ioas_alloc(self->iommufd);
	uint64_t beyond = out_of_reach(self), places[3];
	uint32_t hwpt;
	size_t i;

	iommufd_map(self->iommufd, source, self->memory, 4 * self->page, 0);
	ASSERT_EQ(0, try_table(self, &hwpt));
	places[0] = self->iova + 1;
	places[1] = places[2] = self->iova;
	for (i = 0; i < 3; i++) {
		const uint64_t length = self->page - (i == 1 ? 1 : 0), from = i == 2 ? 1 : 0;

		EXPECT_EQ(-EINVAL, __iommufd_copy(self->iommufd, self->ioas, source,
						  FIXED | READABLE, length, from, &places[i]));
	}
	if (beyond) {
		EXPECT_EQ(-EINVAL, __iommufd_copy(self->iommufd, self->ioas, source,
						  FIXED | READABLE, self->page, 0, &beyond));
	}
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
	EXPECT_TRUE(held_just(self->iommufd, source, 4 * self->page));
}

CTS_MAIN
