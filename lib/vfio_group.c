// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "check.h"
#include "sysfs.h"
#include "vfio_group.h"

int __vfio_group_open(void)
{
	int group = open(sysfs_group_path(), O_RDWR | O_CLOEXEC);

	return group < 0 ? -errno : group;
}

int vfio_group_open(void)
{
	int group = __vfio_group_open();

	cts_require(group >= 0, "open %s", sysfs_group_path());
	return group;
}

bool vfio_group_is_viable(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	cts_require(!ioctl(group, VFIO_GROUP_GET_STATUS, &status), "VFIO_GROUP_GET_STATUS");
	return status.flags & VFIO_GROUP_FLAGS_VIABLE;
}

bool vfio_group_is_free(void)
{
	char path[SYSFS_PATH];
	bool viable;
	int group;

	if (__sysfs_group_path(path))
		return false;
	group = __vfio_group_open();
	if (group < 0)
		return false;
	viable = vfio_group_is_viable(group);
	cts_close(&group);
	return viable;
}

int vfio_group_device(int group, int iommufd)
{
	int device;

	cts_require(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &iommufd), "VFIO_GROUP_SET_CONTAINER");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, sysfs_device());
	cts_require(device >= 0, "VFIO_GROUP_GET_DEVICE_FD %s", sysfs_device());
	return device;
}
