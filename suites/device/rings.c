// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/rings: a device whose own rings can't be reached says that it could not do what it was
 * told, and works as soon as they can be reached again.
 */
#include "test.h"

#include "ground.h"

FIXTURE(rings)
{
	struct ground ground;
};

FIXTURE_SETUP(rings)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
	if (!dma_rings_size())
		CTS_SKIP(DEVICE_LACKS, "%s has no rings", dma_driver_name());
}

FIXTURE_TEARDOWN(rings)
{
	ground_close(&self->ground);
}

CTS_TEST_F(rings, unmapped,
	   .title = "Without its rings a device says that it failed; with them it works again",
	   .requirements = { "DEV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	struct ground *ground = &self->ground;
	struct dut *dut = &ground->dut;
	struct place place = place_at(dma_write_limits(dut->dma), 4);
	uint64_t iova = ground->iova + place.offset;
	int i, status;

	for (i = 0; i < 3; i++) {
		dma_unmap_rings(dut->dma, dut->iommufd, dut->ioas);
		status = dma_write(dut->dma, iova, place.length, ground->bytes);
		EXPECT_TRUE(status == -EIO || status == -ETIMEDOUT)
		{
			TH_LOG("status %d", status);
		}
		dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
		canary_fill(ground->buffer.memory, ground->buffer.size, 1);
		ASSERT_EQ(0, dma_write(dut->dma, iova, place.length, ground->bytes));
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, ground->buffer.size, 1,
					      place.offset, ground->bytes, place.length));
	}
}

CTS_MAIN
