// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/storm: the device writes to its range over and over until it is stopped, and then no more
 * (DMA_STORM of lib/dma.h).
 */
#include "test.h"

#include "ground.h"

FIXTURE(storm)
{
	struct ground ground;
};

FIXTURE_SETUP(storm)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(storm)
{
	ground_close(&self->ground);
}

#define SEED 7
#define ROUNDS 100

CTS_TEST_F(storm, goes_on,
	   .title = "A storm writes to its range again and again, and to no other byte",
	   .requirements = { "DEV-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 4);
	const char *memory = ground->buffer.memory;
	size_t size = ground->buffer.size;
	int i;

	dma_storm_start(dma, ground->iova + place.offset, place.length);
	for (i = 0; i < ROUNDS; i++) {
		canary_fill(ground->buffer.memory, size, SEED);
		ASSERT_TRUE(dma_storm_reaches(dma, memory, size, SEED))
		{
			TH_LOG("nothing changed in round %d of %d", i + 1, ROUNDS);
		}
	}
	EXPECT_EQ(0, dma_storm_stop(dma));
	EXPECT_EQ(place.offset, canary_changed(memory, place.offset, SEED, 0));
	EXPECT_EQ(size, canary_changed(memory, size, SEED, place.offset + place.length));
}

CTS_TEST_F(storm, stops,
	   .title = "No byte changes after a storm was stopped, and the device still works",
	   .requirements = { "DEV-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 4);
	size_t size = ground->buffer.size;
	int i, j;

	for (i = 0; i < ROUNDS / 10; i++) {
		canary_fill(ground->buffer.memory, size, SEED);
		dma_storm_start(dma, ground->iova + place.offset, place.length);
		ASSERT_TRUE(dma_storm_reaches(dma, ground->buffer.memory, size, SEED));
		ASSERT_EQ(0, dma_storm_stop(dma));
		canary_fill(ground->buffer.memory, size, SEED);
		/* What the device still had to write would come before what it is told now. */
		for (j = 0; j < 10; j++) {
			ASSERT_EQ(0, dma_write(dma, ground->iova, place.length, ground->bytes));
		}
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, size, SEED, 0, ground->bytes,
					      place.length));
	}
}

CTS_MAIN
