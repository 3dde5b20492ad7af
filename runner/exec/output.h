/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test prints on one of its standard streams, passed on as events. */
#ifndef CTS_OUTPUT_H
#define CTS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Of a stream that is longer than the two together the middle is only counted: what a test says of
 * itself comes last.
 */
#define OUTPUT_HEAD (192 * 1024)
#define OUTPUT_TAIL (64 * 1024)
#define OUTPUT_CHUNK 8192 /* a byte takes up to 6 characters in a frame */

struct output {
	const char *id, *name;	 /* of the test and the stream */
	int fd;			 /* read end of the pipe, non-blocking; -1 after its end */
	char held[OUTPUT_CHUNK]; /* the start of a character whose end has not come */
	size_t n_held;
	uint64_t n_head, n_tail; /* bytes that came before and behind OUTPUT_HEAD */
	char tail[OUTPUT_TAIL];	 /* the last of them, round and round */
};

/*
 * Reads once and passes it on. Never blocks on the pipe. Returns the bytes read; 0 if there are
 * none now.
 */
size_t output_read(struct output *o);

/* Says what was dropped, passes on what is held back, closes the pipe. */
void output_end(struct output *o);

#endif
