// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/autonomous: told once, the device writes on by itself (DMA_AUTONOMOUS of lib/dma.h): when
 * the call has returned there is more to come.
 */
#include "test.h"

#include "ground.h"

#define SEED 5

/* The device's time begins in the call; a host that is busy may let it pass unseen. */
#define ROUNDS 20
#define WATCHED_NS 1000000000ULL

FIXTURE(autonomous)
{
	struct ground ground;
};

FIXTURE_SETUP(autonomous)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(autonomous)
{
	ground_close(&self->ground);
}

/* Does a byte of @memory change that has been filled since the device was told? */
static bool goes_on(struct dut *dut, uint64_t iova, void *memory, size_t size)
{
	uint64_t start;

	dma_launch(dut->dma, iova, size);
	canary_fill(memory, size, SEED);
	start = measure_now();
	while (canary_intact(memory, size, SEED)) {
		if (measure_now() - start > WATCHED_NS)
			return false;
	}
	return true;
}

CTS_TEST_F(autonomous, by_itself,
	   .title = "Told once, the device writes to the range that it was given after the call has returned, and to no other byte",
	   .requirements = { "DEV-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_AUTONOMOUS,
	   .timeout_s = 90)
{
	struct ground *ground = &self->ground;
	struct dut *dut = &ground->dut;
	size_t page = page_size(), size = ground->buffer.size;
	char *memory = ground->buffer.memory;
	bool went_on = false;
	int round;

	for (round = 0; round < ROUNDS && !went_on; round++) {
		if (round) {
			dut_close(dut);
			dut_open(dut);
			dma_distrust(dut->dma, 0);
			ground_map(ground, GROUND_READ_WRITE);
		}
		canary_fill(memory, size, SEED);
		went_on = goes_on(dut, ground->iova + page, memory + page, size - 2 * page);
		EXPECT_EQ(page, canary_changed(memory, page, SEED, 0));
		EXPECT_EQ(size, canary_changed(memory, size, SEED, size - page));
	}
	EXPECT_TRUE(went_on);
	printf("# round %d of %d\n", round, ROUNDS);
	/* What it still does ends with this. */
	dma_close(dut->dma);
	dut->dma = NULL;
	canary_fill(memory, size, SEED);
	EXPECT_TRUE(canary_intact(memory, size, SEED));
}

CTS_MAIN
