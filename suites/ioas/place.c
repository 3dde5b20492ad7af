// SPDX-License-Identifier: GPL-2.0-only
/* Where a mapping may be: at the IOVA that is asked for if that can be, else at one that works. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ioas.h"

/* The ranges of the IOAS, as far as the device gets. */
static struct iommu_iova_range *ranges_of(struct dut *dut, uint32_t *count, uint64_t *alignment)
{
	struct iommu_iova_range *ranges =
		iommufd_iova_ranges(dut->iommufd, dut->ioas, count, alignment);

	while (*count && ranges[*count - 1].start > dma_highest_iova())
		--*count;
	if (*count && ranges[*count - 1].last > dma_highest_iova())
		ranges[*count - 1].last = dma_highest_iova();
	return ranges;
}

/*
 * Maps a page at @iova and writes to it, not at its very beginning: devices take an address of 0
 * for none. The only thing that can be there before are the device's rings, and they work.
 */
static bool usable(struct dut *dut, uint64_t iova, char *memory)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	uint64_t offset = aligned_down(limits, page_size() - limits->smallest);
	int status = __iommufd_map(dut->iommufd, dut->ioas, memory, page_size(), iova);

	printf("# IOVA %#llx: %d\n", (unsigned long long)iova, status);
	if (status == -EEXIST)
		return dma_rings_overlap(dut->dma, iova, page_size());
	return !status &&
	       write_lands(dut->dma, iova + offset, limits->smallest, memory, page_size(), offset);
}

CTS_TEST_F(ioas, ends_of_the_ranges,
	   .title = "The first and the last page of every reported range can be mapped and reached",
	   .requirements = { "IOVA-005", "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i;
	struct iommu_iova_range *ranges;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t alignment;
	uint32_t count;

	ranges = ranges_of(&self->dut, &count, &alignment);
	ASSERT_LT(0, count);
	for (i = 0; i < count; i++) {
		EXPECT_TRUE(usable(&self->dut, ranges[i].start, memory));
		EXPECT_TRUE(usable(&self->dut, ranges[i].last + 1 - page, memory));
	}
	free(ranges);
}

/* Four pages in a row none of which has its neighbour here behind it in memory too. */
static char *scattered_pages(void)
{
	static const int order[] = { 2, 0, 3, 1 };
	size_t page = page_size(), i;
	int fd = memfd_create("ioas", MFD_CLOEXEC);
	char *memory = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cts_require(fd >= 0 && memory != MAP_FAILED && !ftruncate(fd, 4 * page), "a memfd");
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		cts_require(mmap(memory + i * page, page, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, fd, order[i] * page) != MAP_FAILED,
			    "a page of a memfd");
	}
	close(fd);
	return memory;
}

CTS_TEST_F(ioas, scattered_at_the_ends,
	   .title = "Pages that are scattered in memory can be mapped and reached up to the end of every reported range",
	   .requirements = { "IOVA-005", "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	struct iommu_iova_range *ranges;
	char *memory = scattered_pages();
	uint64_t alignment;
	uint32_t count, i;
	size_t k;

	ranges = ranges_of(&self->dut, &count, &alignment);
	ASSERT_LT(0, count);
	for (i = 0; i < count; i++) {
		uint64_t iova = ranges[i].last + 1 - 4 * page;
		int status =
			__iommufd_map(self->dut.iommufd, self->dut.ioas, memory, 4 * page, iova);

		EXPECT_EQ(0, status)
		TH_LOG("four pages at IOVA %#llx", (unsigned long long)iova);
		for (k = 0; !status && k < 4; k++) {
			EXPECT_TRUE(write_lands(self->dut.dma, iova + k * page, length, memory,
						4 * page, k * page));
		}
		if (!status)
			iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, 4 * page);
	}
	free(ranges);
}

CTS_TEST_F(ioas, outside_the_ranges,
	   .title = "A fixed mapping of which a page lies outside the reported ranges is EINVAL",
	   .requirements = { "MAP-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i;
	struct iommu_iova_range *ranges;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	uint64_t alignment;
	uint32_t count;

	ranges = iommufd_iova_ranges(self->dut.iommufd, self->dut.ioas, &count, &alignment);
	ASSERT_LT(0, count);
	for (i = 0; i < count; i++) {
		const struct iommu_iova_range *range = &ranges[i];

		if (range->start) {
			EXPECT_EQ(-EINVAL, __iommufd_map(self->dut.iommufd, self->dut.ioas, memory,
							 page, range->start - page));
			EXPECT_EQ(-EINVAL, __iommufd_map(self->dut.iommufd, self->dut.ioas, memory,
							 2 * page, range->start - page));
		}
		if (range->last < UINT64_MAX - 2 * page) {
			EXPECT_EQ(-EINVAL, __iommufd_map(self->dut.iommufd, self->dut.ioas, memory,
							 page, range->last + 1));
			EXPECT_EQ(-EINVAL, __iommufd_map(self->dut.iommufd, self->dut.ioas, memory,
							 2 * page, range->last + 1 - page));
		}
	}
	free(ranges);
	/* Refused as a whole: also the page of each that lies within can still be mapped. */
	ranges = ranges_of(&self->dut, &count, &alignment);
	for (i = 0; i < count; i++) {
		EXPECT_TRUE(usable(&self->dut, ranges[i].start, memory));
		EXPECT_TRUE(usable(&self->dut, ranges[i].last + 1 - page, memory));
	}
	free(ranges);
}

CTS_TEST_F(ioas, unaligned,
	   .title = "An IOVA, a length or memory that isn't aligned as reported is EINVAL",
	   .requirements = { "MAP-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), half;
	uint64_t iova = iova_alloc(&self->dut.space, 2 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	int iommufd = self->dut.iommufd;
	uint32_t ioas = self->dut.ioas;

	half = self->dut.space.alignment / 2;
	ASSERT_LT(0, half);
	EXPECT_EQ(-EINVAL, __iommufd_map(iommufd, ioas, memory, page, iova + half));
	EXPECT_EQ(-EINVAL, __iommufd_map(iommufd, ioas, memory, page + half, iova));
	EXPECT_EQ(-EINVAL, __iommufd_map(iommufd, ioas, memory + half, page, iova));
	EXPECT_EQ(-EINVAL, __iommufd_map(iommufd, ioas, memory, page, iova + 1));
	EXPECT_EQ(-EINVAL, __iommufd_map(iommufd, ioas, memory, 1, iova));
	iommufd_map(iommufd, ioas, memory, 2 * page, iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_TEST_F(ioas, overlap,
	   .title = "A fixed mapping that overlaps another is EEXIST, and the other leads to its memory as before",
	   .requirements = { "MAP-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i;
	uint64_t iova = iova_alloc(&self->dut.space, 6 * page, page) + page;
	/* Pages, from the page before the mapping of four. */
	const struct {
		size_t first, count;
	} overlaps[] = { { 1, 4 }, { 2, 2 }, { 0, 6 }, { 0, 2 }, { 4, 2 }, { 1, 1 }, { 4, 1 } };
	struct buffer buffer, other;
	char *memory = pages_alloc(&buffer, 4);

	pages_alloc(&other, 6);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, 4 * page, iova);
	for (i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
		uint64_t at = iova + overlaps[i].first * page - page;
		size_t length = overlaps[i].count * page;

		EXPECT_EQ(-EEXIST, __iommufd_map(self->dut.iommufd, self->dut.ioas, other.memory,
						 length, at));
		if (length <= 4 * page) {
			EXPECT_EQ(-EEXIST,
				  __iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas,
						 FIXED | READABLE | WRITEABLE, length, iova, &at));
		}
	}
	canary_fill(other.memory, other.size, 1);
	for (i = 0; i < 4; i++) {
		EXPECT_TRUE(write_lands(self->dut.dma, iova + i * page,
					dma_write_limits(self->dut.dma)->smallest, memory, 4 * page,
					i * page));
	}
	EXPECT_TRUE(canary_intact(other.memory, other.size, 1));

	/* Beside it there is no overlap. */
	iommufd_map(self->dut.iommufd, self->dut.ioas, other.memory, page, iova - page);
	iommufd_map(self->dut.iommufd, self->dut.ioas, other.memory, page, iova + 4 * page);
	EXPECT_TRUE(page_written(self->dut.dma, iova - page, other.memory));
	EXPECT_TRUE(page_written(self->dut.dma, iova + 4 * page, other.memory));
}

/* Is [@iova, @iova + @length) within one of the ranges? */
static bool reported(struct dut *dut, uint64_t iova, uint64_t length)
{
	uint64_t alignment;
	uint32_t count, i;
	struct iommu_iova_range *ranges =
		iommufd_iova_ranges(dut->iommufd, dut->ioas, &count, &alignment);
	bool found = false;

	for (i = 0; i < count; i++)
		found |= iova >= ranges[i].start && iova + length - 1 <= ranges[i].last;
	free(ranges);
	return found;
}

#define CHOSEN 6

CTS_TEST_F(ioas, chosen_by_the_kernel,
	   .title = "IOVAs that the kernel chooses are not 0, lie in the reported ranges, don't overlap and lead to the memory",
	   .requirements = { "MAP-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i, k;
	uint64_t iova[2 * CHOSEN];
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, CHOSEN);

	for (i = 0; i < 2 * CHOSEN; i++) {
		iova[i] = 0;
		if (i < CHOSEN) {
			ASSERT_EQ(0, __iommufd_map_flags(self->dut.iommufd, self->dut.ioas,
							 READABLE | WRITEABLE, memory + i * page,
							 page, &iova[i]));
		} else {
			ASSERT_EQ(0, __iommufd_copy(self->dut.iommufd, self->dut.ioas,
						    self->dut.ioas, READABLE | WRITEABLE, page,
						    iova[i - CHOSEN], &iova[i]));
		}
		EXPECT_NE(0, iova[i]);
		EXPECT_TRUE(reported(&self->dut, iova[i], page));
		for (k = 0; k < i; k++) {
			EXPECT_LE(page, iova[k] < iova[i] ? iova[i] - iova[k] : iova[k] - iova[i]);
		}
		if (iova[i] > dma_highest_iova() - page)
			continue;
		EXPECT_TRUE(write_lands(self->dut.dma, iova[i],
					dma_write_limits(self->dut.dma)->smallest, memory,
					CHOSEN * page, i % CHOSEN * page));
	}
}

/*
 * Refused as a whole: what was mapped of it before the hole was met is out of reach, and the IOVA
 * can be mapped to something else.
 */
static void judge_hole(struct __test_metadata *_metadata, struct dut *dut, char *memory,
		       size_t pages)
{
	size_t page = page_size(), length = dma_write_limits(dut->dma)->smallest;
	uint64_t iova = iova_alloc(&dut->space, pages * page, page);

	canary_fill(memory, page, 0);
	EXPECT_EQ(-EFAULT, __iommufd_map(dut->iommufd, dut->ioas, memory, pages * page, iova));
	EXPECT_TRUE(write_spares(dut->dma, iova, length, memory, page, 0));
	iommufd_map(dut->iommufd, dut->ioas, memory, page, iova);
	EXPECT_TRUE(page_written(dut->dma, iova, memory));
}

CTS_TEST_F(ioas, memory_with_a_hole,
	   .title = "Memory of which a page isn't there, or is inaccessible, is EFAULT and none of it is mapped",
	   .requirements = { "MAP-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 4), *hole = memory + 2 * page_size();

	ASSERT_EQ(0, munmap(hole, page_size()));
	judge_hole(_metadata, &self->dut, memory, 4);
	ASSERT_EQ(hole, mmap(hole, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			     -1, 0));
	judge_hole(_metadata, &self->dut, memory, 4);
}

/* More than the kernel pins before it begins to map: it has room for 64 KiB of what it pinned. */
#define SCATTERED 8192

CTS_TEST_F(ioas, hole_behind_much_memory,
	   .title = "The same where the hole is met when much of the memory has been mapped",
	   .requirements = { "MAP-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	size_t page = page_size(), i;
	struct buffer one;
	char *memory;

	/* One page again and again, so that no two neighbours are one piece to the kernel. */
	buffer_alloc(&one, BUFFER_MEMFD, page);
	memory = mmap(NULL, (SCATTERED + 1) * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);
	for (i = 0; i < SCATTERED; i++) {
		ASSERT_NE(MAP_FAILED, mmap(memory + i * page, page, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_FIXED, one.fd, 0));
	}
	judge_hole(_metadata, &self->dut, memory, SCATTERED + 1);
}

CTS_MAIN
