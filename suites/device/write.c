// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/write: what a driver says that its device wrote is in memory, at the IOVA that it was told
 * and nowhere else (DMA_WRITE of lib/dma.h).
 */
#include "test.h"

#include "ground.h"

FIXTURE(write)
{
	struct ground ground;
};

FIXTURE_SETUP(write)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(write)
{
	ground_close(&self->ground);
}

CTS_TEST_F(write, arrives_exactly,
	   .title = "A write of any size at any place puts its bytes there and changes no other byte",
	   .requirements = { "DEV-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	int i;

	for (i = 0; i < PLACES; i++) {
		struct place place = place_at(dma_write_limits(dma), i);
		uint8_t seed = (uint8_t)(i + 1);

		canary_fill(ground->buffer.memory, ground->buffer.size, seed);
		ASSERT_EQ(0,
			  dma_write(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, ground->buffer.size, seed,
					      place.offset, ground->bytes, place.length))
		{
			TH_LOG("%zu bytes at offset %zu", place.length, place.offset);
		}
	}
}

CTS_TEST_F(write, again_and_again,
	   .title = "Every one of many writes to one place arrives before its call returns",
	   .requirements = { "DEV-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 4);
	unsigned int i, count = repetitions(dma);

	for (i = 0; i < count; i++) {
		uint8_t seed = (uint8_t)i;

		canary_fill(ground->buffer.memory, ground->buffer.size, seed);
		ASSERT_EQ(0,
			  dma_write(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, ground->buffer.size, seed,
					      place.offset, ground->bytes, place.length))
		{
			TH_LOG("write %u of %u", i + 1, count);
		}
	}
}

CTS_MAIN
