/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory with edges, what tests of argument copying point the kernel at; and what the kernel tells
 * of the process's memory.
 */
#ifndef CTS_MEMORY_H
#define CTS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* The size of a page, bytes. */
size_t page_size(void);

/*
 * One readable and writable page, zeroed, with an inaccessible page behind it. Lasts until the
 * process ends.
 */
void *guarded_page(void);

/* An address that can be neither read nor written. */
void *inaccessible_page(void);

/*
 * The physical address of @memory, in a page that is pinned; 0 where the kernel doesn't tell
 * (Documentation/admin-guide/mm/pagemap.rst).
 */
uint64_t physical_address(const void *memory);

/* How many KiB of this process devices hold pinned (VmPin of proc_pid_status(5)). */
long pinned_kib(void);

/* One page that holds a copy of @size bytes at @data in its beginning and can only be read. */
void *read_only_page(const void *data, size_t size);

#endif
