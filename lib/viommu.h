/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual IOMMUs of /dev/iommu and what belongs to them (include/uapi/linux/iommufd.h). Each call
 * returns 0 or -errno, -ENOTTY also where the headers that the suite was built with lack it.
 */
#ifndef CTS_VIOMMU_H
#define CTS_VIOMMU_H

#include <linux/iommufd.h>
#include <stddef.h>
#include <stdint.h>

/* IOMMU_VIOMMU_ALLOC on the nesting parent @hwpt, with @length bytes of data at @data. */
int __viommu_alloc(int iommufd, uint32_t device, uint32_t hwpt, uint32_t type, void *data,
		   uint32_t length, uint32_t *viommu);

/* IOMMU_VDEVICE_ALLOC: @device is @virtual_id on @viommu. */
int __vdevice_alloc(int iommufd, uint32_t viommu, uint32_t device, uint64_t virtual_id,
		    uint32_t *vdevice);

/* IOMMU_VEVENTQ_ALLOC of at most @depth events; the caller closes *@fd. */
int __veventq_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *queue,
		    int *fd);

/* IOMMU_HW_QUEUE_ALLOC with the memory at [@iova, @iova + @length) of the nesting parent. */
int __hw_queue_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t index, uint64_t iova,
		     uint64_t length, uint32_t *queue);

#endif
