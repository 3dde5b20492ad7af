// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of every kind of page, in whole pages and parts of them, maps completely: each IOVA leads
 * to its own byte.
 */
#include "access.h"

FIXTURE(pages)
{
	struct dut dut;
	struct buffer buffer; /* two of the kind's pages; one of 1 GiB */
	size_t base;	      /* bytes of a base page */
};

FIXTURE_VARIANT(pages)
{
	enum buffer_kind kind;
};

FIXTURE_VARIANT_ADD(pages, base)
{
	.kind = BUFFER_BASE,
};
FIXTURE_VARIANT_ADD(pages, thp)
{
	.kind = BUFFER_THP,
};
FIXTURE_VARIANT_ADD(pages, shared)
{
	.kind = BUFFER_SHARED,
};
FIXTURE_VARIANT_ADD(pages, memfd)
{
	.kind = BUFFER_MEMFD,
};
FIXTURE_VARIANT_ADD(pages, hugetlb_2m)
{
	.kind = BUFFER_HUGETLB_2M,
};
FIXTURE_VARIANT_ADD(pages, hugetlb_1g)
{
	.kind = BUFFER_HUGETLB_1G,
};
FIXTURE_VARIANT_ADD(pages, memfd_hugetlb)
{
	.kind = BUFFER_MEMFD_HUGETLB,
};

FIXTURE_SETUP(pages)
{
	size_t page, size;

	CTS_CHECK_NEEDS();
	page = buffer_page(variant->kind);
	if (!page)
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->kind));
	/* At least 64 base pages, so that there are parts. */
	self->base = page_size();
	size = page < 64 * self->base ? 64 * self->base : 2 * page;
	if (variant->kind == BUFFER_HUGETLB_1G)
		size = page;
	if (__buffer_alloc(&self->buffer, variant->kind, size))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no %zu bytes of kind %s are free", size,
			 buffer_kind_name(variant->kind));
	DUT_OPEN_OR_SKIP(&self->dut);
}

FIXTURE_TEARDOWN(pages)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

/* Base pages around which the memory is looked at: all of it would take too long for 1 GiB. */
#define SPOTS 6

static void choose_spots(size_t count, size_t *spots)
{
	const size_t chosen[SPOTS] = {
		0, 1, count / 2 - 1, count / 2, count - 3, count - 1,
	};

	memcpy(spots, chosen, sizeof(chosen));
}

/*
 * Writes to each spot of [@first, @first + @count) base pages of the memory, which is mapped at
 * @iova. Each must change its own bytes and none at the other spots, nor in the pages beside the
 * range.
 */
static bool spots_written(struct dut *dut, char *memory, size_t total, size_t first, size_t count,
			  uint64_t iova)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	const size_t base = page_size();
	size_t spots[SPOTS], i, k;

	choose_spots(count, spots);
	for (i = 0; i < SPOTS; i++) {
		/* At the beginning and the end of pages, in turns. */
		size_t offset = i % 2 ? aligned_down(limits, base - limits->smallest) : 0;

		for (k = 0; k < SPOTS; k++)
			canary_fill(memory + (first + spots[k]) * base, base, k + 1);
		if (first)
			canary_fill(memory + (first - 1) * base, base, SPOTS + 1);
		if (first + count < total)
			canary_fill(memory + (first + count) * base, base, SPOTS + 2);
		if (!write_lands(dut->dma, iova + spots[i] * base + offset, limits->smallest,
				 memory + (first + spots[i]) * base, base, offset))
			return false;
		for (k = 0; k < SPOTS; k++)
			if (k != i &&
			    !canary_intact(memory + (first + spots[k]) * base, base, k + 1))
				return false;
		if (first && !canary_intact(memory + (first - 1) * base, base, SPOTS + 1))
			return false;
		if (first + count < total &&
		    !canary_intact(memory + (first + count) * base, base, SPOTS + 2))
			return false;
	}
	return true;
}

CTS_TEST_F(pages, whole,
	   .title = "Every page of the memory is reached at its IOVA, aligned as the memory or not, and none when it is unmapped",
	   .requirements = { "MAP-015", "ISO-001", "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t size = self->buffer.size, total = size / self->base;
	char *memory = self->buffer.memory, *last = memory + size - self->base;
	uint64_t iova = __iova_alloc(&self->dut.space, size, size);

	if (iova == UINT64_MAX)
		CTS_SKIP(DEVICE_LACKS, "%zu bytes are more than the device addresses", size);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, size, iova);
	EXPECT_TRUE(spots_written(&self->dut, memory, total, 0, total, iova));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, size);
	canary_fill(last, self->base, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, iova + size - self->base,
				 dma_write_limits(self->dut.dma)->smallest, last, self->base, 1));

	/* Half of it, so that no range crosses a multiple of 1 GiB: see borders.c. */
	iova += 3 * self->base;
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, size / 2, iova);
	EXPECT_TRUE(spots_written(&self->dut, memory, total, 0, total / 2, iova));
}

CTS_TEST_F(pages, part,
	   .title = "A part of the memory that begins and ends within its pages is reached, and nothing beside it",
	   .requirements = { "MAP-015", "ISO-001", "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t length = dma_write_limits(self->dut.dma)->smallest;
	size_t size = self->buffer.size, total = size / self->base;
	const size_t first = 5, count = total - 11;
	char *memory = self->buffer.memory, *behind = memory + (first + count) * self->base;
	uint64_t iova = __iova_alloc(&self->dut.space, size, size);

	if (iova == UINT64_MAX)
		CTS_SKIP(DEVICE_LACKS, "%zu bytes are more than the device addresses", size);
	/* Aligned alike, so that large entries fit in the middle. */
	iova += first * self->base;
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + first * self->base,
		    count * self->base, iova);
	EXPECT_TRUE(spots_written(&self->dut, memory, total, first, count, iova));

	canary_fill(memory + (first - 1) * self->base, self->base, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, iova - self->base, length,
				 memory + (first - 1) * self->base, self->base, 1));
	canary_fill(behind, self->base, 2);
	EXPECT_TRUE(write_spares(self->dut.dma, iova + count * self->base, length, behind,
				 self->base, 2));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory + first * self->base));
}

CTS_MAIN
