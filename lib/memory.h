/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory with edges: what tests of argument copying point the kernel at. */
#ifndef CTS_MEMORY_H
#define CTS_MEMORY_H

#include <stddef.h>

/* The size of a page, bytes. */
size_t page_size(void);

/*
 * One readable and writable page, zeroed, with an inaccessible page behind it. Lasts until the
 * process ends.
 */
void *guarded_page(void);

/* An address that can be neither read nor written. */
void *inaccessible_page(void);

/* One page that holds a copy of @size bytes at @data in its beginning and can only be read. */
void *read_only_page(const void *data, size_t size);

#endif
