// SPDX-License-Identifier: GPL-2.0-only
/* A device reaches what is mapped in the IOAS that it is attached to, and nothing else. */
#include "ioas.h"

/* One page mapped at @iova in each of two IOASes, of which the device has the first. */
static void judge_two(struct __test_metadata *_metadata, struct dut *dut, int other_iommufd,
		      uint32_t other)
{
	size_t page = page_size();
	uint64_t iova = iova_alloc(&dut->space, page, page);
	struct buffer mine, theirs;

	pages_alloc(&mine, 1);
	pages_alloc(&theirs, 1);
	canary_fill(theirs.memory, page, 1);
	iommufd_map(dut->iommufd, dut->ioas, mine.memory, page, iova);
	iommufd_map(other_iommufd, other, theirs.memory, page, iova);
	EXPECT_TRUE(page_written(dut->dma, iova, mine.memory));
	EXPECT_TRUE(canary_intact(theirs.memory, page, 1));

	iommufd_unmap(dut->iommufd, dut->ioas, iova, page);
	canary_fill(mine.memory, page, 2);
	EXPECT_TRUE(write_spares(dut->dma, iova, dma_write_limits(dut->dma)->smallest,
				 theirs.memory, page, 1));
	EXPECT_TRUE(canary_intact(mine.memory, page, 2));

	/* What was done in its own IOAS left the other's mapping there: to be unmapped whole. */
	iommufd_unmap(other_iommufd, other, iova, page);
	iommufd_map(dut->iommufd, dut->ioas, mine.memory, page, iova);
	EXPECT_TRUE(page_written(dut->dma, iova, mine.memory));
}

CTS_TEST_F(ioas, same_iova_in_two_ioases,
	   .title = "Of two IOASes of one context the device reaches the one that it is attached to",
	   .requirements = { "ISO-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	uint32_t other = iommufd_ioas_alloc(self->dut.iommufd);

	/* A table makes the other IOAS more than a list: its mappings are in entries of the IOMMU. */
	iommufd_hwpt_alloc(self->dut.iommufd, self->dut.device_id, other);
	judge_two(_metadata, &self->dut, self->dut.iommufd, other);
}

CTS_TEST_F(ioas, same_iova_in_two_contexts,
	   .title = "The same where the other IOAS is another context's",
	   .requirements = { "ISO-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	int other = iommufd_open();

	judge_two(_metadata, &self->dut, other, iommufd_ioas_alloc(other));
	cts_close(&other);
}

CTS_TEST_F(ioas, physical_address_leads_nowhere,
	   .title = "A write to the physical address of memory that is mapped elsewhere changes nothing",
	   .requirements = { "ISO-005", "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_ROOT,
	   .timeout_s = 60,
	   .faults = true)
{
	uint32_t other = iommufd_ioas_alloc(self->dut.iommufd);
	size_t page = page_size();
	uint64_t iova, physical;
	struct buffer buffer, mine;

	/* Mapped in a table of another IOAS, so that it stays where it is. */
	pages_alloc(&buffer, 1);
	iommufd_hwpt_alloc(self->dut.iommufd, self->dut.device_id, other);
	iommufd_map(self->dut.iommufd, other, buffer.memory, page,
		    iova_alloc(&self->dut.space, page, page));
	physical = physical_address(buffer.memory);
	if (!physical)
		CTS_SKIP(KERNEL_LACKS, "/proc/self/pagemap doesn't tell where memory is");
	if (physical > dma_highest_iova() - page)
		CTS_SKIP(DEVICE_LACKS, "the device can't put out the address of that memory");

	canary_fill(buffer.memory, page, 0);
	EXPECT_TRUE(write_spares(self->dut.dma, physical, dma_write_limits(self->dut.dma)->smallest,
				 buffer.memory, page, 0));
	pages_alloc(&mine, 1);
	iova = iova_alloc(&self->dut.space, page, page);
	iommufd_map(self->dut.iommufd, self->dut.ioas, mine.memory, page, iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, mine.memory));
}

CTS_TEST_F(ioas, beyond_the_ends,
	   .title = "Writes just before and just behind a mapping change nothing",
	   .requirements = { "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	size_t page = page_size(), length = limits->smallest;
	/* Four pages, of which the middle ones are mapped. */
	uint64_t iova = iova_alloc(&self->dut.space, 4 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 4);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + page, 2 * page, iova + page);
	EXPECT_TRUE(write_lands(self->dut.dma, iova + page, length, memory, 4 * page, page));
	canary_fill(memory, 4 * page, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, iova + aligned_down(limits, page - length), length,
				 memory, 4 * page, 1));
	EXPECT_TRUE(write_spares(self->dut.dma, iova + 3 * page, length, memory, 4 * page, 1));
	EXPECT_TRUE(write_lands(self->dut.dma, iova + aligned_down(limits, 3 * page - length),
				length, memory, 4 * page, aligned_down(limits, 3 * page - length)));
}

CTS_TEST_F(ioas, across_the_end,
	   .title = "A write that runs past the end of a mapping changes nothing behind it",
	   .requirements = { "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	size_t page = page_size(), length = length_near(limits, 128);
	uint64_t begin = aligned_down(limits, page - length / 2);
	uint64_t iova = iova_alloc(&self->dut.space, 2 * page, page);
	uint8_t wrote[LONGEST];
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	if (begin + length <= page || !in_one_piece(limits, iova + begin, length))
		CTS_SKIP(DEVICE_LACKS, "no write of the device crosses a page");
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	canary_fill(memory, 2 * page, 0);
	dma_write(self->dut.dma, iova + begin, length, wrote);
	/* The part that is mapped may have arrived. */
	EXPECT_LE(begin, canary_changed(memory, 2 * page, 0, 0));
	EXPECT_EQ(2 * page, canary_changed(memory, 2 * page, 0, page));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_TEST_F(ioas, never_mapped,
	   .title = "Writes to IOVAs that were never mapped change no memory that is",
	   .requirements = { "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	size_t page = page_size(), length = limits->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page), align, other;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	struct rounds rounds = { .want = 64, .least = 4, .seconds = 3 };

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	canary_fill(memory, page, 1);
	/* From the top bit down: IOVAs of other tables than the mapping's, and of its own. */
	for (align = 1ULL << 63; align >= page; align >>= 1) {
		other = __iova_alloc(&self->dut.space, page, align);
		if (other == UINT64_MAX)
			continue;
		if (!another_round(&rounds))
			break;
		EXPECT_TRUE(write_spares(self->dut.dma, other, length, memory, page, 1));
	}
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_MAIN
