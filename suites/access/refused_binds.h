/* SPDX-License-Identifier: GPL-2.0-only */
/* Binds that the kernel has to refuse, one for each stage that a bind goes through. */
#ifndef ACCESS_REFUSED_BINDS_H
#define ACCESS_REFUSED_BINDS_H

#include <errno.h>
#include <limits.h>

#include "memory.h"
#include "vfio.h"

static inline int bind_unreadable(int device, int iommufd)
{
	(void)iommufd;
	return __vfio_bind_raw(device, inaccessible_page());
}

static inline int bind_too_short(int device, int iommufd)
{
	struct vfio_device_bind_iommufd args = { .argsz = 8, .iommufd = iommufd };

	return __vfio_bind_raw(device, &args);
}

static inline int bind_unknown_flag(int device, int iommufd)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = iommufd };

	args.flags = 1U << 31;
	return __vfio_bind_raw(device, &args);
}

static inline int bind_negative_iommufd(int device, int iommufd)
{
	(void)iommufd;
	return __vfio_bind(device, -1, NULL);
}

static inline int bind_closed_iommufd(int device, int iommufd)
{
	(void)iommufd;
	return __vfio_bind(device, INT_MAX, NULL);
}

/* A vfio device file is no iommufd. */
static inline int bind_wrong_file(int device, int iommufd)
{
	(void)iommufd;
	return __vfio_bind(device, device, NULL);
}

/* The device gets bound, but its id can't be stored. */
static inline int bind_unwritable(int device, int iommufd)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = iommufd };

	return __vfio_bind_raw(device, read_only_page(&args, sizeof(args)));
}

static const struct refused_bind {
	const char *name;
	int (*bind)(int device, int iommufd);
	int error;
} refused_binds[] = {
	{ "unreadable argument", bind_unreadable, -EFAULT },
	{ "argsz too small", bind_too_short, -EINVAL },
	{ "unknown flag", bind_unknown_flag, -EINVAL },
	{ "negative iommufd", bind_negative_iommufd, -EINVAL },
	{ "iommufd not open", bind_closed_iommufd, -EBADF },
	{ "iommufd of another kind", bind_wrong_file, -EBADFD },
	{ "unwritable argument", bind_unwritable, -EFAULT },
};

#endif
