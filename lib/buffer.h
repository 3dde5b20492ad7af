/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of every kind of page, for devices to reach through an IOAS. */
#ifndef CTS_BUFFER_H
#define CTS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

enum buffer_kind {
	BUFFER_BASE,	      /* private anonymous memory, base pages only (MADV_NOHUGEPAGE) */
	BUFFER_THP,	      /* private anonymous memory, transparent huge pages */
	BUFFER_SHARED,	      /* shared anonymous memory */
	BUFFER_MEMFD,	      /* a memfd, mapped shared */
	BUFFER_HUGETLB_2M,    /* private huge pages of 2 MiB, from the pool */
	BUFFER_HUGETLB_1G,    /* the same of 1 GiB */
	BUFFER_MEMFD_HUGETLB, /* a memfd of huge pages of the default size, mapped shared */
	BUFFER_ALIASED, /* one memfd of 2 MiB mapped again and again: a large range of little memory
			 */
};

struct buffer {
	void *memory;
	size_t size;
	size_t page; /* bytes of the pages that it is made of */
	int fd;	     /* of a memfd, -1 otherwise */
};

/* "base", "thp" and so on. */
const char *buffer_kind_name(enum buffer_kind kind);

/* Bytes of the pages of @kind, 0 where the kernel or the machine has none of it. */
size_t buffer_page(enum buffer_kind kind);

/*
 * @size bytes, a multiple of the kind's page, zeroed and all there, aligned to its page (2 MiB for
 * BUFFER_ALIASED), between two inaccessible pages. 0 or -ENOMEM: the pool of huge pages or memory
 * does not hold it; -EOPNOTSUPP: there is no such kind here.
 */
int __buffer_alloc(struct buffer *buffer, enum buffer_kind kind, size_t size);
void buffer_alloc(struct buffer *buffer, enum buffer_kind kind, size_t size);

/*
 * The same, and no two of its pages that are neighbours there are neighbours in memory too: what a
 * page costs may depend on that, and is the same for all of them then. As far as root asks; others
 * are not told where pages are, and get what is likely to be so.
 */
int __buffer_alloc_scattered(struct buffer *buffer, enum buffer_kind kind, size_t size);

/* One that was never allocated, all zeroes, is fine. */
void buffer_free(struct buffer *buffer);

#endif
