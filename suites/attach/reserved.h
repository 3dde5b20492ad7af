/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOVAs that the platform reserves for a device, like the window where its interrupts are caught:
 * the `reserved_regions` of its IOMMU group (Documentation/ABI/testing/sysfs-kernel-iommu_groups).
 */
#ifndef ATTACH_RESERVED_H
#define ATTACH_RESERVED_H

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sysfs.h"

struct reserved_region {
	uint64_t start;
	uint64_t last;
};

/* How many functions, of whatever driver, are in the device's group. */
static inline unsigned int group_size(void)
{
	const struct dirent *entry;
	char path[SYSFS_PATH];
	unsigned int size = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/devices", sysfs_device());
	dir = opendir(path);
	cts_require(dir, "%s", path);
	while ((entry = readdir(dir)))
		size += entry->d_name[0] != '.';
	closedir(dir);
	return size;
}

/*
 * The regions that an IOAS loses when the device is attached to it, the first @room of them to
 * @regions; returns how many. Direct regions that may be relaxed don't count. The list is the
 * group's; in a group of several devices only the windows of interrupts are surely this device's.
 */
static inline unsigned int reserved_regions(struct reserved_region *regions, unsigned int room)
{
	const bool alone = group_size() == 1;
	char path[SYSFS_PATH], type[32];
	struct reserved_region region;
	unsigned int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/reserved_regions",
		 sysfs_device());
	file = fopen(path, "re");
	cts_require(file, "%s", path);
	while (fscanf(file, "%" SCNx64 " %" SCNx64 " %31s", &region.start, &region.last, type) == 3)
		if (!strcmp(type, "msi") || (alone && strcmp(type, "direct-relaxable")))
			if (count < room)
				regions[count++] = region;
	fclose(file);
	return count;
}

#endif
