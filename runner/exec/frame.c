// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crc32.h"
#include "frame.h"
#include "wait.h"

#define HEADER_MAX 40 /* "@cts ", a number of 20 digits, 8 digits of CRC, blanks */

static char frame[HEADER_MAX + FRAME_JSON_MAX + 1];
static struct json_out json;
static unsigned long long seq;
static int in_fd = STDIN_FILENO, out_fd = STDOUT_FILENO;
static bool gone, in_pieces;

int frame_connect(const char *path)
{
	struct termios tty;
	ssize_t n;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!tcgetattr(fd, &tty)) {
		cfmakeraw(&tty); /* or the line is echoed and limited to 4096 bytes */
		tcsetattr(fd, TCSANOW, &tty);
	}
	/*
	 * poll() on a virtio-serial port says POLLHUP, and read() end of file, both before the
	 * host connects and after it has left. Only a blocking write waits for the former. It
	 * also ends what a console had half written.
	 */
	do
		n = write(fd, "\n", 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK))
		return -errno;
	in_fd = out_fd = fd;
	return 0;
}

int frame_read_plan(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	in_fd = fd;
	return 0;
}

void frame_in_pieces(void)
{
	in_pieces = true;
}

bool frame_gone(void)
{
	return gone;
}

int frame_fd(void)
{
	return out_fd;
}

void frame_check(short revents)
{
	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		gone = true;
}

/*
 * Standard output may be shared with others, so its O_NONBLOCK is not ours to set: after
 * POLLOUT, a write of PIPE_BUF does not block.
 */
static void send_all(const char *p, size_t len)
{
	int64_t limit = NEVER;

	while (len && !gone) {
		struct pollfd fd = { .fd = out_fd, .events = POLLOUT };
		ssize_t n;

		if (wait_stop && limit == NEVER)
			limit = now_ns() + NS_PER_S;
		wait_fds(&fd, 1, limit);
		frame_check(fd.revents);
		if (!(fd.revents & POLLOUT)) {
			if (now_ns() >= limit)
				gone = true;
			continue;
		}
		n = write(out_fd, p, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			gone = true;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			limit = NEVER;
		}
	}
}

/* A line with its newline. */
static void send_line(const char *p, size_t len)
{
	static const char more[] = "\n@cts+ ";

	while (in_pieces && len > FRAME_PIECE + 1) {
		send_all(p, FRAME_PIECE);
		send_all(more, sizeof(more) - 1);
		p += FRAME_PIECE;
		len -= FRAME_PIECE;
	}
	send_all(p, len);
}

struct json_out *frame_begin(const char *ev)
{
	json = (struct json_out){ .buf = frame + HEADER_MAX, .size = FRAME_JSON_MAX };
	json_open(&json, NULL, '{');
	json_put_string(&json, "ev", ev);
	return &json;
}

void frame_end(void)
{
	char header[HEADER_MAX + 1], *start;
	int n;

	json_close(&json, '}');
	n = snprintf(header, sizeof(header), "@cts %llu %08x ", seq++,
		     (unsigned int)crc32(json.buf, json.len));
	if (json.full)
		return;
	start = json.buf - n;
	memcpy(start, header, (size_t)n);
	json.buf[json.len] = '\n';
	send_line(start, (size_t)n + json.len + 1);
}

void frame_line(const char *line)
{
	send_all(line, strlen(line));
	send_all("\n", 1);
}

bool frame_wait_input(int other_fd)
{
	/*
	 * A port that is both stands in the list once: virtio-serial takes a buffer off its queue
	 * when it is polled, whatever is polled for. What arrives between two polls of one call
	 * would be found by the second, which did not ask for it, and wake nobody any more.
	 */
	struct pollfd fds[] = {
		{ .fd = in_fd, .events = POLLIN },
		{ .fd = out_fd == in_fd ? -1 : out_fd },
		{ .fd = other_fd, .events = POLLIN },
	};

	wait_fds(fds, 3, NEVER);
	frame_check(fds[in_fd == out_fd ? 0 : 1].revents);
	return fds[0].revents && !gone;
}

ssize_t frame_read(void *buf, size_t size)
{
	ssize_t n = read(in_fd, buf, size);

	if (n <= 0 && in_fd == out_fd && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
		gone = true;
	return n;
}
