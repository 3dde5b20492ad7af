// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/stubborn: a storm that resets of the function leave alone, and that stops when it is told
 * to (DMA_STUBBORN of lib/dma.h).
 */
#include "test.h"

#include "function.h"
#include "ground.h"

#define SEED 3
#define ROUNDS 5

FIXTURE(stubborn)
{
	struct ground ground;
};

FIXTURE_SETUP(stubborn)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(stubborn)
{
	ground_close(&self->ground);
}

CTS_TEST_F(stubborn, outlives_resets,
	   .title = "A storm that was told to be stubborn goes on through resets, to its range alone, until it is stopped",
	   .requirements = { "DEV-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_STUBBORN,
	   .timeout_s = 60,
	   .faults = true)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 4);
	const char *memory = ground->buffer.memory;
	size_t size = ground->buffer.size;
	struct function function;
	int i;

	function_init(&function, ground->dut.device);
	dma_make_stubborn(dma);
	dma_storm_start(dma, ground->iova + place.offset, place.length);
	for (i = 0; i < ROUNDS; i++) {
		function_reset(&function);
		function_set_master(&function, true);
		canary_fill(ground->buffer.memory, size, SEED);
		ASSERT_TRUE(dma_storm_reaches(dma, memory, size, SEED)) TH_LOG("reset %d", i);
	}
	/* What it met while it was no bus master is its own affair. */
	dma_storm_stop(dma);
	EXPECT_EQ(place.offset, canary_changed(memory, place.offset, SEED, 0));
	EXPECT_EQ(size, canary_changed(memory, size, SEED, place.offset + place.length));
	canary_fill(ground->buffer.memory, size, SEED);
	function_reset(&function);
	function_set_master(&function, true);
	for (i = 0; i < ROUNDS; i++) {
		EXPECT_EQ(0, dma_write(dma, ground->iova, place.length, ground->bytes));
	}
	EXPECT_TRUE(canary_holds_only(memory, size, SEED, 0, ground->bytes, place.length));
	function_exit(&function);
}

CTS_MAIN
