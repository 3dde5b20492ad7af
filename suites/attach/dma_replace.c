// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replace moves the device's DMA from one table to another. Each test runs for every way from
 * IOAS or HWPT to IOAS or HWPT.
 */
#include "scene.h"

FIXTURE(replace)
{
	struct scene scene;
};

FIXTURE_VARIANT(replace)
{
	bool from_hwpt;
	bool to_hwpt;
};

FIXTURE_VARIANT_ADD(replace, ioas_by_ioas)
{
	.from_hwpt = false,
	.to_hwpt = false,
};
FIXTURE_VARIANT_ADD(replace, ioas_by_hwpt)
{
	.from_hwpt = false,
	.to_hwpt = true,
};
FIXTURE_VARIANT_ADD(replace, hwpt_by_ioas)
{
	.from_hwpt = true,
	.to_hwpt = false,
};
FIXTURE_VARIANT_ADD(replace, hwpt_by_hwpt)
{
	.from_hwpt = true,
	.to_hwpt = true,
};

FIXTURE_SETUP(replace)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(replace)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

/* The IOAS @ioas itself, or a new HWPT of it. */
static uint32_t target(struct scene *scene, uint32_t ioas, bool hwpt)
{
	if (!hwpt)
		return ioas;
	return iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, ioas);
}

CTS_TEST_F(replace, other_ioas,
	   .title = "After a replace the same IOVA leads to the memory of the new IOAS alone",
	   .requirements = { "ATT-008", "ISO-009" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	uint32_t from = target(scene, scene->a, variant->from_hwpt);
	uint32_t to = target(scene, scene->b, variant->to_hwpt);
	int round;

	for (round = 0; round < 3; round++) {
		vfio_attach(scene->dut.device, from);
		EXPECT_WRITE("a", scene, scene->common);
		vfio_attach(scene->dut.device, to);
		EXPECT_WRITE("b", scene, scene->common);
	}
}

CTS_TEST_F(replace, old_mapping_is_gone,
	   .title = "After a replace an IOVA that only the old IOAS maps leads nowhere",
	   .requirements = { "ISO-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, target(scene, scene->a, variant->from_hwpt));
	EXPECT_WRITE("lone", scene, scene->lone);
	vfio_attach(scene->dut.device, target(scene, scene->b, variant->to_hwpt));
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(replace, same_ioas,
	   .title = "A replace by another table of the same IOAS changes nothing of what is reached",
	   .requirements = { "ATT-008" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	const uint64_t start = scene->lone - scene->unit;

	vfio_attach(scene->dut.device, target(scene, scene->a, variant->from_hwpt));
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_WRITE("lone", scene, scene->lone);
	vfio_attach(scene->dut.device, target(scene, scene->a, variant->to_hwpt));
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_WRITE("lone", scene, scene->lone);

	/* And from now on it is this table that an unmap has to reach. */
	iommufd_unmap(scene->dut.iommufd, scene->a, start, 3 * scene->unit);
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(replace, old_ioas_destroyed,
	   .title = "After a replace the old IOAS can be destroyed with all it maps, and DMA goes on",
	   .requirements = { "ATT-008" },
	   .needs = NEEDS)
{
	struct scene *scene = &self->scene;
	uint32_t from = target(scene, scene->a, variant->from_hwpt);

	vfio_attach(scene->dut.device, from);
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(scene->dut.device, target(scene, scene->b, variant->to_hwpt));
	if (variant->from_hwpt) {
		EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, from));
	}
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->a));
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(replace, detach_after_replace,
	   .title = "Detach after a replace leaves neither the old nor the new table in reach",
	   .requirements = { "DET-001", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, target(scene, scene->a, variant->from_hwpt));
	EXPECT_WRITE("a", scene, scene->common);
	vfio_attach(scene->dut.device, target(scene, scene->b, variant->to_hwpt));
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_EQ(0, __vfio_detach(scene->dut.device));
	EXPECT_WRITE("nothing", scene, scene->common);
}

CTS_MAIN
