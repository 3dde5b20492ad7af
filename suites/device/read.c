// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/read: what a driver says that its device saw is what memory holds at the IOVA that it was
 * told, at that time (DMA_READ of lib/dma.h).
 */
#include "test.h"

#include "ground.h"

FIXTURE(read)
{
	struct ground ground;
};

FIXTURE_SETUP(read)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(read)
{
	ground_close(&self->ground);
}

CTS_TEST_F(read, sees_memory,
	   .title = "A read of any size at any place shows what memory holds there and changes nothing",
	   .requirements = { "DEV-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	const char *memory = ground->buffer.memory;
	int i;

	for (i = 0; i < PLACES; i++) {
		struct place place = place_at(dma_read_limits(dma), i);
		uint8_t seed = (uint8_t)(i + 1);

		canary_fill(ground->buffer.memory, ground->buffer.size, seed);
		ASSERT_EQ(0,
			  dma_read(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_EQ(0, memcmp(ground->bytes, memory + place.offset, place.length))
		{
			TH_LOG("%zu bytes at offset %zu", place.length, place.offset);
		}
		ASSERT_TRUE(canary_intact(memory, ground->buffer.size, seed));
	}
}

CTS_TEST_F(read, sees_changes,
	   .title = "Every one of many reads of one place shows what was put there just before",
	   .requirements = { "DEV-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_read_limits(dma), 4);
	const char *memory = ground->buffer.memory;
	unsigned int i, count = repetitions(dma);

	for (i = 0; i < count; i++) {
		canary_fill(ground->buffer.memory, ground->buffer.size, (uint8_t)i);
		ASSERT_EQ(0,
			  dma_read(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_EQ(0, memcmp(ground->bytes, memory + place.offset, place.length))
		{
			TH_LOG("read %u of %u", i + 1, count);
		}
	}
}

CTS_MAIN
