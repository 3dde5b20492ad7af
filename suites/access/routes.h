/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways to the gates beside the plain system calls: io_uring, whose requests find the file's methods
 * by code of its own, and the ioctl of a 32-bit process, which is a method of its own. As gates
 * they have the same two functions (lib/gates.h).
 */
#ifndef ACCESS_ROUTES_H
#define ACCESS_ROUTES_H

#include <errno.h>
#include <string.h>

#include "compat.h"
#include "gates.h"
#include "ring.h"

/* The calling thread's own ring, made when it is first used. */
static inline struct uring *own_ring(void)
{
	static __thread struct uring ring;
	static __thread bool made;

	if (!made)
		cts_require(!__uring_setup(&ring, 0), "io_uring_setup");
	made = true;
	return &ring;
}

static inline int uring_transfer(int device, unsigned int opcode, const void *memory, size_t length,
				 uint64_t offset)
{
	const struct io_uring_sqe sqe = {
		.opcode = (__u8)opcode,
		.fd = device,
		.addr = (uintptr_t)memory,
		.len = (__u32)length,
		.off = offset,
	};

	return uring_run(own_ring(), &sqe);
}

static inline int use_uring_read(int device, const struct vfio_layout *layout)
{
	uint32_t ids = 0;
	int n = uring_transfer(device, IORING_OP_READ, &ids, sizeof(ids),
			       vfio_config_offset(layout));

	if (n < 0)
		return n;
	return n == sizeof(ids) && ids == layout->ids ? 0 : -EBADMSG;
}

static inline int use_uring_write(int device, const struct vfio_layout *layout)
{
	int n = uring_transfer(device, IORING_OP_WRITE, &layout->ids, sizeof(layout->ids),
			       vfio_config_offset(layout));

	if (n < 0)
		return n;
	return n == sizeof(layout->ids) ? 0 : -EBADMSG;
}

/*
 * io_uring asks no file for no bytes. So the plain call asks first, and only where that finds the
 * gate shut the ring is tried.
 */
static inline int probe_uring_read(int device, const struct vfio_layout *layout)
{
	int rc = gate_read.probe(device, layout);

	return rc == -EINVAL ? use_uring_read(device, layout) : rc;
}

static inline int probe_uring_write(int device, const struct vfio_layout *layout)
{
	int rc = gate_write.probe(device, layout);

	return rc == -EINVAL ? use_uring_write(device, layout) : rc;
}

/* VFIO_DEVICE_GET_INFO, with the argument in the thread's own page below 4 GiB. */
static inline int compat_info(int device, struct vfio_device_info **info)
{
	static __thread struct vfio_device_info *own;

	if (!own)
		own = (void *)compat_guarded_page();
	memset(own, 0, sizeof(*own));
	own->argsz = sizeof(*own);
	*info = own;
	return __compat_ioctl(device, VFIO_DEVICE_GET_INFO, own);
}

static inline int probe_compat_ioctl(int device, const struct vfio_layout *layout)
{
	struct vfio_device_info *info;

	(void)layout;
	return compat_info(device, &info);
}

static inline int use_compat_ioctl(int device, const struct vfio_layout *layout)
{
	struct vfio_device_info *info;
	int rc = compat_info(device, &info);

	(void)layout;
	if (rc)
		return rc;
	if (!(info->flags & VFIO_DEVICE_FLAGS_PCI) || info->num_regions < VFIO_PCI_NUM_REGIONS)
		return -EBADMSG;
	return 0;
}

static const struct gate route_uring_read = { .probe = probe_uring_read, .use = use_uring_read };
static const struct gate route_uring_write = { .probe = probe_uring_write, .use = use_uring_write };
static const struct gate route_compat_ioctl = { .probe = probe_compat_ioctl,
						.use = use_compat_ioctl };

/* Skips the test where the kernel doesn't have the route @gate. */
#define ROUTE_OR_SKIP(gate)                                                      \
	do {                                                                     \
		if ((gate) == &route_uring_read || (gate) == &route_uring_write) \
			URING_OR_SKIP(&(struct uring){ 0 }, 0);                  \
		if ((gate) == &route_compat_ioctl)                               \
			COMPAT_OR_SKIP();                                        \
	} while (0)

#endif
