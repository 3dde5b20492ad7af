/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scratch media: NVMe disks under the kernel's own driver whose content is nobody's. The host's
 * description declares them by their serial numbers, which come in CTS_SCRATCH_SERIALS, one a line.
 * What is not declared is never opened. A disk counts only if its own serial number
 * (Documentation/ABI/stable/sysfs-block, /sys/block/DISK/device/serial) is the whole of a declared
 * one, if all that cts-exec looks at before it takes a function from its driver says that nobody
 * uses it (runner/exec/in_use.h), and if the kernel then gives it to us alone (O_EXCL).
 */
#ifndef CTS_MEDIUM_H
#define CTS_MEDIUM_H

#include <stdint.h>

#include "needs.h"
#include "sysfs.h"

struct medium {
	char disk[32];	     /* "nvme0n1" */
	char bdf[SYSFS_BDF]; /* of its controller */
	int fd;		     /* held alone, for reading and writing */
};

/* Is any declared? */
bool medium_declared(void);

/*
 * Opens the first that is declared and can be had, until medium_close(). Returns without a `what`,
 * or why there is none. The twin looks in a folder that holds sys, proc and dev in their place.
 */
struct cts_missing __medium_open(struct medium *medium);
struct cts_missing __medium_open_in(const char *root, struct medium *medium);

/* How many requests the disk has completed since it is there, by sysfs. */
uint64_t medium_completed(const struct medium *medium);

/* Nothing if it was never opened. */
void medium_close(struct medium *medium);

/* In a setup: opens one, or skips the test. */
#define MEDIUM_OPEN_OR_SKIP(medium)                                         \
	do {                                                                \
		const struct cts_missing __without = __medium_open(medium); \
                                                                            \
		if (__without.what)                                         \
			__CTS_SKIP(__without.reason, "%s", __without.what); \
	} while (0)

#endif
