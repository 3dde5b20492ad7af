// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_IOAS_UNMAP takes away the mappings that it is asked to, whole ones, and no other. */
#include "ioas.h"

/*
 * Adjoining mappings of a page each. Their memory adjoins too, unless the kernel has none that
 * does.
 */
#define MAPPINGS 5

/* Maps each page of the memory for itself; the first IOVA. */
static uint64_t map_row(struct dut *dut, struct buffer *buffer)
{
	size_t page = page_size(), i;
	char *memory = pages_alloc(buffer, MAPPINGS);
	uint64_t iova = iova_alloc(&dut->space, MAPPINGS * page, page);

	for (i = 0; i < MAPPINGS; i++)
		iommufd_map(dut->iommufd, dut->ioas, memory + i * page, page, iova + i * page);
	return iova;
}

/* Does a write to mapping @number of the row at @iova change that and no other page? */
static bool row_works(struct dut *dut, struct buffer *buffer, uint64_t iova, size_t number)
{
	return write_lands(dut->dma, iova + number * page_size(),
			   dma_write_limits(dut->dma)->smallest, buffer->memory, buffer->size,
			   number * page_size());
}

/* Does a write to it change nothing in all of the memory? */
static bool row_refuses(struct dut *dut, struct buffer *buffer, uint64_t iova, size_t number)
{
	canary_fill(buffer->memory, buffer->size, 1);
	return write_spares(dut->dma, iova + number * page_size(),
			    dma_write_limits(dut->dma)->smallest, buffer->memory, buffer->size, 1);
}

CTS_TEST_F(ioas, one_of_a_row,
	   .title = "Unmapping one of several adjoining mappings takes that away and leaves the others working",
	   .requirements = { "ISO-004", "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct buffer buffer;
	uint64_t iova = map_row(&self->dut, &buffer);
	size_t i;

	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_TRUE(row_works(&self->dut, &buffer, iova, i));
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova + 2 * page_size(), page_size());
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 1));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 3));
	EXPECT_TRUE(row_refuses(&self->dut, &buffer, iova, 2));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 0));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 1));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 3));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 4));
}

CTS_TEST_F(ioas, range_around_several,
	   .title = "A range around mappings and a hole takes them away and reports their length; those beside stay",
	   .requirements = { "UNMAP-002", "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct buffer buffer;
	uint64_t iova = map_row(&self->dut, &buffer);
	uint64_t length = 3 * page_size();
	size_t i;

	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_TRUE(row_works(&self->dut, &buffer, iova, i));
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova + 2 * page_size(), page_size());
	EXPECT_EQ(0,
		  __iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova + page_size(), &length));
	EXPECT_EQ(2 * page_size(), length);
	EXPECT_TRUE(row_refuses(&self->dut, &buffer, iova, 1));
	EXPECT_TRUE(row_refuses(&self->dut, &buffer, iova, 3));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 0));
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 4));
	/* And nothing is left there. */
	length = 3 * page_size();
	EXPECT_EQ(-ENOENT,
		  __iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova + page_size(), &length));
}

CTS_TEST_F(ioas, part_of_a_mapping,
	   .title = "A mapping can't be cut: ENOENT, and the device goes on to reach all of it",
	   .requirements = { "UNMAP-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), i;
	uint64_t iova = iova_alloc(&self->dut.space, (MAPPINGS + 2) * page, page) + page;
	const struct {
		uint64_t iova, length;
	} cuts[] = {
		{ iova, page },
		{ iova + page, page },
		{ iova + (MAPPINGS - 1) * page, page },
		{ iova - page, 2 * page },
		{ iova + (MAPPINGS - 1) * page, 2 * page },
	};
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, MAPPINGS);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, MAPPINGS * page, iova);
	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_TRUE(row_works(&self->dut, &buffer, iova, i));
	}
	for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		uint64_t length = cuts[i].length;

		EXPECT_EQ(-ENOENT, __iommufd_unmap(self->dut.iommufd, self->dut.ioas, cuts[i].iova,
						   &length));
	}
	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_TRUE(row_works(&self->dut, &buffer, iova, i));
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, MAPPINGS * page);
}

CTS_TEST_F(ioas, everything,
	   .title = "IOVA 0 with the largest length takes away all mappings and reports how much that was",
	   .requirements = { "UNMAP-005", "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct buffer buffer;
	uint64_t iova = map_row(&self->dut, &buffer), length = 0;
	uint64_t high = iova_alloc_top(&self->dut.space, page_size(), page_size());

	iommufd_map(self->dut.iommufd, self->dut.ioas, buffer.memory, page_size(), high);
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 0));
	EXPECT_TRUE(row_works(&self->dut, &buffer, high, 0));

	EXPECT_EQ(0, __iommufd_unmap_all(self->dut.iommufd, self->dut.ioas, &length));
	EXPECT_EQ((MAPPINGS + 1) * page_size() + dma_rings_size(), length);
	EXPECT_EQ(0, __iommufd_unmap_all(self->dut.iommufd, self->dut.ioas, &length));
	EXPECT_EQ(0, length);

	/* The device's rings went with the rest; they are no part of what is asked. */
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->dut.ioas);
	EXPECT_TRUE(row_refuses(&self->dut, &buffer, iova, 0));
	EXPECT_TRUE(row_refuses(&self->dut, &buffer, high, 0));
	iommufd_map(self->dut.iommufd, self->dut.ioas, buffer.memory, page_size(), iova);
	EXPECT_TRUE(row_works(&self->dut, &buffer, iova, 0));
}

CTS_MAIN
