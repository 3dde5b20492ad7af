// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "iommufd.h"
#include "iova.h"

void iova_init_ranges(struct iova_space *space, struct iommu_iova_range *ranges, uint32_t count,
		      uint64_t alignment, uint64_t highest)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (ranges[i].start > highest)
			break;
		if (ranges[i].last > highest)
			ranges[i].last = highest;
	}
	*space = (struct iova_space){ .ranges = ranges, .count = i, .alignment = alignment };
}

void iova_init(struct iova_space *space, int iommufd, uint32_t ioas, uint64_t highest)
{
	struct iommu_iova_range *ranges;
	uint64_t alignment;
	uint32_t count;

	ranges = iommufd_iova_ranges(iommufd, ioas, &count, &alignment);
	iova_init_ranges(space, ranges, count, alignment, highest);
}

void iova_exit(struct iova_space *space)
{
	free(space->ranges);
	*space = (struct iova_space){ 0 };
}

/*
 * Takes @length bytes at @iova, which range @index has, out of it: what is left before and behind
 * stays.
 */
static void take(struct iova_space *space, uint32_t index, uint64_t iova, uint64_t length)
{
	struct iommu_iova_range *range = &space->ranges[index];
	struct iommu_iova_range before = { .start = range->start, .last = iova - 1 };
	struct iommu_iova_range behind = { .start = iova + length, .last = range->last };
	bool has_before = iova > range->start;
	bool has_behind = iova + (length - 1) < range->last;

	if (has_before && has_behind) {
		space->ranges = reallocarray(space->ranges, space->count + 1, sizeof(*range));
		cts_lab_require(space->ranges, "memory for %u ranges", space->count + 1);
		range = &space->ranges[index];
		memmove(range + 1, range, (space->count - index) * sizeof(*range));
		space->count++;
		range[0] = before;
		range[1] = behind;
	} else if (has_before) {
		*range = before;
	} else if (has_behind) {
		*range = behind;
	} else {
		space->count--;
		memmove(range, range + 1, (space->count - index) * sizeof(*range));
	}
}

static uint64_t stricter(const struct iova_space *space, uint64_t align)
{
	return align > space->alignment ? align : space->alignment;
}

/* The lowest multiple of @align in @range that begins @length bytes of it, 0: none. */
static uint64_t lowest(const struct iommu_iova_range *range, uint64_t length, uint64_t align)
{
	/* IOVA 0 is as good as any, but looks like a mistake in a log. */
	uint64_t start = range->start ? range->start : align;
	uint64_t iova = (start + align - 1) & ~(align - 1);

	if (iova < start || iova > range->last || range->last - iova < length - 1)
		return 0;
	return iova;
}

/* The highest one, 0: none. */
static uint64_t highest_of(const struct iommu_iova_range *range, uint64_t length, uint64_t align)
{
	uint64_t iova;

	if (range->last - range->start < length - 1)
		return 0;
	iova = (range->last - (length - 1)) & ~(align - 1);
	return iova >= range->start ? iova : 0;
}

uint64_t __iova_alloc(struct iova_space *space, uint64_t length, uint64_t align)
{
	uint32_t i;

	for (i = 0; i < space->count; i++) {
		uint64_t iova = lowest(&space->ranges[i], length, stricter(space, align));

		if (iova) {
			take(space, i, iova, length);
			return iova;
		}
	}
	return UINT64_MAX;
}

uint64_t __iova_alloc_top(struct iova_space *space, uint64_t length, uint64_t align)
{
	uint32_t i;

	for (i = space->count; i-- > 0;) {
		uint64_t iova = highest_of(&space->ranges[i], length, stricter(space, align));

		if (iova) {
			take(space, i, iova, length);
			return iova;
		}
	}
	return UINT64_MAX;
}

uint64_t iova_alloc(struct iova_space *space, uint64_t length, uint64_t align)
{
	uint64_t iova = __iova_alloc(space, length, align);

	if (iova == UINT64_MAX)
		cts_lab_error("no room for %#llx bytes in what IOMMU and device can use",
			      (unsigned long long)length);
	return iova;
}

uint64_t iova_alloc_top(struct iova_space *space, uint64_t length, uint64_t align)
{
	uint64_t iova = __iova_alloc_top(space, length, align);

	if (iova == UINT64_MAX)
		cts_lab_error("no room for %#llx bytes in what IOMMU and device can use",
			      (unsigned long long)length);
	return iova;
}
