/* SPDX-License-Identifier: GPL-2.0-only */
/* What the target is: its kernel and its PCI functions. */
#ifndef CTS_INVENTORY_H
#define CTS_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

/* The kernel's taint mask (Documentation/admin-guide/tainted-kernels.rst). */
int64_t inventory_taint(void);

/* Sends the hello event. */
void inventory_hello(bool kmsg_readable);

/*
 * Sends a device event for each PCI function, an mdev_type event for each type of mediated device,
 * then inventory_end.
 */
void inventory_send(void);

/*
 * Puts the group (number or null) and the cdev (name under /dev/vfio/devices, or null) of a
 * function (a BDF) or a mediated device (a UUID).
 */
void inventory_put_vfio(struct json_out *json, const char *device);

#endif
