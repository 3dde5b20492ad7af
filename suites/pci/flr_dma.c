// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is reset in the midst of what it does by itself. As in flr.c the reset is one of
 * the function, which leaves nothing.
 */
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "function.h"
#include "iommufd.h"
#include "memory.h"
#include "sysfs.h"
#include "test.h"

#define SEED 7
#define PAGES 4
#define ROUNDS 8

FIXTURE(flr_dma)
{
	char method[SYSFS_PATH]; /* that the kernel had for the device; empty: not changed */
	struct dut dut;
	struct buffer buffer;
};

FIXTURE_SETUP(flr_dma)
{
	char method[SYSFS_PATH];

	CTS_CHECK_NEEDS();
	if (__sysfs_attribute("reset_method", method) ||
	    __sysfs_set_attribute("reset_method", "flr"))
		CTS_SKIP(DEVICE_LACKS, "the device has no function level reset");
	memcpy(self->method, method, sizeof(method));
	DUT_OPEN_OR_SKIP(&self->dut);
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(flr_dma)
{
	if (self->method[0] && __sysfs_set_attribute("reset_method", self->method))
		cts_lab_error("%s doesn't take its reset_method back", sysfs_device());
}

/* Looks so often that a device that goes on would be seen. */
static bool stays_intact(const struct buffer *buffer)
{
	int looks = 2000;
	bool intact;

	do
		intact = canary_intact(buffer->memory, buffer->size, SEED);
	while (intact && --looks);
	return intact;
}

CTS_TEST_F(flr_dma, ends_what_was_under_way,
	   .title = "When a reset has returned the device doesn't go on with what it was told before, though it is a bus master again",
	   .requirements = { "RESET-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_AUTONOMOUS,
	   .timeout_s = 120)
{
	struct dut *dut = &self->dut;
	struct buffer *buffer = &self->buffer;
	int round, began = 0;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t iova = iova_alloc(&dut->space, buffer->size, page_size());
		struct function function;

		iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size, iova);
		function_init(&function, dut->device);
		canary_fill(buffer->memory, buffer->size, SEED);
		dma_launch(dut->dma, iova, buffer->size);
		function_reset(&function);
		began += !canary_intact(buffer->memory, buffer->size, SEED);
		canary_fill(buffer->memory, buffer->size, SEED);
		function_set_master(&function, true);
		EXPECT_TRUE(stays_intact(buffer)) TH_LOG("round %d", round);
		function_exit(&function);

		dma_abandon(dut->dma);
		dut->dma = NULL;
		dut_close(dut);
		dut_open(dut);
	}
	/* Else there was nothing to end. */
	EXPECT_LT(0, began);
}

CTS_MAIN
