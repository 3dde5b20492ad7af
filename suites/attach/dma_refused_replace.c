// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replace that is refused, for whatever reason, leaves the old table in force: the device reaches
 * what it reached before, and nothing of the table that was refused.
 */
#include "reserved.h"
#include "scene.h"

FIXTURE(refused)
{
	struct scene scene;
};

FIXTURE_SETUP(refused)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(refused)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

/* The table of IOAS a is in force, in all of its mappings, and can be replaced by that of b. */
#define EXPECT_STILL_A()                                  \
	do {                                              \
		EXPECT_WRITE("a", scene, scene->common);  \
		EXPECT_WRITE("lone", scene, scene->lone); \
		vfio_attach(scene->dut.device, scene->b); \
		EXPECT_WRITE("b", scene, scene->common);  \
	} while (0)

CTS_TEST_F(refused, unknown_id,
	   .title = "A replace by an id that nobody has leaves the old table in force",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_EQ(-ENOENT, try_attach(scene->dut.device, 0));
	EXPECT_EQ(-ENOENT, try_attach(scene->dut.device, 0xffffffff));
	EXPECT_STILL_A();
}

CTS_TEST_F(refused, wrong_kind,
	   .title = "A replace by the id of a device leaves the old table in force",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_EQ(-EINVAL, try_attach(scene->dut.device, scene->dut.device_id));
	EXPECT_STILL_A();
}

CTS_TEST_F(refused, reserved_iova,
	   .title = "A replace by an IOAS that maps reserved IOVAs leaves the old table in force",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	struct reserved_region region;
	uint32_t conflict;

	if (!reserved_regions(&region, 1))
		CTS_SKIP(DEVICE_LACKS, "the platform reserves no IOVA for the device");
	conflict = iommufd_ioas_alloc(scene->dut.iommufd);
	iommufd_map(scene->dut.iommufd, conflict, guarded_page(), page_size(), region.start);
	iommufd_map(scene->dut.iommufd, conflict, scene->memory[MEMORY_B].memory, 3 * scene->unit,
		    scene->common - scene->unit);

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_EQ(-EADDRINUSE, try_attach(scene->dut.device, conflict));
	EXPECT_STILL_A();
}

/* A replace by a table of @ioas that the driver refuses; skips the test if it doesn't. */
#define REFUSED_REPLACE_OR_SKIP(ioas)                                                        \
	do {                                                                                 \
		uint32_t __hwpt = 0;                                                         \
		int __fd;                                                                    \
                                                                                             \
		FAULT_TABLE_OR_SKIP(scene->dut.iommufd, scene->dut.device_id, ioas, &__hwpt, \
				    &__fd);                                                  \
		vfio_attach(scene->dut.device, scene->a);                                    \
		if (!try_attach(scene->dut.device, __hwpt))                                  \
			CTS_SKIP(DEVICE_LACKS, "the device takes a table with a "            \
					       "fault queue like any other");                \
	} while (0)

CTS_TEST_F(refused, by_the_driver,
	   .title = "A replace that the IOMMU's driver refuses leaves the old table in force",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;

	REFUSED_REPLACE_OR_SKIP(scene->b);
	EXPECT_STILL_A();
}

CTS_TEST_F(refused, by_the_driver_within_an_ioas,
	   .title = "A replace within an IOAS that the driver refuses leaves the old table in force",
	   .requirements = { "ATT-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;

	REFUSED_REPLACE_OR_SKIP(scene->a);
	EXPECT_STILL_A();
}

CTS_TEST_F(refused, unwritable,
	   .title = "A replace whose result can't be stored leaves the old table in force",
	   .requirements = { "ATT-021" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_EQ(-EFAULT, attach_unwritable(scene->dut.device, scene->b));
	EXPECT_STILL_A();
}

CTS_TEST_F(refused, unwritable_reaches_nothing_new,
	   .title = "A replace whose result can't be stored doesn't put the new table in force",
	   .requirements = { "ISO-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_EQ(-EFAULT, attach_unwritable(scene->dut.device, scene->b));
	EXPECT_STRNE("b", scene_write(scene, scene->common));
	vfio_attach(scene->dut.device, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_MAIN
