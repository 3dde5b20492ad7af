// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "record.h"

/*
 * A test runs in a process that the harness forked for it, so ending the process ends the test. Not
 * exit(): the parent's stdio buffers and exit handlers were inherited with the rest. The harness
 * takes EXIT_FAILURE, its KSFT_FAIL, for a failure.
 */
static void __attribute__((noreturn)) end_test(void)
{
	fflush(stderr);
	_exit(EXIT_FAILURE);
}

void cts_fail(const char *file, int line, const char *condition, const char *fmt, ...)
{
	int error = errno;
	va_list args;

	fprintf(stderr, "# %s:%d: (%s) does not hold: ", file, line, condition);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, " (errno %d, %s)\n", error, strerror(error));
	end_test();
}

void cts_lab_error(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "# LAB ERROR: %s\n", text);
	cts_record_lab_error(text);
	end_test();
}

void cts_close(int *fd)
{
	if (*fd >= 0)
		cts_require(!close(*fd), "close(%d)", *fd);
	*fd = -1;
}
