/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A BAR to look at. Which registers a device has nobody here knows, so that its first four bytes
 * stand for all of it: hardly a device has a register there that changes by being read.
 */
#ifndef PCI_BAR_H
#define PCI_BAR_H

#include <linux/pci_regs.h>
#include <setjmp.h>
#include <signal.h>

#include "bound.h"

/* In a setup: the first memory BAR that can be mapped, *@bar; skips the test without one. */
#define BAR_OR_SKIP(function, bar)                                                         \
	do {                                                                               \
		for (*(bar) = 0; *(bar) < FUNCTION_BARS; (*(bar))++)                       \
			if ((function)->region[*(bar)].flags & VFIO_REGION_INFO_FLAG_MMAP) \
				break;                                                     \
		if (*(bar) == FUNCTION_BARS)                                               \
			CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");   \
	} while (0)

/* Reads the first four bytes of BAR @bar by the file: 0, or -errno. */
static inline int bar_read(const struct function *function, uint32_t bar, uint32_t *value)
{
	ssize_t n = region_read(function, bar, 0, value, sizeof(*value));

	return n == sizeof(*value) ? 0 : n < 0 ? (int)n : -EMSGSIZE;
}

static inline int bar_write(const struct function *function, uint32_t bar, uint32_t value)
{
	ssize_t n = region_write(function, bar, 0, &value, sizeof(value));

	return n == sizeof(value) ? 0 : n < 0 ? (int)n : -EMSGSIZE;
}

/* Memory decoding on or off, the rest of the command register as it is. */
static inline void set_decoding(const struct function *function, bool on)
{
	uint32_t command = function_config_read(function, PCI_COMMAND, 2);

	command &= ~(uint32_t)PCI_COMMAND_MEMORY;
	if (on)
		command |= PCI_COMMAND_MEMORY;
	function_config_write(function, PCI_COMMAND, 2, command);
}

/* The power state of a device with the capability at @pm: 0 for D0, 3 for D3hot. */
static inline void set_power(const struct function *function, uint32_t pm, uint32_t state)
{
	uint32_t control = function_config_read(function, pm + PCI_PM_CTRL, 2);

	control &= ~(uint32_t)PCI_PM_CTRL_STATE_MASK;
	function_config_write(function, pm + PCI_PM_CTRL, 2, control | state);
}

static sigjmp_buf bar_refused;

static inline void bar_sigbus(int signal)
{
	siglongjmp(bar_refused, signal);
}

/* Reads through a mapping: 0, or -EIO if that ends in SIGBUS. */
static inline int mapping_read(const volatile void *memory, uint32_t *value)
{
	struct sigaction before, action = { .sa_handler = bar_sigbus };
	int rc = 0;

	sigaction(SIGBUS, &action, &before);
	if (sigsetjmp(bar_refused, 1))
		rc = -EIO;
	else
		*value = *(const volatile uint32_t *)memory;
	sigaction(SIGBUS, &before, NULL);
	return rc;
}

#endif
