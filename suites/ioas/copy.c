// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_IOAS_COPY: a second mapping of the same memory, which lives a life of its own. */
#include <sys/mman.h>

#include "ioas.h"

#define PAGES 5

/* Is page @number of the memory where a write at @iova arrives, and only there? */
static bool leads_to(struct dut *dut, uint64_t iova, const struct buffer *buffer, size_t number)
{
	return write_lands(dut->dma, iova, dma_write_limits(dut->dma)->smallest, buffer->memory,
			   buffer->size, number * page_size());
}

CTS_TEST_F(ioas, copy_from_another_ioas,
	   .title = "A copy from another IOAS leads to the same memory, also when the source is unmapped and its IOAS gone",
	   .requirements = { "COPY-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint32_t source = iommufd_ioas_alloc(self->dut.iommufd);
	size_t page = page_size(), i;
	uint64_t iova = iova_alloc(&self->dut.space, PAGES * page, page);
	uint64_t from = iova + PAGES * page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	iommufd_map(self->dut.iommufd, source, memory, PAGES * page, from);
	iommufd_copy(self->dut.iommufd, self->dut.ioas, source, PAGES * page, from, iova);
	for (i = 0; i < PAGES; i++) {
		EXPECT_TRUE(leads_to(&self->dut, iova + i * page, &buffer, i));
	}
	iommufd_unmap(self->dut.iommufd, source, from, PAGES * page);
	iommufd_destroy(self->dut.iommufd, source);
	for (i = 0; i < PAGES; i++) {
		EXPECT_TRUE(leads_to(&self->dut, iova + i * page, &buffer, i));
	}
}

CTS_TEST_F(ioas, copy_of_a_part,
	   .title = "A copy of a part leads to that part, also when the whole is unmapped; the rest is out of reach then, and no longer pinned",
	   .requirements = { "COPY-003", "COPY-001", "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size();
	uint64_t whole = iova_alloc(&self->dut.space, PAGES * page, page);
	uint64_t part = iova_alloc(&self->dut.space, 2 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);
	long pinned = pinned_kib();

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, PAGES * page, whole);
	iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas, 2 * page, whole + 2 * page,
		     part);
	EXPECT_EQ(pinned + (long)(PAGES * page / 1024), pinned_kib());
	EXPECT_TRUE(leads_to(&self->dut, part, &buffer, 2));
	EXPECT_TRUE(leads_to(&self->dut, part + page, &buffer, 3));
	EXPECT_TRUE(leads_to(&self->dut, whole + 2 * page, &buffer, 2));

	iommufd_unmap(self->dut.iommufd, self->dut.ioas, whole, PAGES * page);
	EXPECT_EQ(pinned + (long)(2 * page / 1024), pinned_kib());
	EXPECT_TRUE(leads_to(&self->dut, part, &buffer, 2));
	EXPECT_TRUE(leads_to(&self->dut, part + page, &buffer, 3));
	canary_fill(memory, PAGES * page, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, whole + 2 * page,
				 dma_write_limits(self->dut.dma)->smallest, memory, PAGES * page,
				 1));
	EXPECT_TRUE(leads_to(&self->dut, part + page, &buffer, 3));
}

CTS_TEST_F(ioas, copy_across_a_seam,
	   .title = "A copy across adjoining mappings leads each page to its own memory",
	   .requirements = { "COPY-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i;
	uint64_t iova = iova_alloc(&self->dut.space, 4 * page, page);
	uint64_t copy = iova_alloc(&self->dut.space, 3 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	/* Two mappings; the memory of the second lies before that of the first. */
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + 3 * page, 2 * page, iova);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, 2 * page, iova + 2 * page);
	iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas, 3 * page, iova + page,
		     copy);
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(leads_to(&self->dut, copy + i * page, &buffer,
				     (const size_t[]){ 4, 0, 1 }[i]));
	}
}

CTS_TEST_F(ioas, copy_across_a_hole,
	   .title = "A copy of a range with a hole is ENOENT and maps nothing",
	   .requirements = { "COPY-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size();
	uint64_t iova = iova_alloc(&self->dut.space, 5 * page, page) + page;
	uint64_t copy = iova_alloc(&self->dut.space, 5 * page, page), at = copy;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);
	int iommufd = self->dut.iommufd;
	uint32_t ioas = self->dut.ioas;
	uint32_t flags = FIXED | READABLE | WRITEABLE;

	iommufd_map(iommufd, ioas, memory, page, iova);
	iommufd_map(iommufd, ioas, memory + 2 * page, page, iova + 2 * page);
	EXPECT_EQ(-ENOENT, __iommufd_copy(iommufd, ioas, ioas, flags, 3 * page, iova, &at));
	EXPECT_EQ(-ENOENT, __iommufd_copy(iommufd, ioas, ioas, flags, 2 * page, iova - page, &at));
	EXPECT_EQ(-ENOENT,
		  __iommufd_copy(iommufd, ioas, ioas, flags, 2 * page, iova + 2 * page, &at));
	EXPECT_EQ(-ENOENT, __iommufd_copy(iommufd, ioas, ioas, flags, page, iova + page, &at));
	iommufd_map(iommufd, ioas, memory + 3 * page, page, copy);
	EXPECT_TRUE(leads_to(&self->dut, copy, &buffer, 3));
	EXPECT_TRUE(leads_to(&self->dut, iova, &buffer, 0));
}

CTS_TEST_F(ioas, copy_adds_no_permission,
	   .title = "A WRITEABLE copy of memory that was mapped READABLE only is EPERM and maps nothing",
	   .requirements = { "COPY-004", "ISO-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size();
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	uint64_t copy = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	canary_fill(memory, page, 0);
	iommufd_map_access(self->dut.iommufd, self->dut.ioas, READABLE, memory, page, iova);
	EXPECT_EQ(-EPERM, __iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas,
					 FIXED | READABLE | WRITEABLE, page, iova, &copy));
	EXPECT_EQ(-EPERM, __iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas,
					 FIXED | WRITEABLE, page, iova, &copy));
	EXPECT_TRUE(write_spares(self->dut.dma, copy, dma_write_limits(self->dut.dma)->smallest,
				 memory, page, 0));
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, copy);
	EXPECT_TRUE(page_written(self->dut.dma, copy, memory));
}

CTS_MAIN
