/* SPDX-License-Identifier: GPL-2.0-only */
/* Binds that the kernel has to refuse, one for each stage that a bind goes through. */
#ifndef ACCESS_REFUSED_BINDS_H
#define ACCESS_REFUSED_BINDS_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "check.h"
#include "memory.h"
#include "sysfs.h"
#include "vfio.h"
#include "vfio_group.h"

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

#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
static inline int bind_unreadable_token(int device, int iommufd)
{
	struct vfio_device_bind_iommufd args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_BIND_FLAG_TOKEN,
		.iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)inaccessible_page(),
	};

	return __vfio_bind_raw(device, &args);
}
#endif

/* While somebody has the group's node open. What that was refused with, if it was. */
static inline int bind_beside_group(int device, int iommufd)
{
	int group = __vfio_group_open();
	int rc;

	if (group < 0)
		return group;
	rc = __vfio_bind(device, iommufd, NULL);
	cts_close(&group);
	return rc;
}

static inline bool has_group_node(void)
{
	char path[SYSFS_PATH];

	return !__sysfs_group_path(path);
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
	int older_error;	/* of kernels without bind tokens, where it differs */
	bool (*possible)(void); /* NULL: everywhere */
} refused_binds[] = {
	{ .name = "unreadable argument", .bind = bind_unreadable, .error = -EFAULT },
	{ .name = "argsz too small", .bind = bind_too_short, .error = -EINVAL },
	{ .name = "unknown flag", .bind = bind_unknown_flag, .error = -EINVAL },
	{ .name = "negative iommufd", .bind = bind_negative_iommufd, .error = -EINVAL },
	{ .name = "group open",
	  .bind = bind_beside_group,
	  .error = -EBUSY,
	  .possible = has_group_node },
#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
	{ .name = "unreadable token",
	  .bind = bind_unreadable_token,
	  .error = -EFAULT,
	  .older_error = -EINVAL },
#endif
	{ .name = "iommufd not open", .bind = bind_closed_iommufd, .error = -EBADF },
	{ .name = "iommufd of another kind", .bind = bind_wrong_file, .error = -EBADFD },
	{ .name = "unwritable argument", .bind = bind_unwritable, .error = -EFAULT },
};

/* Tries @refused: true if it ended as it has to. */
static inline bool is_refused(const struct refused_bind *refused, int device, int iommufd)
{
	int result;

	if (refused->possible && !refused->possible())
		return true;
	result = refused->bind(device, iommufd);
	return result == refused->error || (result && result == refused->older_error);
}

#endif
