/* SPDX-License-Identifier: GPL-2.0-only */
/* The stream: frames out, bytes of the plan in. See docs/stream.md. */
#ifndef CTS_FRAME_H
#define CTS_FRAME_H

#include <stdbool.h>
#include <sys/types.h>

#include "json.h"

#define FRAME_JSON_MAX 65536
#define FRAME_PIECE 3000 /* bytes of a line, where frames go in pieces */

/*
 * Uses standard input and output, or the device at path for both. With a device it waits until
 * the other side is connected. Returns 0 or -errno. Call it before wait_init(): until then
 * signals end the wait.
 */
int frame_connect(const char *path);

/*
 * Begins the event ev; put its keys into the writer returned, then call frame_end(), which
 * numbers and sends it. Blocks while the other side does not read; once the stream is gone,
 * does nothing. An event of more than FRAME_JSON_MAX bytes is not sent, but uses up its number:
 * the reader sees a gap.
 */
struct json_out *frame_begin(const char *ev);
void frame_end(void);

/*
 * From here on a frame that is longer than FRAME_PIECE goes as several lines, of which all but the
 * first begin with "@cts+ ": consoles and their logs have no place for long ones.
 */
void frame_in_pieces(void);

/*
 * Reads the plan from the file at path instead of standard input. Returns 0 or -errno.
 */
int frame_read_plan(const char *path);

/* Sends a line that is no frame; for others who read what goes by. */
void frame_line(const char *line);

/* Is the stream closed, broken, or stalled for a second after a signal to stop? */
bool frame_gone(void);

/*
 * Waits for input, for the stream to go, or for other_fd to be readable (-1: none), whichever
 * is first. Returns true if there is something to read.
 */
bool frame_wait_input(int other_fd);

/* Like read(). With a device, end of file means that the stream is gone. */
ssize_t frame_read(void *buf, size_t size);

/*
 * For poll(): the descriptor that shows errors when the stream goes, and a look at what poll()
 * said.
 */
int frame_fd(void);
void frame_check(short revents);

#endif
