/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every call of /dev/iommu with an argument that the kernel understands and that names objects that
 * are not there: it needs no device, changes nothing, and its answer is known. Tests change one
 * thing about it at a time.
 */
#ifndef ABI_CALLS_H
#define ABI_CALLS_H

#include <errno.h>
#include <linux/iommufd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

/* An id that no object has. */
#define NOBODY 0x7ffffff0

union arguments {
	struct iommu_destroy destroy;
	struct iommu_ioas_alloc ioas_alloc;
	struct iommu_ioas_allow_iovas ioas_allow_iovas;
	struct iommu_ioas_copy ioas_copy;
	struct iommu_ioas_iova_ranges ioas_iova_ranges;
	struct iommu_ioas_map ioas_map;
	struct iommu_ioas_unmap ioas_unmap;
	struct iommu_option option;
	struct iommu_vfio_ioas vfio_ioas;
	struct iommu_hwpt_alloc hwpt_alloc;
	struct iommu_hw_info get_hw_info;
	struct iommu_hwpt_set_dirty_tracking hwpt_set_dirty_tracking;
	struct iommu_hwpt_get_dirty_bitmap hwpt_get_dirty_bitmap;
	struct iommu_hwpt_invalidate hwpt_invalidate;
#ifdef IOMMU_FAULT_QUEUE_ALLOC
	struct iommu_fault_alloc fault_queue_alloc;
#endif
#ifdef IOMMU_IOAS_MAP_FILE
	struct iommu_ioas_map_file ioas_map_file;
#endif
#ifdef IOMMU_VIOMMU_ALLOC
	struct iommu_viommu_alloc viommu_alloc;
#endif
#ifdef IOMMU_VDEVICE_ALLOC
	struct iommu_vdevice_alloc vdevice_alloc;
#endif
#ifdef IOMMU_IOAS_CHANGE_PROCESS
	struct iommu_ioas_change_process ioas_change_process;
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
	struct iommu_veventq_alloc veventq_alloc;
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
	struct iommu_hw_queue_alloc hw_queue_alloc;
#endif
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	struct iommu_ioas_noiommu_get_pa ioas_noiommu_get_pa;
#endif
	uint32_t size;
	uint8_t bytes[4096];
};

struct call {
	unsigned long request; /* 0: the headers lack it */
	size_t size;	       /* of its structure, bytes */
	size_t least;	       /* of the structure of its first release */
	union arguments valid; /* without the size */
	int answer;	       /* to that */
};

#define CALL(member, number, first, reply, ...)                        \
	static const struct call call_##member = {                     \
		.request = number,                                     \
		.size = sizeof(((union arguments *)0)->member),        \
		.least = offsetof(union arguments, member.first) +     \
			 sizeof(((union arguments *)0)->member.first), \
		.answer = reply,                                       \
		.valid = { .member = { __VA_ARGS__ } },                \
	}

/* One that the headers lack; its tests skip. */
#define CALL_LACKING(member) static const struct call call_##member = { .request = 0 }

CALL(destroy, IOMMU_DESTROY, id, -ENOENT, .id = NOBODY);
CALL(ioas_alloc, IOMMU_IOAS_ALLOC, out_ioas_id, 0, .flags = 0);
CALL(ioas_allow_iovas, IOMMU_IOAS_ALLOW_IOVAS, allowed_iovas, -ENOENT, .ioas_id = NOBODY);
CALL(ioas_copy, IOMMU_IOAS_COPY, src_iova, -ENOENT, .flags = IOMMU_IOAS_MAP_READABLE,
     .dst_ioas_id = NOBODY, .src_ioas_id = NOBODY, .length = 65536);
CALL(ioas_iova_ranges, IOMMU_IOAS_IOVA_RANGES, out_iova_alignment, -ENOENT, .ioas_id = NOBODY);
CALL(ioas_map, IOMMU_IOAS_MAP, iova, -ENOENT, .flags = IOMMU_IOAS_MAP_READABLE, .ioas_id = NOBODY,
     .length = 65536);
CALL(ioas_unmap, IOMMU_IOAS_UNMAP, length, -ENOENT, .ioas_id = NOBODY, .length = 65536);
CALL(option, IOMMU_OPTION, val64, -ENOENT, .option_id = IOMMU_OPTION_HUGE_PAGES,
     .op = IOMMU_OPTION_OP_GET, .object_id = NOBODY);
CALL(vfio_ioas, IOMMU_VFIO_IOAS, __reserved, -ENODEV, .op = IOMMU_VFIO_IOAS_GET);
CALL(hwpt_alloc, IOMMU_HWPT_ALLOC, __reserved, -ENOENT, .dev_id = NOBODY, .pt_id = NOBODY);
CALL(get_hw_info, IOMMU_GET_HW_INFO, __reserved, -ENOENT, .dev_id = NOBODY);
CALL(hwpt_set_dirty_tracking, IOMMU_HWPT_SET_DIRTY_TRACKING, __reserved, -ENOENT,
     .hwpt_id = NOBODY);
CALL(hwpt_get_dirty_bitmap, IOMMU_HWPT_GET_DIRTY_BITMAP, data, -ENOENT, .hwpt_id = NOBODY,
     .length = 65536, .page_size = 65536);
CALL(hwpt_invalidate, IOMMU_HWPT_INVALIDATE, __reserved, -ENOENT, .hwpt_id = NOBODY);
#ifdef IOMMU_FAULT_QUEUE_ALLOC
CALL(fault_queue_alloc, IOMMU_FAULT_QUEUE_ALLOC, out_fault_fd, 0, .flags = 0);
#else
CALL_LACKING(fault_queue_alloc);
#endif
#ifdef IOMMU_IOAS_MAP_FILE
CALL(ioas_map_file, IOMMU_IOAS_MAP_FILE, iova, -ENOENT, .flags = IOMMU_IOAS_MAP_READABLE,
     .ioas_id = NOBODY, .fd = -1, .length = 65536);
#else
CALL_LACKING(ioas_map_file);
#endif
/* What came with data of a vIOMMU is no part of the first release of the call. */
#ifdef IOMMU_VIOMMU_ALLOC
CALL(viommu_alloc, IOMMU_VIOMMU_ALLOC, out_viommu_id, -ENOENT, .type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
     .dev_id = NOBODY, .hwpt_id = NOBODY);
#else
CALL_LACKING(viommu_alloc);
#endif
#ifdef IOMMU_VDEVICE_ALLOC
CALL(vdevice_alloc, IOMMU_VDEVICE_ALLOC, virt_id, -ENOENT, .viommu_id = NOBODY, .dev_id = NOBODY,
     .virt_id = 1);
#else
CALL_LACKING(vdevice_alloc);
#endif
#ifdef IOMMU_IOAS_CHANGE_PROCESS
CALL(ioas_change_process, IOMMU_IOAS_CHANGE_PROCESS, __reserved, 0, .__reserved = 0);
#else
CALL_LACKING(ioas_change_process);
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
CALL(veventq_alloc, IOMMU_VEVENTQ_ALLOC, out_veventq_fd, -ENOENT, .viommu_id = NOBODY,
     .type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, .veventq_depth = 1);
#else
CALL_LACKING(veventq_alloc);
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
CALL(hw_queue_alloc, IOMMU_HW_QUEUE_ALLOC, length, -ENOENT, .viommu_id = NOBODY,
     .type = IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV, .length = 65536);
#else
CALL_LACKING(hw_queue_alloc);
#endif
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
CALL(ioas_noiommu_get_pa, IOMMU_IOAS_NOIOMMU_GET_PA, out_phys, -ENOENT, .ioas_id = NOBODY,
     .length = 65536);
#else
CALL_LACKING(ioas_noiommu_get_pa);
#endif

/* The call with what is at @argument. 0 or -errno. */
static inline int call_at(int iommufd, const struct call *call, void *argument)
{
	return ioctl(iommufd, call->request, argument) ? -errno : 0;
}

/* The call with the argument that the kernel understands, and @size in its size field. */
static inline int call_with_size(int iommufd, const struct call *call, uint32_t size)
{
	union arguments arguments = call->valid;

	arguments.size = size;
	return call_at(iommufd, call, &arguments);
}

/* In a setup: *@answer is what the kernel answers to the argument as it stands in the header. */
#define CALL_ANSWER_OR_SKIP(iommufd, call, answer)                                 \
	do {                                                                       \
		if (!(call)->request)                                              \
			CTS_SKIP(BUILT_WITHOUT, "the call");                       \
		*(answer) = call_with_size(iommufd, call, (uint32_t)(call)->size); \
		if (*(answer) == -ENOTTY)                                          \
			CTS_SKIP(KERNEL_LACKS, "the call");                        \
	} while (0)

#endif
