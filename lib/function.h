/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function behind a vfio device file that is bound: its configuration space, BARs and
 * interrupts, as a driver in user space sees them (include/uapi/linux/vfio.h). What works on a
 * bound file only ends the test when it fails; a call with `__` returns 0 or -errno.
 */
#ifndef CTS_FUNCTION_H
#define CTS_FUNCTION_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUNCTION_BARS 6

struct function {
	int fd; /* the device file; stays the caller's */
	struct vfio_region_info region[VFIO_PCI_NUM_REGIONS];
	volatile void *bar[FUNCTION_BARS]; /* NULL until function_map_bar() */
};

/* Asks vfio for the regions of the bound file @fd. */
void function_init(struct function *function, int fd);

/* Unmaps what was mapped. The file stays open. */
void function_exit(struct function *function);

/* Maps all of BAR @bar, readable and writable; mapped already is fine. Returns where. */
volatile void *function_map_bar(struct function *function, unsigned int bar);

/* Configuration space, @size bytes (1, 2 or 4) at @offset; values in the processor's byte order. */
uint32_t function_config_read(const struct function *function, uint32_t offset, size_t size);
void function_config_write(const struct function *function, uint32_t offset, size_t size,
			   uint32_t value);

/* The offset of capability @id (PCI_CAP_ID_*) in configuration space, 0 without it. */
uint32_t function_capability(const struct function *function, uint8_t id);

/* Switches memory decoding on and bus mastering on or off (PCI_COMMAND). */
void function_set_master(const struct function *function, bool on);

/* VFIO_DEVICE_RESET. vfio-pci answers -EINVAL where the function can't be reset by itself. */
int __function_reset(const struct function *function);
void function_reset(const struct function *function);

/* VFIO_DEVICE_GET_IRQ_INFO: how many vectors interrupt @index (VFIO_PCI_*_IRQ_INDEX) has; 0: none. */
uint32_t function_irq_count(const struct function *function, uint32_t index);

/*
 * VFIO_DEVICE_SET_IRQS: makes @count vectors of interrupt @index from @first on signal new
 * eventfds, which go to @eventfds; the caller closes them after function_irq_disable().
 */
void function_irq_enable(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, int *eventfds);

/* The same with eventfds that are there: after a reset, which takes them from the vectors. */
void function_irq_signal(const struct function *function, uint32_t index, uint32_t first,
			 uint32_t count, const int *eventfds);

/* Takes the eventfds from all vectors of interrupt @index, which must have some. */
void function_irq_disable(const struct function *function, uint32_t index);

#endif
