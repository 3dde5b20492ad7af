/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fio (https://fio.readthedocs.io), as the host has it, at work on a scratch medium (medium.h)
 * beside the test. It is handed the disk that was looked at as an open file and opens nothing by
 * its name. What it says in the end is recorded as it is, and its figures are made from that
 * (results/fio.py).
 */
#ifndef CTS_FIO_H
#define CTS_FIO_H

#include <stdbool.h>
#include <sys/types.h>

#include "medium.h"
#include "record.h"

struct fio {
	pid_t child; /* 0: none */
	int ended;   /* its pidfd */
	int said;    /* its standard output */
};

/* Why fio can't be run on this host; nothing where it can. */
struct cts_missing __fio_missing(void);

/* In a setup: skips the test where there is none. */
#define FIO_OR_SKIP()                                                       \
	do {                                                                \
		const struct cts_missing __without = __fio_missing();       \
                                                                            \
		if (__without.what)                                         \
			__CTS_SKIP(__without.reason, "%s", __without.what); \
	} while (0)

/*
 * Starts fio on @medium with @options ("--rw=randread"), which end with NULL, beside those that
 * each run has: one job, past the page cache, in threads. It ends with the test at the latest.
 */
void fio_start(struct fio *fio, const struct medium *medium, const char *const *options);

/* Is it still at work? */
bool fio_goes_on(const struct fio *fio);

/*
 * Waits for its end and records what it said, under @params as a row's, or NULL (record.h). 0, or
 * the error that it came upon as -errno: -EILSEQ, a block that was read is not what was written
 * there. A lab error if it could not do its work at all.
 */
int fio_finish(struct fio *fio, const struct cts_param *params);

/* Ends it, if it is at work, and forgets it. */
void fio_stop(struct fio *fio);

#endif
