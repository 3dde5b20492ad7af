// SPDX-License-Identifier: GPL-2.0-only
/* Bus mastering, which lets a device do DMA: off after a bind, and then the user's. */
#include <linux/pci_regs.h>

#include "../attach/scene.h"
#include "bound.h"

FIXTURE(master)
{
	struct scene scene;
	struct function function;
};

FIXTURE_SETUP(master)
{
	CTS_CHECK_NEEDS();
	if (!strcmp(dma_driver_name(), "iommu-testdev"))
		CTS_SKIP(DEVICE_LACKS, "the device goes past its bus master bit");
	SCENE_OPEN_OR_SKIP(&self->scene);
	function_init(&self->function, self->scene.dut.device);
	vfio_attach(self->scene.dut.device, self->scene.a);
}

FIXTURE_TEARDOWN(master)
{
	function_exit(&self->function);
	scene_close(&self->scene);
}

static bool is_master(const struct function *function)
{
	return function_config_read(function, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

CTS_TEST_F(master, is_the_users,
	   .title = "While the user has bus mastering off the device moves no byte",
	   .requirements = { "REG-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct scene *scene = &self->scene;

	EXPECT_WRITE("a", scene, scene->common);
	function_set_master(&self->function, false);
	EXPECT_FALSE(is_master(&self->function));
	EXPECT_WRITE("nothing", scene, scene->common);
}

CTS_TEST_F(master, is_off_after_a_bind,
	   .title = "After a bind bus mastering is off, though the last user left it on",
	   .requirements = { "REG-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct scene *scene = &self->scene;

	EXPECT_WRITE("a", scene, scene->common);
	ASSERT_TRUE(is_master(&self->function));
	function_exit(&self->function);
	dut_close_device(&scene->dut);
	scene_unmap_rings(scene);
	scene->dut.device = vfio_open();
	vfio_bind(scene->dut.device, scene->dut.iommufd);
	function_init(&self->function, scene->dut.device);
	EXPECT_FALSE(is_master(&self->function));
}

CTS_MAIN
