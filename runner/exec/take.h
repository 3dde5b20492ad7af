/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions taken from their drivers, and given back. */
#ifndef CTS_TAKE_H
#define CTS_TAKE_H

#include <stdbool.h>

#define TAKE_MAX 256 /* functions taken at a time */

/*
 * Gives the function bdf to driver by driver_override
 * (Documentation/ABI/testing/sysfs-bus-pci); sends taken, or refused with everything as it was.
 * Unless from_any, a function that another driver has is refused.
 */
void take(const char *bdf, const char *driver, bool from_any);

/*
 * Gives back all that was taken, the last first: the driver and the driver_override that it
 * had. Sends given_back for each. With stuck, a process that may hold devices can't be killed:
 * unbinding would wait for it without end, so it only says so.
 */
void take_give_back(bool stuck);

#endif
