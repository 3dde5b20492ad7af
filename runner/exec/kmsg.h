/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's log, from /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
#ifndef CTS_KMSG_H
#define CTS_KMSG_H

#include <stdbool.h>

#define KMSG_MAX (1 << 20) /* bytes passed on for a test, or between two; the rest is lost */

/* Opens the log at its end. Returns whether it may be read. */
bool kmsg_open(void);

/* For poll(): the descriptor, or -1. */
int kmsg_fd(void);

/*
 * Passes on some or all of what has been logged, as kmsg events of the test id (NULL: of no
 * test). Never waits for the log.
 */
void kmsg_some(const char *id);
void kmsg_all(const char *id);

/*
 * Ends a line that the kernel has logged without its newline: it holds that back until the next
 * one begins, which would be the next test's. Writes a line of its own, which the functions above
 * leave out; does nothing where the log can't be written.
 */
void kmsg_end_line(void);

/* Begins a new account of what is lost; call it where a test begins and ends, after kmsg_all(). */
void kmsg_mark(void);

/* Has the kernel reported a fault of its own since kmsg_mark()? */
bool kmsg_splat(void);

/* "read", "denied", or "lost" if since kmsg_mark() something was. */
const char *kmsg_state(void);

#endif
