/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PCI_IOEVENTFD_H
#define PCI_IOEVENTFD_H

#include "bound.h"

/* VFIO_DEVICE_IOEVENTFD of @flags and @data at the @offset of region @index. */
static inline int ioeventfd(const struct function *function, uint32_t flags, uint32_t index,
			    uint64_t offset, uint64_t data, int fd)
{
	struct vfio_device_ioeventfd args = {
		.argsz = sizeof(args),
		.flags = flags,
		.offset = function->region[index].offset + offset,
		.data = data,
		.fd = fd,
	};

	return ask(function->fd, VFIO_DEVICE_IOEVENTFD, &args);
}

#endif
