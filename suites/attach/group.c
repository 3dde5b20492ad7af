// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that an IOMMU can't tell apart form a group, and a group has one table. So the device
 * under test and its sibling, another function of its group, are attached to the same or not at
 * all, and the device's DMA follows the group's table even while only the sibling is attached.
 */
#include "scene.h"
#include "sysfs.h"

FIXTURE(group)
{
	struct scene scene;
	int sibling;
};

FIXTURE_SETUP(group)
{
	char siblings[1][SYSFS_BDF];

	CTS_CHECK_NEEDS();
	if (__sysfs_siblings(siblings, 1) < 1)
		CTS_SKIP(GROUP_TOO_SMALL, "no other function of the group has the same driver");
	SCENE_OPEN_OR_SKIP(&self->scene);
	self->sibling = vfio_open_function(siblings[0]);
	vfio_bind(self->sibling, self->scene.dut.iommufd);
}

FIXTURE_TEARDOWN(group)
{
	cts_close(&self->sibling);
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

CTS_TEST_F(group, another_table,
	   .title = "While its sibling is attached, attach of a device to another table is EINVAL",
	   .requirements = { "ATT-014" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt = iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->a);

	vfio_attach(self->sibling, scene->a);
	EXPECT_EQ(-EINVAL, try_attach(scene->dut.device, scene->b));
	EXPECT_EQ(-EINVAL, try_attach(scene->dut.device, hwpt));
	EXPECT_WRITE("a", scene, scene->common);
	/* It was not attached, and neither IOAS b nor the HWPT is held by it. */
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->b));
	EXPECT_EQ(0, try_attach(scene->dut.device, scene->a));
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(group, same_table,
	   .title = "Siblings that are attached to one IOAS, or one HWPT, share the table",
	   .requirements = { "ATT-014" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt = iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->b);

	EXPECT_EQ(vfio_attach(self->sibling, scene->a), vfio_attach(scene->dut.device, scene->a));
	EXPECT_WRITE("a", scene, scene->common);
	vfio_detach(self->sibling);
	vfio_detach(scene->dut.device);
	EXPECT_EQ(hwpt, vfio_attach(self->sibling, hwpt));
	EXPECT_EQ(hwpt, vfio_attach(scene->dut.device, hwpt));
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(group, follows_the_sibling,
	   .title = "A device that is only bound follows the table that its sibling is attached to",
	   .requirements = { "ATT-012" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(self->sibling, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(self->sibling, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
	vfio_detach(self->sibling);
	EXPECT_WRITE("nothing", scene, scene->common);
}

CTS_TEST_F(group, detach_of_one,
	   .title = "DMA of the group is blocked when the last of its devices is detached, not sooner",
	   .requirements = { "DET-001", "ATT-014" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(self->sibling, scene->a);
	vfio_detach(self->sibling);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(self->sibling, scene->a);
	vfio_detach(scene->dut.device);
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(scene->dut.iommufd, scene->a));
	vfio_detach(self->sibling);
	EXPECT_WRITE("nothing", scene, scene->common);
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->a));
}

CTS_TEST_F(group, close_of_one,
	   .title = "Closing the only attached device of a group blocks the other's DMA",
	   .requirements = { "DET-006", "ATT-014" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(self->sibling, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	cts_close(&self->sibling);
	EXPECT_WRITE("nothing", scene, scene->common);
	EXPECT_EQ(0, try_attach(scene->dut.device, scene->b));
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(group, replace_moves_all,
	   .title = "A replace through one device moves all that are attached, and leaks nothing",
	   .requirements = { "ATT-014" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(self->sibling, scene->a);
	hwpt = vfio_attach(self->sibling, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->a));

	/* Each of them holds the new table, and only that. */
	EXPECT_EQ(hwpt, vfio_attach(scene->dut.device, scene->b));
	vfio_detach(self->sibling);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(scene->dut.iommufd, scene->b));
	EXPECT_WRITE("b", scene, scene->common);
	vfio_detach(scene->dut.device);
	EXPECT_EQ(-ENOENT, __iommufd_destroy(scene->dut.iommufd, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->b));
}

CTS_MAIN
