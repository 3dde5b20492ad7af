// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group whose devices can reach each other belongs either to user space or to the kernel: while a
 * driver of the kernel's own has one of its devices nobody can bind another, and while one is bound
 * no such driver can have another.
 *
 * uio_pci_generic takes any function with an interrupt pin, does nothing by itself and uses the
 * DMA API's domain like every driver that doesn't say otherwise
 * (Documentation/driver-api/uio-howto.rst).
 */
#include "siblings.h"

#define KERNEL_DRIVER "uio_pci_generic"

/* The path of @name in the sibling's directory. */
static void sibling_path(char path[SYSFS_PATH], const char *bdf, const char *name)
{
	snprintf(path, SYSFS_PATH, "/sys/bus/pci/devices/%s/%s", bdf, name);
}

/* What the sibling's driver_override holds, in the form that it takes. */
static void read_override(char override[SYSFS_PATH], const char *bdf)
{
	char path[SYSFS_PATH];
	FILE *file;

	sibling_path(path, bdf, "driver_override");
	file = fopen(path, "re");
	if (!file || !fgets(override, SYSFS_PATH, file))
		cts_lab_error("%s can't be read", path);
	fclose(file);
	/* None is shown as "(null)", and set by a line without a name. */
	if (override[0] == '(')
		strcpy(override, "\n");
}

static bool has_driver(const char *bdf)
{
	char path[SYSFS_PATH];

	sibling_path(path, bdf, "driver");
	return !access(path, F_OK);
}

/* No driver but @driver may take @bdf; "\n": whoever it fits. */
static void override_driver(const char *bdf, const char *driver)
{
	char path[SYSFS_PATH];

	sibling_path(path, bdf, "driver_override");
	if (__sysfs_write(path, driver))
		cts_lab_error("%s can't be written", path);
}

FIXTURE_SETUP(siblings)
{
	setup_siblings(_metadata, self);
	if (_metadata->exit_code != KSFT_PASS)
		return; /* it was skipped there */
	if (access("/sys/bus/pci/drivers/" KERNEL_DRIVER, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no driver " KERNEL_DRIVER);
	read_override(self->override, self->bdf[0]);
}

/*
 * In the parent, so that the sibling goes back to its vfio driver also after a test that ended
 * half-way. It is the driver that the device has: that makes it a sibling.
 */
FIXTURE_TEARDOWN_PARENT(siblings)
{
	char driver[SYSFS_PATH], path[SYSFS_PATH];

	sysfs_driver(driver);
	if (!__sysfs_cdev_path_of(self->bdf[0], path))
		return;
	if (has_driver(self->bdf[0]))
		(void)__sysfs_tell_driver(KERNEL_DRIVER, "unbind", self->bdf[0]);
	override_driver(self->bdf[0], driver);
	sysfs_give_back(driver, self->bdf[0]);
	override_driver(self->bdf[0], self->override);
}

/* Takes the sibling from its vfio driver. */
static void free_sibling(FIXTURE_DATA(siblings) * self)
{
	char driver[SYSFS_PATH];

	sysfs_driver(driver);
	cts_close(&self->sibling);
	cts_require(!__sysfs_tell_driver(driver, "unbind", self->bdf[0]), "unbind of %s",
		    self->bdf[0]);
	override_driver(self->bdf[0], KERNEL_DRIVER);
}

CTS_TEST_F(siblings, kernel_driver_blocks_bind,
	   .title = "While a driver of the kernel has a device of the group, bind ends in EPERM",
	   .requirements = { "BIND-017" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	free_sibling(self);
	if (__sysfs_tell_driver(KERNEL_DRIVER, "bind", self->bdf[0]))
		CTS_SKIP(DEVICE_LACKS, KERNEL_DRIVER " doesn't take %s", self->bdf[0]);
	EXPECT_EQ(-EPERM, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_PARKED(self->device);
	EXPECT_TRUE(has_driver(self->bdf[0]));

	/* Without a driver the sibling is nobody's. */
	ASSERT_EQ(0, __sysfs_tell_driver(KERNEL_DRIVER, "unbind", self->bdf[0]));
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_WORKS(self->device);
}

CTS_TEST_F(siblings, bind_blocks_kernel_drivers,
	   .title = "While a device of the group is bound no driver of the kernel gets another",
	   .requirements = { "BIND-018" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	int result;

	free_sibling(self);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EBUSY, __sysfs_tell_driver(KERNEL_DRIVER, "bind", self->bdf[0]));
	EXPECT_FALSE(has_driver(self->bdf[0]));
	EXPECT_WORKS(self->device);

	cts_close(&self->device);
	result = __sysfs_tell_driver(KERNEL_DRIVER, "bind", self->bdf[0]);
	/* Whatever it may dislike in the device, it is not the group any more. */
	EXPECT_NE(-EBUSY, result);
}

CTS_MAIN
