/* SPDX-License-Identifier: GPL-2.0-only */
/* Another kernel, started by the one that runs (kexec_file_load(2)). */
#ifndef CTS_KEXEC_H
#define CTS_KEXEC_H

/* Exit codes of cts-exec --kexec. */
#define KEXEC_LOADED 0
#define KEXEC_REFUSED 1
#define KEXEC_UNCLEAN 3 /* only a cold start gets rid of what this machine has in it */

/*
 * Loads the kernel in the file image, with the initial ramdisk in initrd (NULL: none) and the
 * command line. Nothing is started yet: the machine's own shutdown does that, which also has each
 * driver stop its device.
 *
 * What outlives such a start is looked at first, as no firmware runs between the two kernels. The
 * kernel must not be damaged (its taint), and nothing that an earlier run took may still be with
 * it. The named functions, a list that ends with NULL, are reset, and their bus mastering is
 * switched off, unless a driver of the host's own has them.
 *
 * Says on standard error why it is not done; returns one of the codes above.
 */
int kexec_load(const char *image, const char *initrd, const char *line, char *const bdfs[]);

#endif
