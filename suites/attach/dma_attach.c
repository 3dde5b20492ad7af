// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's DMA reaches memory through what it is attached to, and nothing while it is attached to
 * nothing: not before the first attach, not after detach, not after an attach that failed. Shown by
 * the device's own writes.
 */
#include "scene.h"

FIXTURE(dma)
{
	struct scene scene;
};

FIXTURE_SETUP(dma)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(dma)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

CTS_TEST_F(dma, nothing_before_attach,
	   .title = "A device that is bound and not attached reaches no mapping of any IOAS",
	   .requirements = { "ATT-012", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	scene_rebind(scene);
	EXPECT_WRITE("nothing", scene, scene->common);
	/* Nor with a table that is filled and waits to be attached. */
	iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->a);
	EXPECT_WRITE("nothing", scene, scene->lone);

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(dma, nothing_by_physical_address,
	   .title = "A device that is bound and not attached reaches no memory by physical address",
	   .requirements = { "ATT-012" },
	   .needs = NEEDS | CTS_NEED_ROOT,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	uint64_t address;

	if (dma_rings_size() || scene->unit > page_size())
		CTS_SKIP(DEVICE_LACKS, "its own rings would have to be at their physical address");
	scene_rebind(scene);
	/* The table pins the memory. */
	iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->a);
	address = physical_address((char *)scene->memory[MEMORY_A].memory + scene->unit);
	if (!address)
		CTS_SKIP(KERNEL_LACKS, "/proc/self/pagemap doesn't tell where memory is");
	if (address > dma_highest_iova() - scene->unit)
		CTS_SKIP(DEVICE_LACKS, "it can't address memory at %#llx",
			 (unsigned long long)address);
	EXPECT_WRITE("nothing", scene, address);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(dma, through_ioas,
	   .title = "Attached to an IOAS the device reaches what it maps, and no other IOVA",
	   .requirements = { "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(dma, through_hwpt,
	   .title = "Attached to an HWPT the device reaches what its IOAS maps, and no other IOVA",
	   .requirements = { "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device,
		    iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->b));
	EXPECT_WRITE("b", scene, scene->common);
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(dma, mapped_while_attached,
	   .title = "What is mapped and unmapped while the device is attached is reached at once",
	   .requirements = { "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	const uint64_t start = scene->lone - scene->unit;

	vfio_attach(scene->dut.device, scene->b);
	iommufd_map(scene->dut.iommufd, scene->b, scene->memory[MEMORY_LONE].memory,
		    3 * scene->unit, start);
	EXPECT_WRITE("lone", scene, scene->lone);
	iommufd_unmap(scene->dut.iommufd, scene->b, start, 3 * scene->unit);
	EXPECT_WRITE("nothing", scene, scene->lone);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(dma, thousand_mappings,
	   .title = "An IOAS of a thousand mappings is reached in all of them once it is attached",
	   .requirements = { "ATT-013" },
	   .needs = NEEDS,
	   .timeout_s = 300)
{
	const unsigned int mappings = 1000;
	struct scene *scene = &self->scene;
	uint64_t stride = 2 * scene->unit;
	unsigned int tries, i;
	uint64_t start;

	/* Every other unit, the same memory in all of them: only its middle is mapped. */
	start = iova_alloc(&scene->dut.space, mappings * stride, scene->unit);
	for (i = 0; i < mappings; i++)
		iommufd_map(scene->dut.iommufd, scene->b,
			    (char *)scene->memory[MEMORY_LONE].memory + scene->unit, scene->unit,
			    start + i * stride);

	/* The first, the last, and as many between as take the device ten seconds. */
	tries = (unsigned int)(10000000000ULL / (dma_access_ns(scene->dut.dma) + 1000000));
	if (tries > mappings - 1)
		tries = mappings - 1;
	vfio_attach(scene->dut.device, scene->b);
	for (i = 0; i <= tries; i++) {
		uint64_t nth = (uint64_t)i * (mappings - 1) / tries;

		EXPECT_WRITE("lone", scene, start + nth * stride);
	}
}

CTS_TEST_F(dma, nothing_after_detach,
	   .title = "After detach the device reaches nothing of what it reached before",
	   .requirements = { "DET-001", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	int round;

	for (round = 0; round < 3; round++) {
		vfio_attach(scene->dut.device, scene->a);
		EXPECT_WRITE("a", scene, scene->common);
		EXPECT_EQ(0, __vfio_detach(scene->dut.device));
		EXPECT_WRITE("nothing", scene, scene->common);
	}
}

CTS_TEST_F(dma, nothing_after_detach_of_hwpt,
	   .title = "After detach the device reaches nothing of the HWPT, which is still there",
	   .requirements = { "DET-001", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	uint32_t hwpt = iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->a);

	vfio_attach(scene->dut.device, hwpt);
	EXPECT_WRITE("lone", scene, scene->lone);
	EXPECT_EQ(0, __vfio_detach(scene->dut.device));
	EXPECT_WRITE("nothing", scene, scene->lone);
	/* Bound it is still: it answers. */
	EXPECT_EQ(0, __iommufd_hw_info(scene->dut.iommufd, scene->dut.device_id));
	vfio_attach(scene->dut.device, hwpt);
	EXPECT_WRITE("lone", scene, scene->lone);
}

CTS_TEST_F(dma, nothing_after_close,
	   .title = "Closed while it is attached and ready to write, the device reaches nothing when it is bound again",
	   .requirements = { "DET-006", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
	dut_close_device(&scene->dut);
	scene_reopen(scene);
	EXPECT_WRITE("nothing", scene, scene->common);
	EXPECT_EQ(0, __iommufd_destroy(scene->dut.iommufd, scene->a));
	vfio_attach(scene->dut.device, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(dma, nothing_after_failed_attach,
	   .title = "After attaches that were refused the device reaches nothing",
	   .requirements = { "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	const struct vfio_device_attach_iommufd_pt flag = { .argsz = sizeof(flag),
							    .flags = 1U << 31,
							    .pt_id = scene->a };
	struct vfio_device_attach_iommufd_pt args = flag;

	EXPECT_EQ(-ENOENT, try_attach(scene->dut.device, 0));
	EXPECT_EQ(-EINVAL, try_attach(scene->dut.device, scene->dut.device_id));
	EXPECT_EQ(-EINVAL, attach_raw(scene->dut.device, &args));
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(dma, nothing_after_unwritable_attach,
	   .title = "After a first attach whose result could not be stored the device reaches nothing",
	   .requirements = { "ATT-016", "ISO-006" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	EXPECT_EQ(-EFAULT, attach_unwritable(scene->dut.device, scene->a));
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->a);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(dma, outlives_the_iommufd,
	   .title = "DMA goes on through the table after the iommufd's descriptor was closed",
	   .requirements = { "ATT-023" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct scene *scene = &self->scene;

	vfio_attach(scene->dut.device, scene->a);
	cts_close(&scene->dut.iommufd);
	EXPECT_WRITE("a", scene, scene->common);
	EXPECT_EQ(0, __vfio_detach(scene->dut.device));
	EXPECT_WRITE("nothing", scene, scene->common);
	vfio_attach(scene->dut.device, scene->b);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_MAIN
