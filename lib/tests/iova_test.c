// SPDX-License-Identifier: GPL-2.0-only
/* The IOVA allocator: known cases, and random ones against a plain map of what is free. */
#include <stdbool.h>
#include <string.h>

#include "iova.h"
#include "unit.h"

#define MAP 256

static struct iova_space space_of(const struct iommu_iova_range *ranges, uint32_t count,
				  uint64_t alignment)
{
	struct iova_space space = { .count = count, .alignment = alignment };

	space.ranges = calloc(count, sizeof(*ranges));
	CHECK(space.ranges);
	memcpy(space.ranges, ranges, count * sizeof(*ranges));
	return space;
}

static void known_cases(void)
{
	static const struct iommu_iova_range ranges[] = {
		{ 0, 0xfedfffff },
		{ 0xfef00000, UINT64_MAX },
	};
	struct iova_space space = space_of(ranges, 2, 0x1000);

	/* Never 0; the space's own alignment holds where it is stricter. */
	CHECK(iova_alloc(&space, 0x800, 1) == 0x1000);
	CHECK(iova_alloc(&space, 0x1000, 0x200000) == 0x200000);
	/* The hole before it is still there. */
	CHECK(iova_alloc(&space, 0x1000, 0x1000) == 0x2000);
	/* What does not fit below the reserved range goes behind it. */
	CHECK(iova_alloc(&space, 0x100000000, 0x1000) == 0xfef00000);
	/* The last byte of all. */
	CHECK(iova_alloc_top(&space, 0x1000, 0x1000) == UINT64_MAX - 0xfff);
	CHECK(iova_alloc_top(&space, 0x1000, 0x1000) == UINT64_MAX - 0x1fff);
	CHECK(iova_alloc_top(&space, 0x1000, 0x200000) == UINT64_MAX - 0x1fffff);
	CHECK(__iova_alloc(&space, UINT64_MAX, 0x1000) == UINT64_MAX);
	CHECK(__iova_alloc_top(&space, UINT64_MAX, 0x1000) == UINT64_MAX);
	CHECK(__iova_alloc(&space, 0x1000, 1ULL << 63) == 1ULL << 63);
	CHECK(__iova_alloc(&space, 0x1000, 1ULL << 63) == UINT64_MAX);
	CHECK_ENDS(iova_alloc(&space, 0x1000, 1ULL << 63));
	iova_exit(&space);
	CHECK(!space.ranges && !space.count);
}

/* All of a range, a range of one byte, and nothing. */
static void edges(void)
{
	static const struct iommu_iova_range one = { 0x1000, 0x1fff };
	static const struct iommu_iova_range all = { 0, UINT64_MAX };
	struct iova_space space = space_of(&one, 1, 1);

	CHECK(__iova_alloc(&space, 0x1001, 1) == UINT64_MAX);
	CHECK(__iova_alloc(&space, 0x1000, 1) == 0x1000);
	CHECK(space.count == 0);
	CHECK(__iova_alloc(&space, 1, 1) == UINT64_MAX);
	CHECK(__iova_alloc_top(&space, 1, 1) == UINT64_MAX);
	iova_exit(&space);
	space = space_of(&all, 1, 1);
	CHECK(__iova_alloc(&space, UINT64_MAX, 1) == 1);
	CHECK(__iova_alloc(&space, 1, 1) == UINT64_MAX);
	iova_exit(&space);
}

/* The first, or the last, place of @length free units at a multiple of @align; 0: none. */
static unsigned int search(const bool *free, unsigned int length, unsigned int align, bool top)
{
	unsigned int i, start, found = 0;

	for (start = align; start + length <= MAP; start += align) {
		for (i = 0; i < length && free[start + i]; i++)
			;
		if (i < length)
			continue;
		found = start;
		if (!top)
			break;
	}
	return found;
}

static void random_cases(unsigned int seed)
{
	struct iommu_iova_range ranges[3];
	struct iova_space space;
	bool free[MAP] = { false };
	unsigned int i, round, at = 0;

	srand(seed);
	for (i = 0; i < 3; i++) {
		ranges[i].start = at + (unsigned int)rand() % 20;
		ranges[i].last = ranges[i].start + (unsigned int)rand() % 60;
		memset(free + ranges[i].start, true, ranges[i].last - ranges[i].start + 1);
		at = (unsigned int)ranges[i].last + 2;
	}
	space = space_of(ranges, 3, 1);
	for (round = 0; round < 60; round++) {
		unsigned int length = 1 + (unsigned int)rand() % 12;
		unsigned int align = 1U << rand() % 5;
		bool top = rand() % 2;
		unsigned int wanted = search(free, length, align, top);
		uint64_t got = top ? __iova_alloc_top(&space, length, align)
				   : __iova_alloc(&space, length, align);

		CHECK(got == (wanted ? wanted : UINT64_MAX));
		if (wanted)
			memset(free + wanted, false, length);
	}
	iova_exit(&space);
}

int main(void)
{
	unsigned int seed;

	known_cases();
	edges();
	for (seed = 0; seed < 2000; seed++)
		random_cases(seed);
	return 0;
}
