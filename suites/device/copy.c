// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/copy: a copy puts the bytes of one place at another and nowhere else (DMA_COPY of
 * lib/dma.h).
 */
#include "test.h"

#include "ground.h"

FIXTURE(copy)
{
	struct ground ground;
	struct buffer source; /* as large as the ground's buffer, mapped at `from` */
	uint64_t from;
};

FIXTURE_SETUP(copy)
{
	struct dut *dut = &self->ground.dut;
	size_t size;

	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
	size = self->ground.buffer.size;
	buffer_alloc(&self->source, BUFFER_BASE, size);
	self->from = iova_alloc(&dut->space, size, page_size());
	iommufd_map_access(dut->iommufd, dut->ioas, IOMMU_IOAS_MAP_READABLE, self->source.memory,
			   size, self->from);
}

FIXTURE_TEARDOWN(copy)
{
	ground_close(&self->ground);
	buffer_free(&self->source);
}

CTS_TEST_F(copy, arrives_exactly,
	   .title = "A copy of any size puts the source's bytes at the target and changes no other byte",
	   .requirements = { "DEV-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_COPY,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	const struct dma_limits limits =
		limits_of_both(dma_read_limits(dma), dma_write_limits(dma));
	const char *source = self->source.memory;
	size_t size = ground->buffer.size;
	int i;

	for (i = 0; i < PLACES; i++) {
		struct place place = place_at(&limits, i);
		uint8_t seed = (uint8_t)(2 * i);
		/* Never the same offset in both: a device that mixes them up must be seen. */
		size_t from = place.offset - page_size();

		canary_fill(ground->buffer.memory, size, seed);
		canary_fill(self->source.memory, size, seed + 1);
		ASSERT_EQ(0, dma_copy(dma, self->from + from, ground->iova + place.offset,
				      place.length));
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, size, seed, place.offset,
					      source + from, place.length))
		{
			TH_LOG("%zu bytes from offset %zu to %zu", place.length, from,
			       place.offset);
		}
		ASSERT_TRUE(canary_intact(source, size, seed + 1));
	}
}

CTS_MAIN
