// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that no IOMMU keeps in bounds is given to nobody who didn't ask for that: root by the
 * mode, and the user by the name of the node and by the privilege to harm the machine.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "removal.h"
#include "unguarded.h"

FIXTURE(node)
{
	struct removal_before before;
	bool ready;
};

FIXTURE_SETUP(node)
{
	CTS_CHECK_NEEDS();
	removal_remember(&self->before);
	self->ready = true;
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(node)
{
	if (!self->ready)
		return;
	if (__noiommu_set_mode(true))
		cts_lab_error("vfio.enable_unsafe_noiommu_mode can't be put back");
	removal_undo(&self->before);
}

CTS_TEST_F(node, takes_the_mode,
	   .title = "A device behind no IOMMU gets no vfio driver unless the mode is set",
	   .requirements = { "NOIOMMU-001" },
	   .needs = NEEDS)
{
	const char *driver = self->before.driver;
	char path[SYSFS_PATH];

	ASSERT_EQ(0, __noiommu_set_mode(false));
	ASSERT_EQ(0, __sysfs_tell_driver(driver, "unbind", sysfs_device()));
	ASSERT_EQ(0, __sysfs_set(sysfs_device(), "driver_override", driver));
	EXPECT_EQ(-EINVAL, __sysfs_tell_driver(driver, "bind", sysfs_device()));
	EXPECT_NE(0, __sysfs_driver_of(sysfs_device(), path));
	EXPECT_EQ(-ENODEV, __noiommu_path(path));
	EXPECT_EQ(-ENODEV, __sysfs_cdev_path(path));

	ASSERT_EQ(0, __noiommu_set_mode(true));
	EXPECT_EQ(0, __sysfs_tell_driver(driver, "bind", sysfs_device()));
	EXPECT_EQ(0, __noiommu_path(path));
	EXPECT_EQ(-ENODEV, __sysfs_cdev_path(path));
	EXPECT_TRUE(noiommu_tainted());
}

CTS_TEST_F(node, stays_without_the_mode,
	   .title = "A device that has its node keeps it when the mode is taken back, and can be used",
	   .requirements = { "NOIOMMU-001" },
	   .needs = NEEDS)
{
	int iommufd = iommufd_open(), device;

	ASSERT_EQ(0, __noiommu_set_mode(false));
	device = noiommu_open();
	EXPECT_EQ(0, __vfio_bind(device, iommufd, NULL));
	cts_close(&device);
	cts_close(&iommufd);
}

/* Opens the node as root without CAP_SYS_RAWIO, in a child: 0 or -errno. */
static int open_without_rawio(void)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
		int device;

		if (syscall(SYS_capget, &header, data))
			_exit(ENOSYS);
		data[CAP_TO_INDEX(CAP_SYS_RAWIO)].effective &= ~CAP_TO_MASK(CAP_SYS_RAWIO);
		if (syscall(SYS_capset, &header, data))
			_exit(ENOSYS);
		device = __noiommu_open();
		_exit(device < 0 ? -device : 0);
	}
	cts_require(waitpid(child, &status, 0) == child && WIFEXITED(status), "waitpid");
	return -WEXITSTATUS(status);
}

CTS_TEST_F(node, takes_rawio,
	   .title = "The node is not opened without CAP_SYS_RAWIO, not even by whom it belongs to",
	   .requirements = { "NOIOMMU-002" },
	   .needs = NEEDS)
{
	int device;

	EXPECT_EQ(-EPERM, open_without_rawio());
	device = __noiommu_open();
	EXPECT_LE(0, device);
	cts_close(&device);
}

CTS_MAIN
