// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/ioctl.h>

#include "check.h"
#include "hwpt.h"
#include "iommufd.h"

int __hwpt_alloc(int iommufd, struct iommu_hwpt_alloc *args)
{
	if (!args->size)
		args->size = sizeof(*args);
	return ioctl(iommufd, IOMMU_HWPT_ALLOC, args) ? -errno : 0;
}

uint32_t hwpt_alloc(int iommufd, uint32_t device, uint32_t pt, uint32_t flags)
{
	struct iommu_hwpt_alloc args = { .dev_id = device, .pt_id = pt, .flags = flags };

	cts_require(!__hwpt_alloc(iommufd, &args), "IOMMU_HWPT_ALLOC with flags %#x", flags);
	return args.out_hwpt_id;
}

int __hwpt_alloc_data(int iommufd, uint32_t device, uint32_t pt, uint32_t flags, uint32_t type,
		      const void *data, uint32_t length, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = {
		.dev_id = device,
		.pt_id = pt,
		.flags = flags,
		.data_type = type,
		.data_len = length,
		.data_uptr = (uintptr_t)data,
	};
	int rc = __hwpt_alloc(iommufd, &args);

	if (!rc)
		*hwpt = args.out_hwpt_id;
	return rc;
}

int __hw_info(int iommufd, struct iommu_hw_info *args)
{
	if (!args->size)
		args->size = sizeof(*args);
	return ioctl(iommufd, IOMMU_GET_HW_INFO, args) ? -errno : 0;
}

struct iommu_hw_info hw_info(int iommufd, uint32_t device)
{
	struct iommu_hw_info args = { .dev_id = device };

	cts_require(!__hw_info(iommufd, &args), "IOMMU_GET_HW_INFO of %u", device);
	return args;
}

bool hw_info_tells_ats(int iommufd)
{
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	struct iommu_ioas_noiommu_get_pa args = { .size = sizeof(args) };

	return !ioctl(iommufd, IOMMU_IOAS_NOIOMMU_GET_PA, &args) || errno != ENOTTY;
#else
	(void)iommufd;
	return false;
#endif
}

int __dirty_tracking(int iommufd, uint32_t hwpt, bool enable)
{
	struct iommu_hwpt_set_dirty_tracking args = {
		.size = sizeof(args),
		.flags = enable ? IOMMU_HWPT_DIRTY_TRACKING_ENABLE : 0,
		.hwpt_id = hwpt,
	};

	return ioctl(iommufd, IOMMU_HWPT_SET_DIRTY_TRACKING, &args) ? -errno : 0;
}

void dirty_tracking(int iommufd, uint32_t hwpt, bool enable)
{
	cts_require(!__dirty_tracking(iommufd, hwpt, enable), "IOMMU_HWPT_SET_DIRTY_TRACKING of %u",
		    hwpt);
}

int __dirty_bitmap(int iommufd, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t length,
		   uint64_t page, void *bitmap)
{
	struct iommu_hwpt_get_dirty_bitmap args = {
		.size = sizeof(args),
		.hwpt_id = hwpt,
		.flags = flags,
		.iova = iova,
		.length = length,
		.page_size = page,
		.data = (uintptr_t)bitmap,
	};

	return ioctl(iommufd, IOMMU_HWPT_GET_DIRTY_BITMAP, &args) ? -errno : 0;
}

void dirty_bitmap(int iommufd, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t length,
		  uint64_t page, void *bitmap)
{
	cts_require(!__dirty_bitmap(iommufd, hwpt, flags, iova, length, page, bitmap),
		    "IOMMU_HWPT_GET_DIRTY_BITMAP at IOVA %#llx", (unsigned long long)iova);
}

int __invalidate(int iommufd, uint32_t object, uint32_t type, const void *entries, uint32_t length,
		 uint32_t *count)
{
	struct iommu_hwpt_invalidate args = {
		.size = sizeof(args),
		.hwpt_id = object,
		.data_uptr = (uintptr_t)entries,
		.data_type = type,
		.entry_len = length,
		.entry_num = *count,
	};
	int rc = ioctl(iommufd, IOMMU_HWPT_INVALIDATE, &args) ? -errno : 0;

	*count = args.entry_num;
	return rc;
}

static uint32_t passing_id(int iommufd)
{
	uint32_t id = iommufd_ioas_alloc(iommufd);

	iommufd_destroy(iommufd, id);
	return id;
}

uint32_t next_object_id(int iommufd)
{
	uint32_t id = passing_id(iommufd);

	return passing_id(iommufd) == id ? id : 0;
}
