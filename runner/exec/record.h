/* SPDX-License-Identifier: GPL-2.0-only */
/* Records: lines of JSON that a test writes to its record pipe. */
#ifndef CTS_RECORD_H
#define CTS_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#define RECORD_MAX 60000	/* bytes of a record */
#define RECORD_TOTAL (16 << 20) /* bytes of all records of a test, 64 added for each */

struct record_pipe {
	const char *id; /* of the test */
	int fd;		/* read end of the pipe, non-blocking; -1 after its end */
	char line[RECORD_MAX + 1];
	size_t len;
	bool skip;	       /* until the next newline: the line was too long */
	size_t total, dropped; /* bytes so counted; records beyond RECORD_TOTAL */
};

/*
 * Reads once and passes on the records that are complete, as record or bad_record events. Never
 * blocks on the pipe. Returns the bytes read; 0 if there are none now.
 */
size_t record_read(struct record_pipe *r);

/* Reports a line that never ended, and records that were dropped; closes the pipe. */
void record_end(struct record_pipe *r);

#endif
