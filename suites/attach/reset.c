// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reset sets back the device, not what it is attached to. And while it lasts nothing may be
 * attached: a device that is being reset doesn't answer the IOMMU's invalidations.
 */

#include "function.h"
#include "scene.h"

FIXTURE(reset)
{
	struct scene scene;
};

FIXTURE_SETUP(reset)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
	if (!can_reset(self->scene.dut.device))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
}

FIXTURE_TEARDOWN(reset)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

static void reset_function(int device)
{
	struct function function;

	function_init(&function, device);
	function_reset(&function);
	function_exit(&function);
}

CTS_TEST_F(reset, keeps_the_attachment,
	   .title = "After a reset the device reaches what it reached before, and no more",
	   .requirements = { "ATT-018" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(scene->dut.device, scene->b);
	scene_reset(scene, reset_function);
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(scene->dut.iommufd, scene->b));
	EXPECT_EQ(0, try_attach(scene->dut.device, scene->a));
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_EQ(0, __vfio_detach(scene->dut.device));
	EXPECT_WRITE("nothing", scene, scene->common);
}

CTS_TEST_F(reset, attaches_nothing,
	   .title = "A reset of a device that was detached leaves its DMA blocked",
	   .requirements = { "ATT-018", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_detach(scene->dut.device);
	scene_reset(scene, reset_function);
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_MAIN
