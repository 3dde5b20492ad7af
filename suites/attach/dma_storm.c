// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replace and detach while the device writes without pause. A write that was under way goes
 * through the old table or the new one; when the call has returned, only the new one counts. And
 * whatever happens in between, no write lands beside its place.
 */
#include "scene.h"

#define ROUNDS 4

FIXTURE(storm)
{
	struct scene scene;
};

FIXTURE_SETUP(storm)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(storm)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_DMA_STORM)

/* Nothing was written but what the storm is aimed at. */
#define EXPECT_NEIGHBOURS_INTACT(scene)                                  \
	do {                                                             \
		unsigned int __i;                                        \
                                                                         \
		for (__i = 0; __i < MEMORIES; __i++) {                   \
			EXPECT_TRUE(scene_neighbours_intact(scene, __i)) \
			TH_LOG("memory %u", __i);                        \
		}                                                        \
	} while (0)

CTS_TEST_F(storm, replace,
	   .title = "A replace during a storm: once it returned, only the new memory changes",
	   .requirements = { "ISO-009" },
	   .needs = NEEDS,
	   .timeout_s = 300,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		vfio_attach(scene->dut.device, scene->a);
		scene_fill(scene, MEMORY_A);
		scene_fill(scene, MEMORY_B);
		dma_storm_start(scene->dut.dma, scene->common, scene->length);
		ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
		EXPECT_TRUE(scene_intact(scene, MEMORY_B));

		vfio_attach(scene->dut.device, scene->b);
		scene_fill(scene, MEMORY_A);
		ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_B));
		/* What the storm met on the way is the device's affair: a switch may drop DMA. */
		dma_storm_stop(scene->dut.dma);
		EXPECT_TRUE(scene_intact(scene, MEMORY_A));
		EXPECT_NEIGHBOURS_INTACT(scene);
	}
}

CTS_TEST_F(storm, replace_back_and_forth,
	   .title = "Replaces in quick succession during a storm let no write land beside its place",
	   .requirements = { "ISO-009" },
	   .needs = NEEDS,
	   .timeout_s = 300,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int i;

	vfio_attach(scene->dut.device, scene->a);
	dma_storm_start(scene->dut.dma, scene->common, scene->length);
	ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(0, try_attach(scene->dut.device, i % 2 ? scene->a : scene->b));
	}
	dma_storm_stop(scene->dut.dma);
	EXPECT_NEIGHBOURS_INTACT(scene);
	/* The last replace was to a. */
	scene_fill(scene, MEMORY_A);
	scene_fill(scene, MEMORY_B);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(storm, detach,
	   .title = "A detach during a storm: once it returned, nothing changes any more",
	   .requirements = { "DET-001", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 300,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	dma_storm_start(scene->dut.dma, scene->common, scene->length);
	ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	EXPECT_EQ(0, __vfio_detach(scene->dut.device));
	EXPECT_NEIGHBOURS_INTACT(scene);
	scene_fill(scene, MEMORY_A);
	dma_storm_go_on(scene->dut.dma);
	dma_storm_stop(scene->dut.dma);
	EXPECT_TRUE(scene_intact(scene, MEMORY_A));
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(storm, refused_replace,
	   .title = "Replaces that are refused don't disturb a storm",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS,
	   .timeout_s = 300)
{
	struct scene *scene = &self->scene;
	int i;

	vfio_attach(scene->dut.device, scene->a);
	dma_storm_start(scene->dut.dma, scene->common, scene->length);
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(-ENOENT, try_attach(scene->dut.device, 0));
		EXPECT_EQ(-EINVAL, try_attach(scene->dut.device, scene->dut.device_id));
	}
	scene_fill(scene, MEMORY_A);
	ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_A));
	EXPECT_EQ(0, dma_storm_stop(scene->dut.dma));
	EXPECT_TRUE(scene_intact(scene, MEMORY_B));
	EXPECT_NEIGHBOURS_INTACT(scene);
}

CTS_TEST_F(storm, same_mapping_in_both,
	   .title = "A storm to what both IOASes map alike reaches it after each replace",
	   .requirements = { "ISO-009" },
	   .needs = NEEDS,
	   .timeout_s = 300,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int i;

	iommufd_map(scene->dut.iommufd, scene->b, scene->memory[MEMORY_LONE].memory,
		    3 * scene->unit, scene->lone - scene->unit);
	vfio_attach(scene->dut.device, scene->a);
	dma_storm_start(scene->dut.dma, scene->lone, scene->length);
	for (i = 0; i < ROUNDS; i++) {
		vfio_attach(scene->dut.device, i % 2 ? scene->a : scene->b);
		scene_fill(scene, MEMORY_LONE);
		ASSERT_TRUE(scene_storm_reaches(scene, MEMORY_LONE));
	}
	dma_storm_stop(scene->dut.dma);
	EXPECT_TRUE(scene_intact(scene, MEMORY_A));
	EXPECT_TRUE(scene_intact(scene, MEMORY_B));
	EXPECT_NEIGHBOURS_INTACT(scene);
}

CTS_MAIN
