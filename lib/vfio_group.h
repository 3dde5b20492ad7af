/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The older way to a device, through its IOMMU group's node /dev/vfio/N (include/uapi/linux/vfio.h):
 * what the character device has to keep out of the way of, and the other way round.
 */
#ifndef CTS_VFIO_GROUP_H
#define CTS_VFIO_GROUP_H

#include <stdbool.h>

/* Opens the group's node: a descriptor or -errno. */
int __vfio_group_open(void);
int vfio_group_open(void);

/* VFIO_GROUP_GET_STATUS: does nobody own the DMA of @group? */
bool vfio_group_is_viable(int group);

/* Can the group be opened, and does nobody own its DMA? False if there is no group node. */
bool vfio_group_is_free(void);

/*
 * VFIO_GROUP_SET_CONTAINER to @iommufd and VFIO_GROUP_GET_DEVICE_FD: a device file opened the older
 * way. The kernel makes an IOAS in the iommufd and attaches the device to it.
 */
int vfio_group_device(int group, int iommufd);

#endif
