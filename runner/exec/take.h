/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions taken from their drivers, and given back. */
#ifndef CTS_TAKE_H
#define CTS_TAKE_H

#include <stdbool.h>

#define TAKE_MAX 256 /* functions taken at a time */

enum take_from {
	TAKE_ANY,  /* whoever has it: a virtual host, where nothing can be in use */
	TAKE_IDLE, /* a real host: refused if anything of it or of its group is in use */
};

/*
 * Gives the function bdf to driver by driver_override
 * (Documentation/ABI/testing/sysfs-bus-pci); sends taken, or refused with everything as it was.
 * An idle one is noted in the undo journal first, and the driver's module is loaded if need be.
 * With dry it changes nothing and sends would: each write, now and at the end.
 */
void take(const char *bdf, const char *driver, enum take_from from, bool dry);

/*
 * Gives back all that was taken, the last first: the driver and the driver_override that it
 * had. Sends given_back for each. With stuck, a process that may hold devices can't be killed:
 * unbinding would wait for it without end, so it only says so.
 */
void take_give_back(bool stuck);

/*
 * Gives back what an earlier cts-exec could not, because it was killed or the machine went down:
 * given_back for each, then restored. With dry: would for each, and nothing is changed. refused if
 * another cts-exec is at work.
 */
void take_restore(bool dry);

#endif
