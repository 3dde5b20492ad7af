// SPDX-License-Identifier: GPL-2.0-only
/* A hot reset sets back the functions, not what they are attached to. */
#include "../attach/scene.h"
#include "hot_reset.h"

FIXTURE(hot_reset_dma)
{
	struct scene scene;
};

FIXTURE_SETUP(hot_reset_dma)
{
	struct reset_info info;

	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
	HOT_RESET_OR_SKIP(self->scene.dut.device);
	ASSERT_EQ(0, hot_reset_info(self->scene.dut.device, &info, FUNCTIONS));
	if (!all_owned(&info))
		CTS_SKIP(DEVICE_LACKS, "somebody else's functions are reset with the device");
}

FIXTURE_TEARDOWN(hot_reset_dma)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

static void reset_all(int device)
{
	cts_require(!hot_reset(device, 0, NULL), "VFIO_DEVICE_PCI_HOT_RESET");
}

CTS_TEST_F(hot_reset_dma, keeps_the_attachment,
	   .title = "After a hot reset the device reaches what it reached before, and no more",
	   .requirements = { "RESET-011" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(scene->dut.device, scene->b);
	scene_reset(scene, reset_all);
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(scene->dut.iommufd, scene->b));
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(hot_reset_dma, attaches_nothing,
	   .title = "A hot reset of a device that was detached leaves its DMA blocked",
	   .requirements = { "RESET-011" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_detach(scene->dut.device);
	scene_reset(scene, reset_all);
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_MAIN
