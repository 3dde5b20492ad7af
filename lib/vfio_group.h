/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The older way to a device, through its IOMMU group's node /dev/vfio/N (include/uapi/linux/vfio.h):
 * what the character device has to keep out of the way of, and the other way round.
 */
#ifndef CTS_VFIO_GROUP_H
#define CTS_VFIO_GROUP_H

#include <stdbool.h>
#include <stdint.h>

/* Opens the group's node: a descriptor or -errno. */
int __vfio_group_open(void);
int vfio_group_open(void);

/* The same of the group that the function @bdf is in. */
int vfio_group_open_of(const char *bdf);

/*
 * Opens the node of another group that is free, for a test of several groups
 * (__sysfs_other_group()): a descriptor, or -ENODEV if there is none.
 */
int __vfio_group_open_other(void);

/* VFIO_GROUP_SET_CONTAINER to the descriptor @container, an iommufd or a vfio container; and back. */
int __vfio_group_set_container(int group, int container);
void vfio_group_set_container(int group, int container);
int __vfio_group_unset_container(int group);

/* VFIO_GROUP_GET_STATUS: *@flags become its flags, VFIO_GROUP_FLAGS_*. */
int __vfio_group_status(int group, uint32_t *flags);

/* The same: does nobody own the DMA of @group? */
bool vfio_group_is_viable(int group);

/* Can the group be opened, and does nobody own its DMA? False if there is no group node. */
bool vfio_group_is_free(void);

/* VFIO_GROUP_GET_DEVICE_FD of the device called @name: a device file, or -errno. */
int __vfio_group_device_fd(int group, const char *name);

/* The same of the device in CTS_DEVICE. */
int vfio_group_device_fd(int group);

/*
 * VFIO_GROUP_SET_CONTAINER to @iommufd and VFIO_GROUP_GET_DEVICE_FD: a device file opened the older
 * way. The kernel makes an IOAS in the iommufd and attaches the device to it.
 */
int vfio_group_device(int group, int iommufd);

#endif
