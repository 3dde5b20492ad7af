// SPDX-License-Identifier: GPL-2.0-only
/* Instead of function.c and sysfs.c: a device that is only as much as its driver has to see. */
#include <string.h>
#include <sys/eventfd.h>

#include "fake_function.h"
#include "sysfs.h"
#include "unit.h"

struct fake fake;

void function_init(struct function *function, int fd)
{
	*function = (struct function){ .fd = fd };
	function->region[0].size = sizeof(fake.bar);
	function->region[0].flags = VFIO_REGION_INFO_FLAG_MMAP;
}

void function_exit(struct function *function)
{
	(void)function;
}

volatile void *function_map_bar(struct function *function, unsigned int bar)
{
	CHECK(bar == 0);
	function->bar[0] = fake.bar;
	return fake.bar;
}

uint32_t function_config_read(const struct function *function, uint32_t offset, size_t size)
{
	uint32_t value = 0;

	(void)function;
	CHECK(offset + size <= sizeof(fake.config));
	memcpy(&value, fake.config + offset, size);
	return value;
}

void function_config_write(const struct function *function, uint32_t offset, size_t size,
			   uint32_t value)
{
	(void)function;
	CHECK(offset + size <= sizeof(fake.config));
	memcpy(fake.config + offset, &value, size);
}

void function_set_master(const struct function *function, bool on)
{
	(void)function;
	fake.master = on;
}

int __function_reset(const struct function *function)
{
	(void)function;
	return ++fake.resets > fake.busy ? 0 : -EAGAIN;
}

void function_reset(const struct function *function)
{
	CHECK(!__function_reset(function));
}

uint32_t function_irq_count(const struct function *function, uint32_t index)
{
	(void)function;
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? 3 : 0;
}

void function_irq_signal(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, const int *eventfds)
{
	(void)function;
	CHECK(index == VFIO_PCI_MSIX_IRQ_INDEX && first == 0 && count == 1);
	fake.eventfd = eventfds[0];
}

void function_irq_enable(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, int *eventfds)
{
	eventfds[0] = eventfd(0, 0);
	CHECK(eventfds[0] >= 0);
	function_irq_signal(function, index, first, count, eventfds);
}

void function_irq_disable(const struct function *function, uint32_t index)
{
	(void)function;
	CHECK(index == VFIO_PCI_MSIX_IRQ_INDEX);
	fake.eventfd = -1;
}

const char *sysfs_device(void)
{
	return "0000:01:00.0";
}

bool sysfs_device_exists(void)
{
	return true;
}

bool sysfs_is_mediated(const char *device)
{
	(void)device;
	return false;
}

uint32_t sysfs_number(const char *name)
{
	if (!strcmp(name, "vendor"))
		return 0x8086;
	return strcmp(name, "device") ? 0x020000 : 0x10c9;
}

void sysfs_config(void *buffer, size_t size)
{
	memset(buffer, 0, size);
}
