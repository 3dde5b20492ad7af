/* SPDX-License-Identifier: GPL-2.0-only */
/* Attach and detach as these tests ask for them. */
#ifndef ATTACH_CALLS_H
#define ATTACH_CALLS_H

#include <errno.h>
#include <sys/ioctl.h>

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

#endif
