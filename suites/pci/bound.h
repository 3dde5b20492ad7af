/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What most tests of a PCI function start from: its file, bound and attached to nothing. No driver
 * of the suite's has touched the device: it is as the bind left it.
 */
#ifndef PCI_BOUND_H
#define PCI_BOUND_H

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "function.h"
#include "iommufd.h"
#include "memory.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

struct bound {
	int iommufd;
	int device;
	uint32_t device_id;
	uint32_t ioas; /* that it is attached to; 0: none was made yet */
	struct function function;
};

/* In a setup, after CTS_CHECK_NEEDS(). */
#define BOUND_OPEN_OR_SKIP(bound)               \
	do {                                    \
		struct vfio_layout __layout;    \
                                                \
		VFIO_SURVEY_OR_SKIP(&__layout); \
		bound_open(bound);              \
	} while (0)

/* Opens and binds the device, to the iommufd that is there if there is one. */
static inline void bound_open(struct bound *bound)
{
	if (!bound->iommufd)
		bound->iommufd = iommufd_open();
	bound->device = vfio_open();
	bound->device_id = vfio_bind(bound->device, bound->iommufd);
	function_init(&bound->function, bound->device);
}

/* Attaches the device to an IOAS in which nothing is mapped, the same each time. */
static inline void bound_attach(struct bound *bound)
{
	if (!bound->ioas)
		bound->ioas = iommufd_ioas_alloc(bound->iommufd);
	vfio_attach(bound->device, bound->ioas);
}

/*
 * In a setup, the same for a device that is to have interrupts: where those go through the table
 * (IOMMU_RESV_SW_MSI), one that is attached to nothing can't be given any.
 */
#define BOUND_ATTACHED_OR_SKIP(bound)      \
	do {                               \
		BOUND_OPEN_OR_SKIP(bound); \
		bound_attach(bound);       \
	} while (0)

/* Closes the device and lets go of its BARs: the bind has ended. */
static inline void bound_close_device(struct bound *bound)
{
	function_exit(&bound->function);
	cts_close(&bound->device);
}

/* What was never opened, all zeroes, is fine. */
static inline void bound_close(struct bound *bound)
{
	if (!bound->iommufd)
		return;
	bound_close_device(bound);
	cts_close(&bound->iommufd);
}

/* A request with an argument of the caller's making, which may be any address. 0 or -errno. */
static inline int ask(int device, unsigned long request, const void *args)
{
	return ioctl(device, request, args) ? -errno : 0;
}

/*
 * Asks with ever more of the @size bytes at @args readable, but never all. Returns the first of the
 * answers that isn't EFAULT, or -EFAULT.
 */
static inline int ask_unreadable(int device, unsigned long request, const void *args, size_t size)
{
	char *edge = inaccessible_page();
	size_t readable;
	int rc;

	for (readable = 0; readable < size; readable++) {
		memcpy(edge - readable, args, readable);
		rc = ask(device, request, edge - readable);
		if (rc != -EFAULT)
			return rc;
	}
	return ask(device, request, NULL);
}

/* Asks with each argsz, the first word of the @size bytes at @args, below @size; likewise -EINVAL. */
static inline int ask_too_small(int device, unsigned long request, void *args, uint32_t size)
{
	uint32_t *argsz = args;
	int rc;

	for (*argsz = 0; *argsz < size; (*argsz)++) {
		rc = ask(device, request, args);
		if (rc != -EINVAL)
			return rc;
	}
	return -EINVAL;
}

/* Bytes of a region, by the file. What pread() and pwrite() return, or -errno. */
static inline ssize_t region_read(const struct function *function, uint32_t index, uint64_t offset,
				  void *bytes, size_t size)
{
	ssize_t n =
		pread(function->fd, bytes, size, (off_t)(function->region[index].offset + offset));

	return n < 0 ? -errno : n;
}

static inline ssize_t region_write(const struct function *function, uint32_t index, uint64_t offset,
				   const void *bytes, size_t size)
{
	ssize_t n =
		pwrite(function->fd, bytes, size, (off_t)(function->region[index].offset + offset));

	return n < 0 ? -errno : n;
}

#endif
