// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "iommufd.h"
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

	cts_require(!__vfio_bind(device, iommufd, &device_id), "VFIO_DEVICE_BIND_IOMMUFD");
	return device_id;
}

void vfio_attach(int device, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt args = { .argsz = sizeof(args), .pt_id = pt_id };

	cts_require(!ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args),
		    "VFIO_DEVICE_ATTACH_IOMMUFD_PT to %u", pt_id);
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

/* The file that keeps the layout of the device, in @path; false where nothing is to be kept. */
static bool layout_path(char *path, size_t size)
{
	const char *scratch = getenv("CTS_SCRATCH");

	if (!scratch)
		return false;
	return (size_t)snprintf(path, size, "%s/layout-%s", scratch, sysfs_device()) < size;
}

static bool recall_layout(struct vfio_layout *layout)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (!layout_path(path, sizeof(path)))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, layout, sizeof(*layout));
	close(fd);
	return n == sizeof(*layout);
}

/* Renamed into place, so that a test that is killed meanwhile leaves no half of it. */
static void keep_layout(const struct vfio_layout *layout)
{
	char path[PATH_MAX], draft[PATH_MAX + 8];
	bool whole;
	int fd;

	if (!layout_path(path, sizeof(path)))
		return;
	snprintf(draft, sizeof(draft), "%s.draft", path);
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	whole = write(fd, layout, sizeof(*layout)) == sizeof(*layout);
	close(fd);
	if (!whole || rename(draft, path))
		unlink(draft);
}

int __vfio_survey(struct vfio_layout *layout)
{
	int iommufd, device, rc;
	uint32_t i;

	if (recall_layout(layout))
		return 0;
	iommufd = iommufd_open();
	device = vfio_open();
	rc = __vfio_bind(device, iommufd, NULL);
	for (i = 0; !rc && i < VFIO_PCI_NUM_REGIONS; i++) {
		int error = __vfio_region_info(device, i, &layout->region[i]);

		/* The region of legacy VGA is refused where there is none; it keeps size 0. */
		cts_require(!error || i == VFIO_PCI_VGA_REGION_INDEX,
			    "VFIO_DEVICE_GET_REGION_INFO of %u", i);
	}
	cts_close(&device);
	cts_close(&iommufd);
	layout->ids = htole32(sysfs_number("vendor") | sysfs_number("device") << 16);
	if (rc)
		return rc;
	cts_require(layout->region[VFIO_PCI_CONFIG_REGION_INDEX].size,
		    "%s is no PCI device to vfio: it has no configuration space", sysfs_device());
	keep_layout(layout);
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
	FILE *file;
	int unsafe;

	if (error != -EPERM || !vfio_group_is_free())
		return false;
	file = fopen("/sys/module/iommufd/parameters/allow_unsafe_interrupts", "re");
	if (!file)
		return false;
	unsafe = fgetc(file);
	fclose(file);
	return unsafe == 'N';
}
