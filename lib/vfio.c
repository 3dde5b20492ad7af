// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "iommufd.h"
#include "scratch.h"
#include "sysfs.h"
#include "vfio.h"
#include "vfio_group.h"

int vfio_open_function(const char *bdf)
{
	char path[SYSFS_PATH];
	int device;

	cts_require(!__sysfs_cdev_path_of(bdf, path), "%s has no vfio character device", bdf);
	device = open(path, O_RDWR | O_CLOEXEC);
	cts_require(device >= 0, "open %s", path);
	return device;
}

int vfio_open(void)
{
	return vfio_open_function(sysfs_device());
}

int __vfio_open_other(void)
{
	char bdf[SYSFS_BDF];

	return __sysfs_other_group(bdf) ? -ENODEV : vfio_open_function(bdf);
}

int __vfio_bind_raw(int device, void *args)
{
	return ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, args) ? -errno : 0;
}

int __vfio_bind(int device, int iommufd, uint32_t *device_id)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = iommufd };
	int rc = __vfio_bind_raw(device, &args);

	if (!rc && device_id)
		*device_id = args.out_devid;
	return rc;
}

uint32_t vfio_bind(int device, int iommufd)
{
	uint32_t device_id = 0;
	int rc = __vfio_bind(device, iommufd, &device_id);

	if (rc)
		vfio_check_holders();
	errno = -rc;
	cts_require(!rc, "VFIO_DEVICE_BIND_IOMMUFD");
	return device_id;
}

/* Has process @pid, a name in /proc, a descriptor of the file at @path? */
static bool has_open(const char *pid, const char *path)
{
	const struct dirent *entry;
	char name[64], target[SYSFS_PATH];
	bool found = false;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%.16s/fd", pid);
	dir = opendir(name);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (length < 0)
			continue;
		target[length] = '\0';
		found = !strcmp(target, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Ends the test if a process outside of its process group has @path open. */
static void check_holders_of(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir("/proc");

	while (dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && getpgid(pid) != getpgrp() && has_open(entry->d_name, path))
			cts_lab_error("bind is refused, and process %d has %s open: end it", pid,
				      path);
	}
	if (dir)
		closedir(dir);
}

void vfio_check_holders(void)
{
	char path[SYSFS_PATH];

	if (!__sysfs_cdev_path(path))
		check_holders_of(path);
	if (!__sysfs_group_path(path))
		check_holders_of(path);
}

int __vfio_attach(int device, uint32_t *pt_id)
{
	struct vfio_device_attach_iommufd_pt args = { .argsz = sizeof(args), .pt_id = *pt_id };

	if (ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args))
		return -errno;
	*pt_id = args.pt_id;
	return 0;
}

uint32_t vfio_attach(int device, uint32_t pt_id)
{
	uint32_t attached = pt_id;

	cts_require(!__vfio_attach(device, &attached), "VFIO_DEVICE_ATTACH_IOMMUFD_PT to %u",
		    pt_id);
	return attached;
}

int __vfio_detach(int device)
{
	struct vfio_device_detach_iommufd_pt args = { .argsz = sizeof(args) };

	return ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &args) ? -errno : 0;
}

void vfio_detach(int device)
{
	cts_require(!__vfio_detach(device), "VFIO_DEVICE_DETACH_IOMMUFD_PT");
}

int __vfio_info(int device, struct vfio_device_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	return ioctl(device, VFIO_DEVICE_GET_INFO, info) ? -errno : 0;
}

int __vfio_region_info(int device, uint32_t index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

void vfio_regions(int device, struct vfio_region_info regions[VFIO_PCI_NUM_REGIONS])
{
	uint32_t i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		int error = __vfio_region_info(device, i, &regions[i]);

		cts_require(!error || i == VFIO_PCI_VGA_REGION_INDEX,
			    "VFIO_DEVICE_GET_REGION_INFO of %u", i);
	}
	cts_require(regions[VFIO_PCI_CONFIG_REGION_INDEX].size,
		    "%s is no PCI device to vfio: it has no configuration space", sysfs_device());
}

/* A mediated device shows its ids itself, and nobody else knows them. */
static uint32_t ids_of(int device, const struct vfio_layout *layout)
{
	uint32_t ids;

	if (!sysfs_is_mediated(sysfs_device()))
		return htole32(sysfs_number("vendor") | sysfs_number("device") << 16);
	cts_require(pread(device, &ids, sizeof(ids), (off_t)vfio_config_offset(layout)) ==
			    sizeof(ids),
		    "the ids in the configuration space of %s", sysfs_device());
	return ids;
}

int __vfio_survey(struct vfio_layout *layout)
{
	int iommufd, device, rc;

	if (scratch_recall("layout", layout, sizeof(*layout)))
		return 0;
	iommufd = iommufd_open();
	device = vfio_open();
	rc = __vfio_bind(device, iommufd, NULL);
	if (!rc) {
		vfio_regions(device, layout->region);
		layout->ids = ids_of(device, layout);
	}
	cts_close(&device);
	cts_close(&iommufd);
	if (rc)
		return rc;
	scratch_keep("layout", layout, sizeof(*layout));
	return 0;
}

uint64_t vfio_config_offset(const struct vfio_layout *layout)
{
	return layout->region[VFIO_PCI_CONFIG_REGION_INDEX].offset;
}

const struct vfio_region_info *vfio_mappable_region(const struct vfio_layout *layout)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t i;

	for (i = VFIO_PCI_BAR0_REGION_INDEX; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		const struct vfio_region_info *region = &layout->region[i];

		if ((region->flags & VFIO_REGION_INFO_FLAG_MMAP) && region->size >= page)
			return region;
	}
	return NULL;
}

bool vfio_lacks_msi_isolation(int error)
{
	char path[SYSFS_PATH];
	FILE *file;
	int unsafe;

	if (error != -EPERM)
		return false;
	file = fopen("/sys/module/iommufd/parameters/allow_unsafe_interrupts", "re");
	if (!file)
		return false;
	unsafe = fgetc(file);
	fclose(file);
	if (unsafe != 'N')
		return false;
	if (__sysfs_group_path(path))
		cts_lab_error(
			"bind is refused with EPERM and %s has no group node (VFIO_GROUP) to say why: for want of interrupt isolation (iommufd.allow_unsafe_interrupts is off), or for another owner of the group",
			sysfs_device());
	return vfio_group_is_free();
}
