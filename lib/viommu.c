// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/ioctl.h>

#include "viommu.h"

/* Data of a vIOMMU came in the same release as its queues. */
#ifdef IOMMU_HW_QUEUE_ALLOC
int __viommu_alloc(int iommufd, uint32_t device, uint32_t hwpt, uint32_t type, void *data,
		   uint32_t length, uint32_t *viommu)
{
	struct iommu_viommu_alloc args = {
		.size = sizeof(args),
		.type = type,
		.dev_id = device,
		.hwpt_id = hwpt,
		.data_len = length,
		.data_uptr = (uintptr_t)data,
	};

	if (ioctl(iommufd, IOMMU_VIOMMU_ALLOC, &args))
		return -errno;
	*viommu = args.out_viommu_id;
	return 0;
}

int __hw_queue_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t index, uint64_t iova,
		     uint64_t length, uint32_t *queue)
{
	struct iommu_hw_queue_alloc args = {
		.size = sizeof(args),
		.viommu_id = viommu,
		.type = type,
		.index = index,
		.nesting_parent_iova = iova,
		.length = length,
	};

	if (ioctl(iommufd, IOMMU_HW_QUEUE_ALLOC, &args))
		return -errno;
	*queue = args.out_hw_queue_id;
	return 0;
}
#else
int __viommu_alloc(int iommufd, uint32_t device, uint32_t hwpt, uint32_t type, void *data,
		   uint32_t length, uint32_t *viommu)
{
	(void)iommufd;
	(void)device;
	(void)hwpt;
	(void)type;
	(void)data;
	(void)length;
	(void)viommu;
	return -ENOTTY;
}

int __hw_queue_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t index, uint64_t iova,
		     uint64_t length, uint32_t *queue)
{
	(void)iommufd;
	(void)viommu;
	(void)type;
	(void)index;
	(void)iova;
	(void)length;
	(void)queue;
	return -ENOTTY;
}
#endif

#ifdef IOMMU_VDEVICE_ALLOC
int __vdevice_alloc(int iommufd, uint32_t viommu, uint32_t device, uint64_t virtual_id,
		    uint32_t *vdevice)
{
	struct iommu_vdevice_alloc args = {
		.size = sizeof(args),
		.viommu_id = viommu,
		.dev_id = device,
		.virt_id = virtual_id,
	};

	if (ioctl(iommufd, IOMMU_VDEVICE_ALLOC, &args))
		return -errno;
	*vdevice = args.out_vdevice_id;
	return 0;
}
#else
int __vdevice_alloc(int iommufd, uint32_t viommu, uint32_t device, uint64_t virtual_id,
		    uint32_t *vdevice)
{
	(void)iommufd;
	(void)viommu;
	(void)device;
	(void)virtual_id;
	(void)vdevice;
	return -ENOTTY;
}
#endif

#ifdef IOMMU_VEVENTQ_ALLOC
int __veventq_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *queue,
		    int *fd)
{
	struct iommu_veventq_alloc args = {
		.size = sizeof(args),
		.viommu_id = viommu,
		.type = type,
		.veventq_depth = depth,
	};

	if (ioctl(iommufd, IOMMU_VEVENTQ_ALLOC, &args))
		return -errno;
	*queue = args.out_veventq_id;
	*fd = (int)args.out_veventq_fd;
	return 0;
}
#else
int __veventq_alloc(int iommufd, uint32_t viommu, uint32_t type, uint32_t depth, uint32_t *queue,
		    int *fd)
{
	(void)iommufd;
	(void)viommu;
	(void)type;
	(void)depth;
	(void)queue;
	(void)fd;
	return -ENOTTY;
}
#endif
