/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory as the kernel's allocator finds it, made the same in each boot as far as it shows in what
 * a call costs: for measurements where instructions are counted.
 */
#ifndef CTS_EVEN_H
#define CTS_EVEN_H

/*
 * Leaves the kernel free blocks of 64 KiB, for memory of its own, whose other halves are taken,
 * until the process ends. What it allocates for the length of one call is of up to 32 KiB, which
 * each processor keeps for itself and finds again, or of up to 64 KiB: for that it halves a larger
 * block, and puts it together again, and how large that is depends on all that has ever been
 * allocated. Where this isn't root, who alone may have pipes so large, nothing happens.
 */
void even_blocks(void);

#endif
