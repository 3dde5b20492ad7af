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
void iommufd_destroy(int iommufd, uint32_t id);

/*
 * IOMMU_IOAS_MAP of @length bytes of own memory at the fixed @iova, readable and writable by
 * devices.
 */
int __iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova);
void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova);

/*
 * IOMMU_IOAS_MAP with just the flags @flags (IOMMU_IOAS_MAP_*): without FIXED_IOVA the kernel
 * chooses where. *@iova is the wanted IOVA and becomes the one that the kernel reports.
 */
int __iommufd_map_flags(int iommufd, uint32_t ioas, uint32_t flags, const void *memory,
			size_t length, uint64_t *iova);

/* The same at the fixed @iova, with the permissions @access: IOMMU_IOAS_MAP_READABLE, _WRITEABLE. */
void iommufd_map_access(int iommufd, uint32_t ioas, uint32_t access, const void *memory,
			size_t length, uint64_t iova);

/*
 * IOMMU_IOAS_UNMAP; *@length is what to unmap and becomes what was unmapped. The twin requires that
 * it is as much as was asked for.
 */
int __iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length);
void iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length);

/*
 * IOMMU_IOAS_UNMAP of all there is (IOVA 0, length UINT64_MAX); *@length becomes how many bytes
 * that were.
 */
int __iommufd_unmap_all(int iommufd, uint32_t ioas, uint64_t *length);
uint64_t iommufd_unmap_all(int iommufd, uint32_t ioas);

/*
 * IOMMU_IOAS_COPY of the @length bytes at @from in IOAS @source to IOAS @target with the flags
 * @flags (IOMMU_IOAS_MAP_*). *@to is the wanted IOVA and becomes the one that the kernel reports.
 */
int __iommufd_copy(int iommufd, uint32_t target, uint32_t source, uint32_t flags, uint64_t length,
		   uint64_t from, uint64_t *to);

/* The same to the fixed IOVA @to, readable and writable by devices. */
void iommufd_copy(int iommufd, uint32_t target, uint32_t source, uint64_t length, uint64_t from,
		  uint64_t to);

/*
 * IOMMU_IOAS_IOVA_RANGES: all usable ranges of @ioas, in ascending order; *@count of them, and what
 * fixed IOVAs must be a multiple of at *@alignment. The caller frees them.
 */
struct iommu_iova_range *iommufd_iova_ranges(int iommufd, uint32_t ioas, uint32_t *count,
					     uint64_t *alignment);

/*
 * The lowest usable IOVA that is a multiple of @align (a power of two) and begins @length bytes,
 * for a test that maps one thing; else see iova.h. Ends the test if there is none.
 */
uint64_t iommufd_usable_iova(int iommufd, uint32_t ioas, uint64_t length, uint64_t align);

/* IOMMU_GET_HW_INFO of the bound device @device_id, without any of the driver's data. */
int __iommufd_hw_info(int iommufd, uint32_t device_id);

/*
 * IOMMU_HWPT_ALLOC for the bound device @device_id on @ioas, no flags; *@hwpt is the
 * new table's id.
 */
int __iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t *hwpt);
uint32_t iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas);

/* The same with the flags @flags (IOMMU_HWPT_ALLOC_*). */
int __iommufd_hwpt_alloc_flags(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t flags,
			       uint32_t *hwpt);

/*
 * IOMMU_FAULT_QUEUE_ALLOC: the id of a new fault queue, and its descriptor, which the caller closes
 * before it destroys the queue. -ENOTTY where the kernel has none, or the headers.
 */
int __iommufd_fault_queue_alloc(int iommufd, uint32_t *queue, int *fd);

/* IOMMU_HWPT_ALLOC with IOMMU_HWPT_FAULT_ID_VALID: page requests go to @queue. */
int __iommufd_hwpt_alloc_fault(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t queue,
			       uint32_t *hwpt);

/*
 * IOMMU_IOAS_ALLOW_IOVAS: promises [@start, @last] to user space, so that nothing may reserve any
 * of it; iommufd_allow_all() takes every promise back.
 */
int __iommufd_allow_iovas(int iommufd, uint32_t ioas, uint64_t start, uint64_t last);
void iommufd_allow_all(int iommufd, uint32_t ioas);

/* IOMMU_IOAS_IOVA_RANGES: how many bytes of [@start, @last], which are not all 2^64, are usable. */
uint64_t iommufd_usable_bytes(int iommufd, uint32_t ioas, uint64_t start, uint64_t last);

/*
 * Does @iommufd know @id as a device that is bound to it? A table is made for the device and
 * destroyed again: 0, -ENOENT if it doesn't, or why else IOMMU_HWPT_ALLOC failed. Of a mediated
 * device it is the answer to IOMMU_DESTROY, which is refused as long as it is bound.
 */
int __iommufd_find_device(int iommufd, uint32_t id);

#endif
