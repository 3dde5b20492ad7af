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

int vfio_group_open_of(const char *bdf)
{
	char path[SYSFS_PATH];
	int group;

	cts_require(!__sysfs_group_path_of(bdf, path), "%s has no vfio group node", bdf);
	group = open(path, O_RDWR | O_CLOEXEC);
	cts_require(group >= 0, "open %s", path);
	return group;
}

int __vfio_group_open_other(void)
{
	char bdf[SYSFS_BDF];
	int group;

	if (__sysfs_other_group(bdf))
		return -ENODEV;
	group = vfio_group_open_of(bdf);
	if (!vfio_group_is_viable(group)) {
		cts_close(&group);
		return -ENODEV;
	}
	return group;
}

int __vfio_group_set_container(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

void vfio_group_set_container(int group, int container)
{
	cts_require(!__vfio_group_set_container(group, container), "VFIO_GROUP_SET_CONTAINER");
}

int __vfio_group_unset_container(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0;
}

int __vfio_group_status(int group, uint32_t *flags)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		return -errno;
	*flags = status.flags;
	return 0;
}

bool vfio_group_is_viable(int group)
{
	uint32_t flags = 0;

	cts_require(!__vfio_group_status(group, &flags), "VFIO_GROUP_GET_STATUS");
	return flags & VFIO_GROUP_FLAGS_VIABLE;
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

int __vfio_group_device_fd(int group, const char *name)
{
	int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);

	return device < 0 ? -errno : device;
}

int vfio_group_device_fd(int group)
{
	int device = __vfio_group_device_fd(group, sysfs_device());

	cts_require(device >= 0, "VFIO_GROUP_GET_DEVICE_FD %s", sysfs_device());
	return device;
}

int vfio_group_device(int group, int iommufd)
{
	vfio_group_set_container(group, iommufd);
	return vfio_group_device_fd(group);
}
