// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that nothing stops: no reset, no clear enable bit, no closed file. It is the IOMMU that
 * keeps it from what isn't its own, whatever the device is in the middle of.
 */
#include "scene.h"

#define ROUNDS 6

/* How long a device that goes on may take to show it, on a slow virtual host too. */
#define PATIENCE_NS 20000000000ULL

FIXTURE(stubborn)
{
	struct scene scene;
};

FIXTURE_SETUP(stubborn)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
	dma_make_stubborn(self->scene.dut.dma);
}

FIXTURE_TEARDOWN(stubborn)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_DMA_STUBBORN)

CTS_TEST_F(stubborn, reset,
	   .title = "A device that writes on through resets changes what it may, and nothing beside it",
	   .requirements = { "HOST-001" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int round;

	vfio_attach(scene->dut.device, scene->a);
	dma_storm_start(scene->dut.dma, scene->common, scene->length);
	for (round = 0; round < ROUNDS; round++) {
		scene_fill_all(scene);
		ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A)) TH_LOG("round %d", round);
		reset_under(scene->dut.device);
		EXPECT_INTACT_BUT(scene, MEMORY_A);
		EXPECT_ALL_NEIGHBOURS_INTACT(scene);
	}
	scene_fill_all(scene);
	EXPECT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	EXPECT_ALL_NEIGHBOURS_INTACT(scene);
}

CTS_TEST_F(stubborn, reset_while_detached,
	   .title = "A device that is attached to nothing gets nothing by resets, though it tries all the time",
	   .requirements = { "HOST-002" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int round;

	vfio_attach(scene->dut.device, scene->a);
	vfio_detach(scene->dut.device);
	scene_fill_all(scene);
	dma_storm_start(scene->dut.dma, scene->common, scene->length);
	for (round = 0; round < ROUNDS; round++) {
		dma_storm_go_on(scene->dut.dma);
		reset_under(scene->dut.device);
		dma_storm_go_on(scene->dut.dma);
		EXPECT_ALL_INTACT(scene);
	}
	/* It was not for lack of trying. */
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_TRUE(scene_storm_reaches(scene, MEMORY_A));
}

CTS_TEST_F(stubborn, reset_after_unmap,
	   .title = "Memory unmapped under a device that writes on stays as it is through resets, also when there is other memory in its place",
	   .requirements = { "HOST-003" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	struct dut *dut = &scene->dut;
	uint64_t begin = scene->common - scene->unit;
	int round;

	vfio_attach(dut->device, scene->a);
	dma_storm_start(dut->dma, scene->common, scene->length);
	ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	iommufd_unmap(dut->iommufd, scene->a, begin, 3 * scene->unit);
	scene_fill_all(scene);
	for (round = 0; round < ROUNDS; round++) {
		reset_under(dut->device);
		dma_storm_go_on(dut->dma);
		EXPECT_TRUE(scene_intact(scene, MEMORY_A)) TH_LOG("round %d", round);
	}
	iommufd_map(dut->iommufd, scene->a, scene->memory[MEMORY_B].memory, 3 * scene->unit, begin);
	EXPECT_TRUE(scene_storm_reaches(scene, MEMORY_B));
	EXPECT_TRUE(scene_intact(scene, MEMORY_A));
	EXPECT_ALL_NEIGHBOURS_INTACT(scene);
}

/* Until a byte of @memory changes; false if none does for long. */
static bool is_reached(const struct scene *scene, unsigned int memory)
{
	uint64_t start = measure_now();

	while (scene_intact(scene, memory)) {
		if (measure_now() - start > PATIENCE_NS)
			return false;
	}
	return true;
}

CTS_TEST_F(stubborn, closed,
	   .title = "A device that writes on after its file was closed reaches nothing before it is attached again, and then only that",
	   .requirements = { "HOST-004" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	struct dut *dut = &scene->dut;
	struct function function;

	vfio_attach(dut->device, scene->a);
	dma_storm_start(dut->dma, scene->common, scene->length);
	ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	dut_close_device(dut);
	scene_fill_all(scene);
	EXPECT_TRUE(scene_stays(scene, MEMORY_A));

	dut->device = vfio_open();
	dut->device_id = vfio_bind(dut->device, dut->iommufd);
	function_init(&function, dut->device);
	function_set_master(&function, true);
	EXPECT_TRUE(scene_stays(scene, MEMORY_A));
	EXPECT_ALL_INTACT(scene);

	/* It was not for lack of trying. */
	vfio_attach(dut->device, scene->b);
	EXPECT_TRUE(is_reached(scene, MEMORY_B));
	EXPECT_INTACT_BUT(scene, MEMORY_B);
	EXPECT_ALL_NEIGHBOURS_INTACT(scene);
	function_exit(&function);
	scene_unmap_rings(scene);
	scene_start_device(scene);
}

CTS_MAIN
