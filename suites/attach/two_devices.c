// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two devices of different groups in one iommufd, attached to one table or to different ones: what
 * the one does changes nothing for the other. The second one does no DMA.
 */
#include "scene.h"

FIXTURE(two)
{
	struct scene scene;
	int other;
};

FIXTURE_SETUP(two)
{
	CTS_CHECK_NEEDS();
	self->other = __vfio_open_other();
	if (self->other < 0)
		CTS_SKIP(ONE_GROUP, "the run has no other device that is free");
	SCENE_OPEN_OR_SKIP(&self->scene);
	vfio_bind(self->other, self->scene.dut.iommufd);
}

FIXTURE_TEARDOWN(two)
{
	cts_close(&self->other);
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

/*
 * Takes the memory at scene->lone, which the device has just written to, out of IOAS a: it is out
 * of reach at once, and the rest is not.
 */
#define EXPECT_REVOKED(scene)                                                                  \
	do {                                                                                   \
		iommufd_unmap((scene)->dut.iommufd, (scene)->a, (scene)->lone - (scene)->unit, \
			      3 * (scene)->unit);                                              \
		EXPECT_WRITE("nothing", scene, (scene)->lone);                                 \
		EXPECT_WRITE("a", scene, (scene)->common);                                     \
	} while (0)

CTS_TEST_F(two, share_the_table,
	   .title = "Devices that are attached to one IOAS share the table that the kernel made",
	   .requirements = { "HWPT-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt = vfio_attach(scene->dut.device, scene->a);

	EXPECT_EQ(hwpt, vfio_attach(self->other, scene->a));
	EXPECT_WRITE("a", scene, scene->common);
	vfio_detach(self->other);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(scene->dut.iommufd, hwpt));
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(two, other_detaches,
	   .title = "When another device leaves the table, what is unmapped from it is still out of reach at once",
	   .requirements = { "ISO-002", "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(self->other, scene->a);
	vfio_detach(self->other);
	EXPECT_WRITE("lone", scene, scene->lone);
	EXPECT_REVOKED(scene);
}

CTS_TEST_F(two, other_closes,
	   .title = "When another device with the same table is closed, what is unmapped is still out of reach at once",
	   .requirements = { "ISO-002", "LIFE-001" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(self->other, scene->a);
	vfio_attach(scene->dut.device, scene->a);
	cts_close(&self->other);
	EXPECT_WRITE("lone", scene, scene->lone);
	EXPECT_REVOKED(scene);
}

CTS_TEST_F(two, users_table,
	   .title = "When another device leaves a table that the user made, what is unmapped is still out of reach at once",
	   .requirements = { "ISO-002", "HWPT-014" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt = iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->a);

	vfio_attach(self->other, hwpt);
	vfio_attach(scene->dut.device, hwpt);
	vfio_attach(self->other, scene->b);
	EXPECT_WRITE("lone", scene, scene->lone);
	EXPECT_REVOKED(scene);
}

CTS_TEST_F(two, other_comes,
	   .title = "When another device comes to the table, what was mapped and is unmapped then is out of reach at once",
	   .requirements = { "ISO-002", "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("lone", scene, scene->lone);
	vfio_attach(self->other, scene->a);
	EXPECT_REVOKED(scene);
}

CTS_TEST_F(two, leaves_the_other,
	   .title = "A device that leaves a table to another device reaches only what it is attached to then",
	   .requirements = { "ISO-009", "DET-001" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(self->other, scene->a);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_WRITE("lone", scene, scene->lone);
	vfio_attach(scene->dut.device, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_WRITE("nothing", scene, scene->lone);
	vfio_detach(scene->dut.device);
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("lone", scene, scene->lone);
}

CTS_TEST_F(two, other_elsewhere,
	   .title = "A device reaches what it is attached to, wherever another device is attached",
	   .requirements = { "ISO-005", "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	vfio_attach(self->other, scene->b);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(self->other, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(self->other, scene->b);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_detach(self->other);
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_WRITE("lone", scene, scene->lone);
}

CTS_MAIN
