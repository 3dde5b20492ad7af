/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware page tables of /dev/iommu (HWPT) and what is done with them: allocation with everything
 * that it takes, hardware information, dirty tracking, invalidation (include/uapi/linux/iommufd.h).
 *
 * A call with `__` returns 0 or -errno; its twin ends the test when it fails. Where one takes the
 * uAPI structure, it is the caller's to fill but for a size of 0, which becomes the structure's.
 */
#ifndef CTS_HWPT_H
#define CTS_HWPT_H

#include <linux/iommufd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What older headers lack of enum iommufd_hwpt_alloc_flags, iommufd_hw_info_flags and others. */
enum {
	HWPT_ALLOC_PASID = 1 << 3,
	HW_INFO_INPUT_TYPE = 1 << 0,
	HW_CAP_PASID_EXEC = 1 << 1,
	HW_CAP_PASID_PRIV = 1 << 2,
	HW_CAP_ATS_NOT_SUPPORTED = 1 << 3,
	HW_INFO_ARM_SMMUV3 = 2,
	HW_INFO_AMD = 4,
};

/* struct iommu_hw_info_arm_smmuv3, which older headers lack too. */
struct smmuv3_info {
	uint32_t flags;
	uint32_t reserved;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};

/* IOMMU_HWPT_ALLOC */
int __hwpt_alloc(int iommufd, struct iommu_hwpt_alloc *args);

/* IOMMU_HWPT_ALLOC on the IOAS or HWPT @pt with the flags @flags (IOMMU_HWPT_ALLOC_*): the id. */
uint32_t hwpt_alloc(int iommufd, uint32_t device, uint32_t pt, uint32_t flags);

/* The same with @length bytes of data of the type @type (enum iommu_hwpt_data_type) at @data. */
int __hwpt_alloc_data(int iommufd, uint32_t device, uint32_t pt, uint32_t flags, uint32_t type,
		      const void *data, uint32_t length, uint32_t *hwpt);

/* IOMMU_GET_HW_INFO. data_len goes both ways: a call becomes another if it is left as it came. */
int __hw_info(int iommufd, struct iommu_hw_info *args);

/* The same without a buffer, of the bound device @device: type, capabilities and so on. */
struct iommu_hw_info hw_info(int iommufd, uint32_t device);

/*
 * Is the kernel of those that tell HW_CAP_ATS_NOT_SUPPORTED? A clear bit alone doesn't say; a call
 * that is younger than it does.
 */
bool hw_info_tells_ats(int iommufd);

/* IOMMU_HWPT_SET_DIRTY_TRACKING */
int __dirty_tracking(int iommufd, uint32_t hwpt, bool enable);
void dirty_tracking(int iommufd, uint32_t hwpt, bool enable);

/*
 * IOMMU_HWPT_GET_DIRTY_BITMAP with the flags @flags (IOMMU_HWPT_GET_DIRTY_BITMAP_*): one bit of
 * @bitmap for each @page bytes of [@iova, @iova + @length).
 */
int __dirty_bitmap(int iommufd, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t length,
		   uint64_t page, void *bitmap);
void dirty_bitmap(int iommufd, uint32_t hwpt, uint32_t flags, uint64_t iova, uint64_t length,
		  uint64_t page, void *bitmap);

/*
 * IOMMU_HWPT_INVALIDATE of the nested HWPT or vIOMMU @object with *@count entries of @length bytes
 * at @entries; *@count becomes how many were handled.
 */
int __invalidate(int iommufd, uint32_t object, uint32_t type, const void *entries, uint32_t length,
		 uint32_t *count);

/*
 * The id that the next new object will have, found by making one; 0 where the kernel does not hand
 * out the id of a destroyed object again. An object that was forgotten, or just its id, moves it.
 */
uint32_t next_object_id(int iommufd);

#endif
