/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/iommu (include/uapi/linux/iommufd.h, Documentation/userspace-api/iommufd.rst). A call with
 * `__` returns 0 or -errno; its twin without ends the test when it fails. Addresses and lengths are
 * in bytes.
 */
#ifndef CTS_IOMMUFD_H
#define CTS_IOMMUFD_H

#include <linux/iommufd.h>
#include <stddef.h>
#include <stdint.h>

/* A new, empty iommufd context. The caller closes it. */
int iommufd_open(void);

/* IOMMU_IOAS_ALLOC: the id of a new address space. */
int __iommufd_ioas_alloc(int iommufd, uint32_t *ioas);
uint32_t iommufd_ioas_alloc(int iommufd);

/* IOMMU_DESTROY */
int __iommufd_destroy(int iommufd, uint32_t id);

/*
 * IOMMU_IOAS_MAP of @length bytes of own memory at the fixed @iova, readable and writable by
 * devices.
 */
int __iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova);
void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova);

/* IOMMU_IOAS_UNMAP; *@length is what to unmap and becomes what was unmapped. */
int __iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length);

/*
 * IOMMU_IOAS_IOVA_RANGES: the lowest IOVA that is a multiple of @align (a power of two), not 0, and
 * begins
 * @length usable bytes. Ends the test if there is none.
 */
uint64_t iommufd_usable_iova(int iommufd, uint32_t ioas, uint64_t length, uint64_t align);

/* IOMMU_GET_HW_INFO of the bound device @device_id, without any of the driver's data. */
int __iommufd_hw_info(int iommufd, uint32_t device_id);

/*
 * IOMMU_HWPT_ALLOC for the bound device @device_id on @ioas, no flags; *@hwpt is the
 * new table's id.
 */
int __iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t *hwpt);

/*
 * Does @iommufd know @id as a device that is bound to it? 0 or -ENOENT: a table is made for the
 * device and destroyed again.
 */
int __iommufd_find_device(int iommufd, uint32_t id);

#endif
