/* SPDX-License-Identifier: GPL-2.0-only */
/* Does anybody use a PCI function, so that it must not be taken from its driver? */
#ifndef CTS_EXEC_IN_USE_H
#define CTS_EXEC_IN_USE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Looks at everything that the kernel made of the function and of the others of its IOMMU group:
 * disks, interfaces, displays, consoles, virtual functions, and at the processes that hold any of
 * it. Reads only. root is "", or a folder that holds sys, proc, dev and etc in their place.
 * Returns true with one clause in why that names what uses it. What can't be looked at counts as
 * used.
 */
bool in_use(const char *root, const char *bdf, char *why, size_t size);

/*
 * Does a process have the function itself open or mapped? Unbinding would wait for it. As above.
 */
bool in_use_by_process(const char *root, const char *bdf, char *why, size_t size);

#endif
