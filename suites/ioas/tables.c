// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several tables (HWPTs) of one IOAS: each has all mappings, made before it or after, and loses
 * them with the others; which of them came first, or goes first, makes no difference.
 */
#include <sys/mman.h>

#include "counted.h"
#include "ioas.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
#define PAGES 4

/* Moves the device to @hwpt, another table of its IOAS. */
static void move_to(struct dut *dut, uint32_t hwpt)
{
	vfio_attach(dut->device, hwpt);
}

/* Do writes to the first and the last of the pages at @iova arrive? */
static bool works(struct dut *dut, uint64_t iova, const struct buffer *buffer)
{
	const size_t length = dma_write_limits(dut->dma)->smallest,
		     last = buffer->size - page_size();

	return write_lands(dut->dma, iova, length, buffer->memory, buffer->size, 0) &&
	       write_lands(dut->dma, iova + last, length, buffer->memory, buffer->size, last);
}

/* Does a write there change nothing in the memory? */
static bool is_gone(struct dut *dut, uint64_t iova, const struct buffer *buffer)
{
	canary_fill(buffer->memory, buffer->size, 1);
	return write_spares(dut->dma, iova, dma_write_limits(dut->dma)->smallest, buffer->memory,
			    buffer->size, 1);
}

CTS_TEST_F(ioas, each_has_all,
	   .title = "A mapping is in the tables that were there and in those that come; unmapped, it is in none",
	   .requirements = { "ISO-001", "ISO-002", "ISO-012" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	uint64_t iova = iova_alloc(&dut->space, PAGES * page_size(), page_size());
	uint32_t before = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas), behind;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	behind = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	EXPECT_TRUE(works(dut, iova, &buffer));
	move_to(dut, before);
	EXPECT_TRUE(works(dut, iova, &buffer));
	move_to(dut, behind);
	EXPECT_TRUE(works(dut, iova, &buffer));

	iommufd_unmap(dut->iommufd, dut->ioas, iova, buffer.size);
	EXPECT_TRUE(is_gone(dut, iova, &buffer));
	move_to(dut, before);
	EXPECT_TRUE(is_gone(dut, iova, &buffer));
	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	EXPECT_TRUE(works(dut, iova, &buffer));
}

CTS_TEST_F(ioas, whichever_goes_first,
	   .title = "When a table goes, the first or a later one, the memory stays the device's in those that are left",
	   .requirements = { "ISO-012", "ISO-007", "ACCT-006", "ACCT-007" },
	   .needs = NEEDS | CTS_NEED_ROOT,
	   .timeout_s = 60,
	   .faults = true)
{
	const uint64_t before = pinned();
	struct dut *dut = &self->dut;
	uint64_t iova = iova_alloc(&dut->space, PAGES * page_size(), page_size());
	uint32_t second = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	uint32_t third = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	EXPECT_EQ(before + PAGES, pinned());
	/* The one that the kernel made at the attach goes with the device's leaving. */
	move_to(dut, second);
	EXPECT_TRUE(works(dut, iova, &buffer));
	iommufd_destroy(dut->iommufd, third);
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_TRUE(works(dut, iova, &buffer));
	third = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	move_to(dut, third);
	iommufd_destroy(dut->iommufd, second);
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_TRUE(works(dut, iova, &buffer));

	iommufd_unmap(dut->iommufd, dut->ioas, iova, buffer.size);
	EXPECT_EQ(before, pinned());
	EXPECT_TRUE(is_gone(dut, iova, &buffer));
	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	EXPECT_TRUE(works(dut, iova, &buffer));
}

CTS_TEST_F(ioas, refused_in_each,
	   .title = "A mapping whose memory has a hole is in none of several tables, and pins nothing",
	   .requirements = { "MAP-009", "MAP-013", "ISO-012" },
	   .needs = NEEDS | CTS_NEED_ROOT,
	   .timeout_s = 60,
	   .faults = true)
{
	const uint64_t before = pinned();
	struct dut *dut = &self->dut;
	uint64_t iova = iova_alloc(&dut->space, PAGES * page_size(), page_size());
	uint32_t second = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	uint32_t third = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	const uint32_t tables[] = { 0, second, third };
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);
	size_t i;

	ASSERT_EQ(0, mprotect(memory + 3 * page_size(), page_size(), PROT_NONE));
	EXPECT_EQ(-EFAULT, __iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova));
	EXPECT_EQ(before, pinned());
	buffer.size = 3 * page_size();
	for (i = 0; i < 3; i++) {
		if (tables[i])
			move_to(dut, tables[i]);
		EXPECT_TRUE(is_gone(dut, iova, &buffer));
	}
	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	EXPECT_TRUE(works(dut, iova, &buffer));
	iommufd_unmap(dut->iommufd, dut->ioas, iova, buffer.size);
	ASSERT_EQ(0, mprotect(memory + 3 * page_size(), page_size(), PROT_READ | PROT_WRITE));
}

CTS_TEST_F(ioas, copy_refused_half_way,
	   .title = "Of a copy whose second mapping can't be pinned the device reaches nothing, and the IOVA is free",
	   .requirements = { "MAP-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	uint32_t source = iommufd_ioas_alloc(dut->iommufd);
	uint64_t iova = iova_alloc(&dut->space, (PAGES + 1) * page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);
	uint64_t to = iova;

	iommufd_map(dut->iommufd, source, memory, buffer.size, 0);
	iommufd_map(dut->iommufd, source, inaccessible_page(), page_size(), buffer.size);
	EXPECT_EQ(-EFAULT,
		  __iommufd_copy(dut->iommufd, dut->ioas, source, FIXED | READABLE | WRITEABLE,
				 buffer.size + page_size(), 0, &to));
	EXPECT_TRUE(is_gone(dut, iova, &buffer));
	iommufd_copy(dut->iommufd, dut->ioas, source, buffer.size, 0, iova);
	EXPECT_TRUE(works(dut, iova, &buffer));
}

CTS_TEST_F(ioas, destroy_in_use,
	   .title = "An IOAS with a table is EBUSY to IOMMU_DESTROY, and the device goes on to reach what is mapped; without one it can go",
	   .requirements = { "IOAS-014" },
	   .needs = NEEDS)
{
	struct dut *dut = &self->dut;
	uint64_t iova = iova_alloc(&dut->space, PAGES * page_size(), page_size());
	uint32_t second = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	iommufd_map(dut->iommufd, dut->ioas, memory, buffer.size, iova);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, dut->ioas));
	EXPECT_TRUE(works(dut, iova, &buffer));
	move_to(dut, second);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, dut->ioas));
	EXPECT_TRUE(works(dut, iova, &buffer));
	vfio_detach(dut->device);
	/* A table that nothing is attached to is a table. */
	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, dut->ioas));
	iommufd_destroy(dut->iommufd, second);
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, dut->ioas));
}

CTS_MAIN
