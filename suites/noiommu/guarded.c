// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mode is for devices that no IOMMU guards. It takes nothing from the protection by an IOMMU of
 * the others.
 */
#include <unistd.h>

#include "canary.h"
#include "dut.h"
#include "iommufd.h"
#include "memory.h"
#include "noiommu.h"
#include "removal.h"
#include "test.h"

FIXTURE(guarded)
{
	struct removal_before before;
	bool mode, ready;
};

FIXTURE_SETUP(guarded)
{
	struct vfio_layout layout;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&layout);
	self->mode = noiommu_mode();
	removal_remember(&self->before);
	self->ready = true;
	if (__noiommu_set_mode(true))
		CTS_SKIP(KERNEL_LACKS, "vfio.enable_unsafe_noiommu_mode can't be set");
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(guarded)
{
	if (!self->ready)
		return;
	(void)__noiommu_set_mode(self->mode);
	removal_undo(&self->before);
}

CTS_TEST_F(guarded, is_called_as_ever,
	   .title = "A device behind an IOMMU that gets its driver in the mode has the usual node, and taints nothing",
	   .requirements = { "NOIOMMU-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	bool tainted = noiommu_tainted();
	char path[SYSFS_PATH];

	ASSERT_EQ(0, __sysfs_tell_driver(self->before.driver, "unbind", sysfs_device()));
	ASSERT_EQ(0, __sysfs_set(sysfs_device(), "driver_override", self->before.driver));
	ASSERT_EQ(0, __sysfs_tell_driver(self->before.driver, "bind", sysfs_device()));
	EXPECT_EQ(0, __sysfs_cdev_path(path));
	EXPECT_EQ(-ENODEV, __noiommu_path(path));
	EXPECT_EQ(tainted, noiommu_tainted());
	ASSERT_EQ(0, __sysfs_set(sysfs_device(), "driver_override", self->before.override));
}

CTS_TEST_F(guarded, is_what_it_is_called,
	   .title = "A device with the usual node is behind an IOMMU",
	   .requirements = { "NOIOMMU-001", "NOIOMMU-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	char path[SYSFS_PATH];

	sysfs_real_path(path);
	strncat(path, "/iommu", sizeof(path) - strlen(path) - 1);
	EXPECT_EQ(0, access(path, F_OK)) TH_LOG("there is no %s", path);
}

CTS_TEST_F(guarded, is_blocked_until_attach,
	   .title = "In the mode too a device behind an IOMMU reaches no memory between bind and attach",
	   .requirements = { "NOIOMMU-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t length, page = page_size();
	uint8_t *memory, *wrote;
	uint64_t physical, iova;
	struct dut dut;

	dut_open(&dut);
	length = dma_write_limits(dut.dma)->smallest;
	wrote = malloc(length);
	ASSERT_NE(NULL, wrote);
	memory = guarded_page();
	canary_fill(memory, page, 1);
	iova = iova_alloc(&dut.space, page, page);
	iommufd_map(dut.iommufd, dut.ioas, memory, page, iova);
	ASSERT_EQ(0, dma_write(dut.dma, iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(memory, page, 1, 0, wrote, length));

	/* What it would be without an IOMMU. */
	canary_fill(memory, page, 1);
	physical = physical_address(memory);
	if (!physical)
		CTS_SKIP(LOCKDOWN, "the kernel doesn't tell physical addresses");
	if (physical > dma_highest_iova() - page)
		CTS_SKIP(DEVICE_LACKS, "the memory's physical address is beyond its reach");
	vfio_detach(dut.device);
	(void)dma_write(dut.dma, physical, length, wrote);
	EXPECT_TRUE(canary_intact(memory, page, 1));
	(void)dma_write(dut.dma, iova, length, wrote);
	EXPECT_TRUE(canary_intact(memory, page, 1));
	dut_close(&dut);
	free(wrote);
}

CTS_MAIN
