/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a reset is seen from outside: a mask bit of MSI, which a user may write in hardware, which is
 * 0 after a reset (PCI Express Base Specification, Message Signaled Interrupt capability) and which
 * the kernel doesn't restore while MSI isn't set up.
 */
#ifndef PCI_RESET_H
#define PCI_RESET_H

#include <linux/pci_regs.h>

#include "bound.h"

/* Where the mask bits of MSI are, 0 if the device has none. */
static inline uint32_t mask_register(const struct function *function)
{
	uint32_t msi = function_capability(function, PCI_CAP_ID_MSI), flags;

	if (!msi)
		return 0;
	flags = function_config_read(function, msi + PCI_MSI_FLAGS, 2);
	if (!(flags & PCI_MSI_FLAGS_MASKBIT))
		return 0;
	return msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

/* Leaves a mark that a reset wipes; false if the device has no place for it. */
static inline bool mark(const struct function *function)
{
	uint32_t mask = mask_register(function);

	if (!mask)
		return false;
	function_config_write(function, mask, 4, 1);
	return function_config_read(function, mask, 4) == 1;
}

static inline bool is_marked(const struct function *function)
{
	return function_config_read(function, mask_register(function), 4) == 1;
}

#endif
