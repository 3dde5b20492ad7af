// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "gates.h"

/* A read of no bytes passes the gate like any other and asks nothing of what lies behind. */
static int probe_read(int device, const struct vfio_layout *layout)
{
	char byte;

	return pread(device, &byte, 0, (off_t)vfio_config_offset(layout)) < 0 ? -errno : 0;
}

static int use_read(int device, const struct vfio_layout *layout)
{
	uint32_t ids = 0;
	ssize_t n = pread(device, &ids, sizeof(ids), (off_t)vfio_config_offset(layout));

	if (n < 0)
		return -errno;
	return n == sizeof(ids) && ids == layout->ids ? 0 : -EBADMSG;
}

static int probe_write(int device, const struct vfio_layout *layout)
{
	return pwrite(device, "", 0, (off_t)vfio_config_offset(layout)) < 0 ? -errno : 0;
}

/* The ids are read-only; they are written with what they are. */
static int use_write(int device, const struct vfio_layout *layout)
{
	ssize_t n = pwrite(device, &layout->ids, sizeof(layout->ids),
			   (off_t)vfio_config_offset(layout));

	if (n < 0)
		return -errno;
	return n == sizeof(layout->ids) ? 0 : -EBADMSG;
}

/* Nothing touches the mapping: a register may change by being read. */
static int probe_mmap(int device, const struct vfio_layout *layout)
{
	const struct vfio_region_info *region = vfio_mappable_region(layout);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	cts_require(region, "the device has no region that can be mapped");
	memory = mmap(NULL, page, PROT_READ, MAP_SHARED, device, (off_t)region->offset);
	if (memory == MAP_FAILED)
		return -errno;
	cts_require(!munmap(memory, page), "munmap");
	return 0;
}

static int probe_ioctl(int device, const struct vfio_layout *layout)
{
	struct vfio_device_info info;

	(void)layout;
	return __vfio_info(device, &info);
}

static int use_ioctl(int device, const struct vfio_layout *layout)
{
	struct vfio_device_info info;
	int rc = __vfio_info(device, &info);

	(void)layout;
	if (rc)
		return rc;
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions < VFIO_PCI_NUM_REGIONS)
		return -EBADMSG;
	return 0;
}

const struct gate gate_read = { .probe = probe_read, .use = use_read };
const struct gate gate_write = { .probe = probe_write, .use = use_write };
const struct gate gate_mmap = { .probe = probe_mmap, .use = probe_mmap };
const struct gate gate_ioctl = { .probe = probe_ioctl, .use = use_ioctl };
