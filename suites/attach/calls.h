/* SPDX-License-Identifier: GPL-2.0-only */
/* Attach and detach as these tests ask for them. */
#ifndef ATTACH_CALLS_H
#define ATTACH_CALLS_H

#include <errno.h>
#include <linux/iommufd.h>
#include <sys/ioctl.h>

#include "iommufd.h"
#include "memory.h"
#include "vfio.h"

/* VFIO_DEVICE_ATTACH_IOMMUFD_PT to @pt_id; which HWPT that is does not matter. 0 or -errno. */
static inline int try_attach(int device, uint32_t pt_id)
{
	return __vfio_attach(device, &pt_id);
}

/* The two requests with an argument of the caller's making, which may be any address. */
static inline int attach_raw(int device, void *args)
{
	return ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, args) ? -errno : 0;
}

static inline int detach_raw(int device, void *args)
{
	return ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, args) ? -errno : 0;
}

/* Does VFIO_DEVICE_RESET reset the bound device? Some can only be reset with others. */
static inline bool can_reset(int device)
{
	struct vfio_device_info info;

	return !__vfio_info(device, &info) && info.flags & VFIO_DEVICE_FLAGS_RESET;
}

/* Attaches to @pt_id, but the answer can't be stored: the argument can only be read. */
static inline int attach_unwritable(int device, uint32_t pt_id)
{
	const struct vfio_device_attach_iommufd_pt args = { .argsz = sizeof(args), .pt_id = pt_id };

	return attach_raw(device, read_only_page(&args, sizeof(args)));
}

/*
 * Makes a fault queue, *@queue with the file *@fd, or skips the test where there are none.
 */
#ifdef IOMMU_FAULT_QUEUE_ALLOC
#define FAULT_QUEUE_OR_SKIP(iommufd, queue, fd)                               \
	do {                                                                  \
		int __rc = __iommufd_fault_queue_alloc(iommufd, queue, fd);   \
                                                                              \
		if (__rc == -ENOTTY)                                          \
			CTS_SKIP(KERNEL_LACKS, "no IOMMU_FAULT_QUEUE_ALLOC"); \
		ASSERT_EQ(0, __rc);                                           \
	} while (0)
#else
#define FAULT_QUEUE_OR_SKIP(iommufd, queue, fd) \
	CTS_SKIP(BUILT_WITHOUT, "no IOMMU_FAULT_QUEUE_ALLOC")
#endif

/*
 * Makes *@hwpt, a table of @ioas for the device that takes page requests: a driver refuses it for a
 * device that makes none. Its queue's file is *@fd. Skips the test where there is no such table.
 */
#define FAULT_TABLE_OR_SKIP(iommufd, device_id, ioas, hwpt, fd)                                \
	do {                                                                                   \
		uint32_t __queue = 0;                                                          \
		int __error;                                                                   \
                                                                                               \
		FAULT_QUEUE_OR_SKIP(iommufd, &__queue, fd);                                    \
		__error = __iommufd_hwpt_alloc_fault(iommufd, device_id, ioas, __queue, hwpt); \
		if (__error)                                                                   \
			CTS_SKIP(IOMMU_LACKS, "no table with a fault queue: %s",               \
				 strerror(-__error));                                          \
	} while (0)

#endif
