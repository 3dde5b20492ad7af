// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose DMA the platform doesn't keep coherent with the CPU's caches: a user has no call
 * to flush them by, and so doesn't get it. A driver of the kernel, which can, has it meanwhile.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iommufd.h"
#include "noiommu.h"
#include "removal.h"
#include "test.h"
#include "vfio.h"

#define VFIO_DRIVER "vfio-pci"
#define NEEDS (CTS_NEED_IOMMUFD | CTS_NEED_HARDWARE | CTS_NEED_ROOT)

FIXTURE(noncoherent)
{
	struct removal_before before;
	bool mode, ready;
};

/*
 * Is the device's IOMMU coherent, by the device tree: it says so of the IOMMU or of what that is
 * part of (the Devicetree Specification's dma-coherent)? Without one it is taken to be.
 */
static bool is_coherent(void)
{
	char link[2 * SYSFS_PATH], node[PATH_MAX], property[PATH_MAX + 16];

	sysfs_real_path(link);
	strcat(link, "/iommu/device/of_node");
	if (!realpath(link, node))
		return true;
	for (; strrchr(node, '/') != node; *strrchr(node, '/') = '\0') {
		snprintf(property, sizeof(property), "%s/dma-coherent", node);
		if (!access(property, F_OK))
			return true;
	}
	return false;
}

FIXTURE_SETUP(noncoherent)
{
	CTS_CHECK_NEEDS();
	if (is_coherent())
		CTS_SKIP(IOMMU_LACKS, "no device tree says that the IOMMU isn't coherent");
	self->mode = noiommu_mode();
	removal_remember(&self->before);
	if (!strcmp(self->before.driver, VFIO_DRIVER))
		CTS_SKIP(NOT_DRIVEN, VFIO_DRIVER " had the device before the test");
	self->ready = true;
}

/*
 * In the parent, so that it is done also for a test that ended half-way. That the driver takes the
 * device back is promised, too.
 */
FIXTURE_TEARDOWN_PARENT(noncoherent)
{
	char driver[SYSFS_PATH];

	if (!self->ready)
		return;
	(void)__noiommu_set_mode(self->mode);
	(void)__sysfs_tell_driver(VFIO_DRIVER, "unbind", sysfs_device());
	if (__sysfs_driver_of(sysfs_device(), driver)) {
		(void)__sysfs_set(sysfs_device(), "driver_override", self->before.driver);
		EXPECT_EQ(0, __sysfs_tell_driver(self->before.driver, "bind", sysfs_device()));
	}
	(void)__sysfs_set(sysfs_device(), "driver_override", self->before.override);
}

/*
 * Gives the device to the vfio driver, and if that takes it tries to bind it. What that was refused
 * with, or 0.
 */
static int try_to_use(const struct removal_before *before)
{
	int iommufd, device, rc;

	cts_lab_require(!__sysfs_tell_driver(before->driver, "unbind", sysfs_device()),
			"unbind of %s", sysfs_device());
	cts_lab_require(!__sysfs_set(sysfs_device(), "driver_override", VFIO_DRIVER),
			"driver_override of %s", sysfs_device());
	rc = __sysfs_tell_driver(VFIO_DRIVER, "bind", sysfs_device());
	if (rc)
		return rc;
	iommufd = iommufd_open();
	device = vfio_open();
	rc = __vfio_bind(device, iommufd, NULL);
	cts_close(&device);
	cts_close(&iommufd);
	return rc;
}

CTS_TEST_F(noncoherent, is_refused,
	   .title = "A device that isn't coherent gets no vfio driver, or isn't bound: EINVAL",
	   .requirements = { "COH-004" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EINVAL, try_to_use(&self->before));
}

CTS_TEST_F(noncoherent, has_no_node,
	   .title = "A device that was refused a vfio driver has no node, nor has its group",
	   .requirements = { "COH-004" },
	   .needs = NEEDS)
{
	char path[SYSFS_PATH];

	EXPECT_EQ(-EINVAL, try_to_use(&self->before));
	if (!__sysfs_driver_of(sysfs_device(), path))
		CTS_SKIP(KERNEL_LACKS, "the vfio driver takes it, and bind is what refuses");
	EXPECT_EQ(-ENODEV, __sysfs_cdev_path(path));
	EXPECT_EQ(-ENODEV, __sysfs_group_path(path));
	EXPECT_EQ(-ENODEV, __noiommu_path(path));
	EXPECT_EQ(-ENODEV, __sysfs_noiommu_group_path(path));
}

CTS_TEST_F(noncoherent, is_the_kernels,
	   .title = "A device that was refused, twice, is not kept from the kernel's own driver",
	   .requirements = { "COH-004" },
	   .needs = NEEDS)
{
	const char *driver = self->before.driver;
	int round;

	for (round = 0; round < 2; round++) {
		EXPECT_EQ(-EINVAL, try_to_use(&self->before));
		(void)__sysfs_tell_driver(VFIO_DRIVER, "unbind", sysfs_device());
		ASSERT_EQ(0, __sysfs_set(sysfs_device(), "driver_override", driver));
		/* It asks for the DMA of the group, which no user may have by then. */
		ASSERT_EQ(0, __sysfs_tell_driver(driver, "bind", sysfs_device()));
	}
}

CTS_TEST_F(noncoherent, is_refused_in_the_mode,
	   .title = "The mode for devices without an IOMMU is no way to one that isn't coherent",
	   .requirements = { "COH-004", "NOIOMMU-007" },
	   .needs = NEEDS)
{
	char path[SYSFS_PATH];

	if (__noiommu_set_mode(true))
		CTS_SKIP(KERNEL_LACKS, "vfio.enable_unsafe_noiommu_mode can't be set");
	EXPECT_EQ(-EINVAL, try_to_use(&self->before));
	EXPECT_EQ(-ENODEV, __noiommu_path(path));
	EXPECT_EQ(-ENODEV, __sysfs_noiommu_group_path(path));
}

CTS_MAIN
