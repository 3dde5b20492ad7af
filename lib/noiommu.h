/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices behind no IOMMU, which vfio gives to users where vfio.enable_unsafe_noiommu_mode is set
 * ("VFIO NOIOMMU mode" in Documentation/driver-api/vfio.rst). Nothing keeps their DMA from any
 * memory: they take physical addresses.
 */
#ifndef CTS_NOIOMMU_H
#define CTS_NOIOMMU_H

#include <linux/iommufd.h>
#include <stdbool.h>
#include <stdint.h>

#include "sysfs.h"

/* The device's node, /dev/vfio/devices/noiommu-vfioN: -ENODEV without one. */
int __noiommu_path(char path[SYSFS_PATH]);

/* Opens it: a parked file, or -errno. */
int __noiommu_open(void);
int noiommu_open(void);

/* vfio.enable_unsafe_noiommu_mode: is it set? Sets it: 0 or -errno. */
bool noiommu_mode(void);
int __noiommu_set_mode(bool on);

/* Has the kernel the taint of somebody in user space having done what is unsafe (TAINT_USER)? */
#define NOIOMMU_TAINT (1U << 6)
bool noiommu_tainted(void);

/*
 * IOMMU_IOAS_NOIOMMU_GET_PA of @iova: *@physical becomes its address; *@length is how many bytes
 * are wanted, and becomes how many are contiguous. 0 or -errno, -ENOTTY also where headers lack it.
 */
int __noiommu_physical(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length,
		       uint64_t *physical);

#endif
