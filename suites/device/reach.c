// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/reach: the device puts out every address bit up to the highest IOVA that its driver names
 * (dma_highest_iova() of lib/dma.h), as far as the IOMMU goes.
 */
#include "test.h"

#include "ground.h"

FIXTURE(reach)
{
	struct ground ground;
	struct buffer page;
	uint64_t top; /* the highest page that both can reach; `page` is mapped there */
};

FIXTURE_SETUP(reach)
{
	struct dut *dut = &self->ground.dut;
	size_t size = page_size();

	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
	buffer_alloc(&self->page, BUFFER_BASE, size);
	self->top = iova_alloc_top(&dut->space, size, size);
	iommufd_map(dut->iommufd, dut->ioas, self->page.memory, size, self->top);
}

FIXTURE_TEARDOWN(reach)
{
	ground_close(&self->ground);
	buffer_free(&self->page);
}

/* The last place of a page for the smallest access within @limits. */
static size_t last_place(const struct dma_limits *limits)
{
	return (page_size() - limits->smallest) & ~(limits->align - 1);
}

CTS_TEST_F(reach, write,
	   .title = "A write reaches the end of the highest page, and only that",
	   .requirements = { "DEV-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	const struct dma_limits *limits = dma_write_limits(dma);
	size_t offset = last_place(limits);

	canary_fill(ground->buffer.memory, ground->buffer.size, 1);
	canary_fill(self->page.memory, self->page.size, 2);
	ASSERT_EQ(0, dma_write(dma, self->top + offset, limits->smallest, ground->bytes))
	{
		TH_LOG("at IOVA %#llx", (unsigned long long)self->top + offset);
	}
	EXPECT_TRUE(canary_holds_only(self->page.memory, self->page.size, 2, offset, ground->bytes,
				      limits->smallest))
	{
		TH_LOG("at IOVA %#llx", (unsigned long long)self->top + offset);
	}
	EXPECT_TRUE(canary_intact(ground->buffer.memory, ground->buffer.size, 1));
}

CTS_TEST_F(reach, read,
	   .title = "A read sees the end of the highest page",
	   .requirements = { "DEV-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	const struct dma_limits *limits = dma_read_limits(dma);
	const char *memory = self->page.memory;
	size_t offset = last_place(limits);

	canary_fill(self->page.memory, self->page.size, 2);
	ASSERT_EQ(0, dma_read(dma, self->top + offset, limits->smallest, ground->bytes));
	EXPECT_EQ(0, memcmp(ground->bytes, memory + offset, limits->smallest))
	{
		TH_LOG("at IOVA %#llx", (unsigned long long)self->top + offset);
	}
}

CTS_MAIN
