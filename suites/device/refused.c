// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/refused: an access that the IOMMU refuses changes nothing, ends in what lib/dma.h says,
 * and leaves a device that works.
 */
#include "test.h"

#include "ground.h"

FIXTURE(refused)
{
	struct ground ground;
};

/* How the ground is taken from the device, and given back. */
FIXTURE_VARIANT(refused)
{
	void (*take)(struct ground *ground);
	void (*give)(struct ground *ground);
	bool readable; /* reads go on working */
};

static void map_read_only(struct ground *ground)
{
	ground_unmap(ground);
	ground_map(ground, IOMMU_IOAS_MAP_READABLE);
}

static void map_again(struct ground *ground)
{
	ground_map(ground, GROUND_READ_WRITE);
}

static void unmap_and_map(struct ground *ground)
{
	ground_unmap(ground);
	map_again(ground);
}

static void detach(struct ground *ground)
{
	vfio_detach(ground->dut.device);
}

static void attach(struct ground *ground)
{
	vfio_attach(ground->dut.device, ground->dut.ioas);
}

FIXTURE_VARIANT_ADD(refused, unmapped)
{
	.take = ground_unmap,
	.give = map_again,
};

FIXTURE_VARIANT_ADD(refused, read_only)
{
	.take = map_read_only,
	.give = unmap_and_map,
	.readable = true,
};

FIXTURE_VARIANT_ADD(refused, detached)
{
	.take = detach,
	.give = attach,
};

FIXTURE_SETUP(refused)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(refused)
{
	ground_close(&self->ground);
}

CTS_TEST_F(refused, write,
	   .title = "A refused write changes nothing, and the next allowed one is done",
	   .requirements = { "DEV-007", "DEV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 4);
	int i, status;

	for (i = 0; i < 3; i++) {
		canary_fill(ground->buffer.memory, ground->buffer.size, 1);
		variant->take(ground);
		status = dma_write(dma, ground->iova + place.offset, place.length, ground->bytes);
		EXPECT_TRUE(says_refused(dma, status))
		{
			TH_LOG("status %d", status);
		}
		ASSERT_TRUE(canary_intact(ground->buffer.memory, ground->buffer.size, 1));
		variant->give(ground);
		ASSERT_EQ(0,
			  dma_write(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_TRUE(canary_holds_only(ground->buffer.memory, ground->buffer.size, 1,
					      place.offset, ground->bytes, place.length));
	}
}

CTS_TEST_F(refused, read,
	   .title = "A refused read sees nothing of memory, and the next allowed one sees it",
	   .requirements = { "DEV-007", "DEV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .timeout_s = 120,
	   .faults = true)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_read_limits(dma), 4);
	const char *memory = ground->buffer.memory;
	int i, status;

	for (i = 0; i < 3; i++) {
		canary_fill(ground->buffer.memory, ground->buffer.size, 1);
		memset(ground->bytes, 0, place.length);
		variant->take(ground);
		status = dma_read(dma, ground->iova + place.offset, place.length, ground->bytes);
		if (variant->readable) {
			EXPECT_EQ(0, status);
		} else {
			EXPECT_TRUE(says_refused(dma, status))
			{
				TH_LOG("status %d", status);
			}
		}
		ASSERT_EQ(!variant->readable,
			  !!memcmp(ground->bytes, memory + place.offset, place.length));
		variant->give(ground);
		ASSERT_EQ(0,
			  dma_read(dma, ground->iova + place.offset, place.length, ground->bytes));
		ASSERT_EQ(0, memcmp(ground->bytes, memory + place.offset, place.length));
	}
}

CTS_TEST_F(refused, copy,
	   .title = "A copy whose target is refused changes nothing, and the next allowed one is done",
	   .requirements = { "DEV-007", "DEV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_COPY,
	   .timeout_s = 120,
	   .faults = true)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	const struct dma_limits limits =
		limits_of_both(dma_read_limits(dma), dma_write_limits(dma));
	const size_t from = page_size(), to = 2 * page_size() + limits.align;
	const uint8_t *memory = ground->buffer.memory;
	int i, status;

	for (i = 0; i < 3; i++) {
		canary_fill(ground->buffer.memory, ground->buffer.size, 1);
		variant->take(ground);
		status = dma_copy(dma, ground->iova + from, ground->iova + to, limits.smallest);
		EXPECT_TRUE(says_refused(dma, status))
		{
			TH_LOG("status %d", status);
		}
		ASSERT_TRUE(canary_intact(memory, ground->buffer.size, 1));
		variant->give(ground);
		ASSERT_EQ(0,
			  dma_copy(dma, ground->iova + from, ground->iova + to, limits.smallest));
		ASSERT_TRUE(canary_holds_only(memory, ground->buffer.size, 1, to, memory + from,
					      limits.smallest));
	}
}

CTS_MAIN
