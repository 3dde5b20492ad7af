// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOVAs that nothing is mapped at, but that differ from one where something is in a single bit:
 * also in those that the IOMMU's tables don't translate. Whoever drops such a bit on the way lets
 * the device in by the back door.
 */
#include "scene.h"

/* A device that takes longer than this to get over a refusal tries every fifth bit, ns. */
#define SLOW_NS 100000000ULL

FIXTURE(range)
{
	struct scene scene;
};

FIXTURE_SETUP(range)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(range)
{
	scene_close(&self->scene);
}

CTS_TEST_F(range, other_bits,
	   .title = "A write to an IOVA that differs from a mapped one in any one bit above the page lands nowhere",
	   .requirements = { "HOST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 600,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	unsigned int top = 63 - (unsigned int)__builtin_clzll(dma_highest_iova());
	unsigned int step = dma_refused_ns(scene->dut.dma) > SLOW_NS ? top / 12 + 1 : 1;
	unsigned int bit, tried = 0;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	/* From the topmost bit that the device has down. */
	for (bit = top; bit < 64; bit -= step) {
		uint64_t other = scene->common ^ 1ULL << bit;

		/* Its neighbours, and the other memory, are mapped too. */
		if (other - (scene->common - scene->unit) < 3 * scene->unit ||
		    other - (scene->lone - scene->unit) < 3 * scene->unit ||
		    dma_rings_overlap(scene->dut.dma, other, scene->length) ||
		    other % scene->unit || other > dma_highest_iova() - scene->length)
			continue;
		tried++;
		EXPECT_WRITE("nothing", scene, other)
		TH_LOG("bit %u: %#llx", bit, (unsigned long long)other);
	}
	EXPECT_LE(3, tried);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_MAIN
