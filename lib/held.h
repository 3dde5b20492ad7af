/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory with a page that the kernel has to wait for: a call that comes to it stays in the midst of
 * its work until the test lets it go on (Documentation/admin-guide/mm/userfaultfd.rst). So what
 * happens beside a call is no matter of luck.
 */
#ifndef CTS_HELD_H
#define CTS_HELD_H

#include <stdbool.h>
#include <stddef.h>

struct held {
	char *memory; /* shared by the threads of the process */
	size_t size;
	char *page; /* the page of it that is held */
	bool writes;
	int userfaultfd;
};

/*
 * @pages pages of private memory, of which page number @held is missing: who reads or writes it, or
 * pins it, waits. 0, -ENOSYS where the kernel has no userfaultfd, -EPERM without privilege.
 */
int __held_alloc(struct held *held, size_t pages, size_t which);

/* One page, with the @size bytes at @data in its beginning: who writes it waits; it can be read. */
int __held_alloc_readable(struct held *held, const void *data, size_t size);

/* Returns when somebody waits for the page. A lab error if nobody comes. */
void held_await(const struct held *held);

/* Lets whoever waits go on, with a page of zeroes, or with a page that can be written. */
void held_release(const struct held *held);

void held_free(struct held *held);

/* In a test: skips it where there is no userfaultfd. */
#define HELD_OR_SKIP(result)                                                       \
	do {                                                                       \
		int __held = (result);                                             \
                                                                                   \
		if (__held == -ENOSYS || __held == -EINVAL)                        \
			CTS_SKIP(KERNEL_LACKS, "no userfaultfd of this kind");     \
		if (__held == -EPERM)                                              \
			CTS_SKIP(NOT_ROOT, "userfaultfd is refused");              \
		cts_lab_require(!__held, "memory with a page that is waited for"); \
	} while (0)

#endif
