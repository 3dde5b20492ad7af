// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "function.h"
#include "memory.h"
#include "sysfs.h"
#include "vfio.h"

void function_init(struct function *function, int fd)
{
	*function = (struct function){ .fd = fd };
	vfio_regions(fd, function->region);
}

/* A BAR of less than a page is mapped as a whole page: vfio allows it where nothing shares it. */
static size_t bar_length(const struct function *function, unsigned int bar)
{
	size_t page = page_size();

	return (function->region[bar].size + page - 1) & ~(page - 1);
}

void function_exit(struct function *function)
{
	unsigned int bar;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		if (function->bar[bar])
			munmap((void *)function->bar[bar], bar_length(function, bar));
		function->bar[bar] = NULL;
	}
}

volatile void *function_map_bar(struct function *function, unsigned int bar)
{
	const struct vfio_region_info *region = &function->region[bar];
	void *memory;

	if (function->bar[bar])
		return function->bar[bar];
	if (!region->size || !(region->flags & VFIO_REGION_INFO_FLAG_MMAP))
		cts_lab_error("BAR %u of %s can't be mapped: %s", bar, sysfs_device(),
			      region->size ? "vfio doesn't offer it" : "there is none");
	memory = mmap(NULL, bar_length(function, bar), PROT_READ | PROT_WRITE, MAP_SHARED,
		      function->fd, (off_t)region->offset);
	cts_require(memory != MAP_FAILED, "mmap of BAR %u", bar);
	function->bar[bar] = memory;
	return memory;
}

static off_t config_offset(const struct function *function, uint32_t offset)
{
	return (off_t)(function->region[VFIO_PCI_CONFIG_REGION_INDEX].offset + offset);
}

uint32_t function_config_read(const struct function *function, uint32_t offset, size_t size)
{
	uint32_t value = 0;

	cts_require(pread(function->fd, &value, size, config_offset(function, offset)) ==
			    (ssize_t)size,
		    "read of %zu bytes at %#x of configuration space", size, offset);
	return le32toh(value);
}

void function_config_write(const struct function *function, uint32_t offset, size_t size,
			   uint32_t value)
{
	uint32_t bytes = htole32(value);

	cts_require(pwrite(function->fd, &bytes, size, config_offset(function, offset)) ==
			    (ssize_t)size,
		    "write of %zu bytes at %#x of configuration space", size, offset);
}

uint32_t function_capability(const struct function *function, uint8_t id)
{
	uint32_t offset, i;

	if (!(function_config_read(function, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	offset = function_config_read(function, PCI_CAPABILITY_LIST, 1) & ~3U;
	/* A broken list may be a circle: no more capabilities than fit the 256 bytes. */
	for (i = 0; offset && i < 48; i++) {
		if (function_config_read(function, offset + PCI_CAP_LIST_ID, 1) == id)
			return offset;
		offset = function_config_read(function, offset + PCI_CAP_LIST_NEXT, 1) & ~3U;
	}
	return 0;
}

void function_set_master(const struct function *function, bool on)
{
	uint32_t command = function_config_read(function, PCI_COMMAND, 2);

	command |= PCI_COMMAND_MEMORY;
	command &= ~(uint32_t)PCI_COMMAND_MASTER;
	if (on)
		command |= PCI_COMMAND_MASTER;
	function_config_write(function, PCI_COMMAND, 2, command);
}

int __function_reset(const struct function *function)
{
	return ioctl(function->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

void function_reset(const struct function *function)
{
	cts_require(!__function_reset(function), "VFIO_DEVICE_RESET");
}

uint32_t function_irq_count(const struct function *function, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	cts_require(!ioctl(function->fd, VFIO_DEVICE_GET_IRQ_INFO, &info),
		    "VFIO_DEVICE_GET_IRQ_INFO of %u", index);
	return info.count;
}

/* VFIO_DEVICE_SET_IRQS with @count eventfds; none: all vectors of @index off. */
static int set_irqs(const struct function *function, uint32_t index, uint32_t first, uint32_t count,
		    const int *eventfds)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(*eventfds);
	struct vfio_irq_set *set = calloc(1, size);
	int rc;

	cts_lab_require(set, "memory for %u interrupts", count);
	set->argsz = (uint32_t)size;
	set->index = index;
	set->start = first;
	set->count = count;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER;
	set->flags |= count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE;
	if (count)
		memcpy(set->data, eventfds, count * sizeof(*eventfds));
	rc = ioctl(function->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return rc;
}

void function_irq_signal(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, const int *eventfds)
{
	cts_require(!set_irqs(function, index, first, count, eventfds),
		    "VFIO_DEVICE_SET_IRQS of %u vectors from %u of %u", count, first, index);
}

void function_irq_enable(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, int *eventfds)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		eventfds[i] = eventfd(0, EFD_CLOEXEC);
		cts_lab_require(eventfds[i] >= 0, "eventfd");
	}
	function_irq_signal(function, index, first, count, eventfds);
}

void function_irq_disable(const struct function *function, uint32_t index)
{
	cts_require(!set_irqs(function, index, 0, 0, NULL), "VFIO_DEVICE_SET_IRQS of %u, off",
		    index);
}
