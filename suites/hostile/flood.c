// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that writes without pause to where it may not. Each write is a fault for the kernel to
 * take notice of; all else has to go on beside that.
 */
#include "scene.h"

#define CALLS 100

FIXTURE(flood)
{
	struct scene scene;
};

FIXTURE_SETUP(flood)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(flood)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_STORM)

/* The calls that something else of the device's IOAS is given by and taken with. */
static void map_and_unmap(struct scene *scene, uint64_t iova)
{
	iommufd_map(scene->dut.iommufd, scene->a, scene->memory[MEMORY_B].memory, 3 * scene->unit,
		    iova);
	iommufd_unmap(scene->dut.iommufd, scene->a, iova, 3 * scene->unit);
}

CTS_TEST_F(flood, unmapped,
	   .title = "Map and unmap go on under a flood of refused writes, and what is mapped in its way is reached at once",
	   .requirements = { "HOST-005" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	struct dut *dut = &scene->dut;
	uint64_t begin = scene->common - scene->unit;
	uint64_t other = iova_alloc(&dut->space, 3 * scene->unit, scene->unit);
	int i;

	vfio_attach(dut->device, scene->a);
	iommufd_unmap(dut->iommufd, scene->a, begin, 3 * scene->unit);
	dma_storm_start(dut->dma, scene->common, scene->length);
	for (i = 0; i < CALLS; i++)
		map_and_unmap(scene, other);
	dma_storm_go_on(dut->dma);
	EXPECT_ALL_INTACT(scene);
	iommufd_map(dut->iommufd, scene->a, scene->memory[MEMORY_A].memory, 3 * scene->unit, begin);
	EXPECT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	dma_storm_stop(dut->dma);
	EXPECT_TRUE(scene_intact(scene, MEMORY_B));
	EXPECT_ALL_NEIGHBOURS_INTACT(scene);
}

CTS_TEST_F(flood, attached_and_detached,
	   .title = "Attach and detach go on under a flood of refused writes",
	   .requirements = { "HOST-005" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	struct dut *dut = &scene->dut;
	int i;

	/* Before its first write a device may have to learn something by its rings. */
	vfio_attach(dut->device, scene->a);
	EXPECT_WRITE("lone", scene, scene->lone);
	vfio_detach(dut->device);
	scene_fill_all(scene);
	/* Nothing is mapped there in b. */
	dma_storm_start(dut->dma, scene->lone, scene->length);
	for (i = 0; i < CALLS; i++) {
		EXPECT_EQ(0, try_attach(dut->device, scene->b));
		EXPECT_EQ(0, __vfio_detach(dut->device));
	}
	dma_storm_go_on(dut->dma);
	dma_storm_stop(dut->dma);
	EXPECT_ALL_INTACT(scene);
	vfio_attach(dut->device, scene->a);
	EXPECT_WRITE("lone", scene, scene->lone);
}

CTS_MAIN
