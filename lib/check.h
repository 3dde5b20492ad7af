/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How library code ends a test.
 *
 * A helper comes in two forms. `__helper()` returns 0 (or a descriptor) or a negative errno, and a
 * test judges that. `helper()` is for the steps on the way to what the test is about: it ends the
 * test as failed when the call fails. cts_lab_error() is for what is no fault of the kernel.
 */
#ifndef CTS_CHECK_H
#define CTS_CHECK_H

#include <errno.h>
#include <string.h>

/* Ends the test as failed unless @condition holds; says where, what and errno. */
#define cts_require(condition, fmt, ...)                                              \
	do {                                                                          \
		if (!(condition))                                                     \
			cts_fail(__FILE__, __LINE__, #condition, fmt, ##__VA_ARGS__); \
	} while (0)

__attribute__((noreturn, format(printf, 4, 5))) void
cts_fail(const char *file, int line, const char *condition, const char *fmt, ...);

/*
 * Ends the test with the verdict ERROR: the lab or the test itself is wrong, the kernel was not
 * judged.
 */
__attribute__((noreturn, format(printf, 1, 2))) void cts_lab_error(const char *fmt, ...);

/*
 * The same unless @condition holds: for what the host owes every test, like memory, threads and
 * processes. Says where, what and errno.
 */
#define cts_lab_require(condition, fmt, ...)                                                   \
	do {                                                                                   \
		if (!(condition))                                                              \
			cts_lab_error("%s:%d: " fmt ": %s", __FILE__, __LINE__, ##__VA_ARGS__, \
				      strerror(errno));                                        \
	} while (0)

/* Closes *@fd and forgets it, so that closing again is harmless. EINTR and the like end the test. */
void cts_close(int *fd);

#endif
