// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/about: what a device's driver says of it, and how long an access takes: for the table of
 * `iommu-cts device-test`, and never judged.
 */
#include "test.h"

#include "ground.h"

FIXTURE(about)
{
	struct ground ground;
};

FIXTURE_SETUP(about)
{
	CTS_CHECK_NEEDS();
	if (!dma_driver_name())
		CTS_SKIP(DEVICE_LACKS, "no driver in lib/drivers/ is for this device");
	GROUND_OPEN_OR_SKIP(&self->ground);
}

FIXTURE_TEARDOWN(about)
{
	ground_close(&self->ground);
}

static void record_limits(const char *access, const struct dma_limits *limits)
{
	char boundary[64] = "";

	if (limits->boundary)
		snprintf(boundary, sizeof(boundary), ", not across multiples of %zu",
			 limits->boundary);
	cts_record_fact(access, "%zu to %zu, multiples of %zu, at multiples of %zu%s",
			limits->smallest, limits->largest, limits->step, limits->align, boundary);
}

CTS_TEST_F(about, driver,
	   .title = "The driver's name, the limits of accesses, the highest IOVA",
	   .requirements = { "DEV-010" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_CHARACTERISATION)
{
	struct dma *dma = self->ground.dut.dma;
	unsigned int capabilities = dma_capabilities();

	cts_record_fact("driver", "%s", dma_driver_name());
	if (capabilities & DMA_WRITE)
		record_limits("writes", dma_write_limits(dma));
	if (capabilities & DMA_READ)
		record_limits("reads", dma_read_limits(dma));
	cts_record_fact("highest IOVA", "%#llx", (unsigned long long)dma_highest_iova());
	cts_record_fact("rings", "%zu", dma_rings_size());
	cts_record_fact("tells refusals", "%s", dma_tells_refusal(dma) ? "yes" : "no");
}

#define SAMPLES 20

CTS_TEST_F(about, write_time,
	   .title = "How long the smallest write takes",
	   .requirements = { "DEV-011" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 60)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	size_t length = dma_write_limits(dma)->smallest;
	unsigned int i, count = repetitions(dma) < SAMPLES ? repetitions(dma) : SAMPLES;
	uint64_t samples[SAMPLES] = { 0 };

	/* The first one may prepare something. */
	ASSERT_EQ(0, dma_write(dma, ground->iova, length, ground->bytes));
	for (i = 0; i < count; i++) {
		uint64_t begin = measure_now();

		ASSERT_EQ(0, dma_write(dma, ground->iova, length, ground->bytes));
		samples[i] = measure_now() - begin;
	}
	cts_record_samples("dma-write", "ns", "size", length, samples, count);
}

CTS_MAIN
