// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "noiommu.h"

#define MODE "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

int __noiommu_path(char path[SYSFS_PATH])
{
	return __sysfs_noiommu_path_of(sysfs_device(), path);
}

int __noiommu_open(void)
{
	char path[SYSFS_PATH];
	int device = __noiommu_path(path);

	if (device)
		return device;
	device = open(path, O_RDWR | O_CLOEXEC);
	return device < 0 ? -errno : device;
}

int noiommu_open(void)
{
	int device = __noiommu_open();

	errno = -device;
	cts_require(device >= 0, "open of the node of %s", sysfs_device());
	return device;
}

bool noiommu_mode(void)
{
	FILE *file = fopen(MODE, "re");
	int state = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return state == 'Y';
}

int __noiommu_set_mode(bool on)
{
	return __sysfs_write(MODE, on ? "Y" : "N");
}

bool noiommu_tainted(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "re");
	unsigned long taint = 0;

	if (!file || fscanf(file, "%lu", &taint) != 1)
		cts_lab_error("the kernel doesn't tell its taint");
	fclose(file);
	return taint & NOIOMMU_TAINT;
}

int __noiommu_physical(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length,
		       uint64_t *physical)
{
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	struct iommu_ioas_noiommu_get_pa args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.iova = iova,
		.length = *length,
	};

	if (ioctl(iommufd, IOMMU_IOAS_NOIOMMU_GET_PA, &args))
		return -errno;
	*length = args.length;
	*physical = args.out_phys;
	return 0;
#else
	(void)iommufd;
	(void)ioas;
	(void)iova;
	(void)length;
	(void)physical;
	return -ENOTTY;
#endif
}
