// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "kmsg.h"

#define SOME 64		    /* log records at a time, so that a flood does not hold up the rest */
#define FRAME_ROOM 32768    /* a frame with more than this takes no further record of the log */
#define LOG_RECORD_MAX 8192 /* the kernel's own limit is 2048 (PRINTK_MESSAGE_MAX) */

#define MARK "cts-exec: end of a test"

static int fd = -1;
/* Since kmsg_mark(): */
static bool lost, lost_told, splat;
static size_t total;

bool kmsg_open(void)
{
	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd >= 0;
}

int kmsg_fd(void)
{
	return fd;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes the kernel's \xNN in place; returns the new length. */
static size_t unescape(char *text, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; to++) {
		int high = -1, low = -1;

		if (len - i >= 4 && text[i] == '\\' && text[i + 1] == 'x') {
			high = hex_digit(text[i + 2]);
			low = hex_digit(text[i + 3]);
		}
		if (high >= 0 && low >= 0) {
			text[to] = (char)(high << 4 | low);
			i += 4;
		} else {
			text[to] = text[i++];
		}
	}
	return to;
}

/*
 * How the reports of the kernel begin that put no taint on it, or put it late. The runner knows
 * them better, and judges by its own list (runner/klog.py): this one only has to end a plan early.
 */
static bool is_splat(const char *text)
{
	static const char *const heads[] = {
		"------------[ cut here ]",
		"BUG: ",
		"WARNING: ",
		"UBSAN: ",
		"KASAN: ",
		"Oops",
		"INFO: task ",
		"general protection fault",
		"Unable to handle kernel ",
		"list_add corruption",
		"list_del corruption",
		"refcount_t: ",
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (!strncmp(text, heads[i], strlen(heads[i])))
			return true;
	}
	return false;
}

/*
 * One record is "<priority>,<sequence>,<usec>,<flags>[,...];<text>\n", then lines that begin
 * with a blank and describe the device, which are left out. A text of several lines becomes
 * several strings.
 */
static void put_record(struct json_out *json, char *record)
{
	char line[LOG_RECORD_MAX + 48], *text, *end;
	unsigned long priority;
	uint64_t usec;

	text = strchr(record, ';');
	if (!text || sscanf(record, "%lu,%*u,%" SCNu64, &priority, &usec) != 2)
		return;
	text++;
	splat = splat || is_splat(text);
	end = strchrnul(text, '\n');
	end = text + unescape(text, (size_t)(end - text));
	while (text <= end) {
		char *stop = memchr(text, '\n', (size_t)(end - text));
		int n = snprintf(line, sizeof(line), "%lu,%" PRIu64 ",", priority & 7, usec);

		if (!stop)
			stop = end;
		memcpy(line + n, text, (size_t)(stop - text));
		json_put_bytes(json, NULL, line, (size_t)n + (size_t)(stop - text));
		text = stop + 1;
	}
}

static struct json_out *open_lines(const char *id)
{
	struct json_out *json = frame_begin("kmsg");

	if (id)
		json_put_string(json, "id", id);
	if (lost && !lost_told) {
		json_put_bool(json, "lost", true);
		lost_told = true;
	}
	json_open(json, "lines", '[');
	return json;
}

static void send_lines(struct json_out *json)
{
	json_close(json, ']');
	frame_end();
}

/* Is it the line of kmsg_end_line()? Programs have another facility than the kernel. */
static bool is_mark(const char *record)
{
	const char *text = strchr(record, ';');

	return text && strtoul(record, NULL, 10) >> 3 && !strcmp(text, ";" MARK "\n");
}

/*
 * One record into buf, which it ends with NUL. Returns its length, 0 if there is none now.
 * Where the log ran over us (EPIPE) it goes on with the oldest record there is.
 */
static size_t next_record(char *buf, size_t size)
{
	while (fd >= 0) {
		ssize_t n = read(fd, buf, size - 1);

		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno == EPIPE) {
			lost = true;
		} else if (n > 0) {
			buf[n] = '\0';
			total += (size_t)n;
			if (total > KMSG_MAX) {
				lseek(fd, 0, SEEK_END);
				lost = true;
				return 0;
			}
			if (!is_mark(buf))
				return (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			close(fd);
			fd = -1;
		}
	}
	return 0;
}

/* Passes on at most max records. Returns whether there may be more. */
static bool pass_on(const char *id, size_t max)
{
	static char record[LOG_RECORD_MAX + 1];
	struct json_out *json = NULL;

	for (; max && next_record(record, sizeof(record)); max--) {
		if (!json)
			json = open_lines(id);
		put_record(json, record);
		if (json->len > FRAME_ROOM) {
			send_lines(json);
			json = NULL;
		}
	}
	if (json)
		send_lines(json);
	if (lost && !lost_told)
		send_lines(open_lines(id));
	return !max;
}

void kmsg_end_line(void)
{
	static const char line[] = "<7>" MARK "\n";
	int log;

	if (fd < 0)
		return;
	/* Opened anew, since the kernel counts by file how much a program may write. */
	log = open("/dev/kmsg", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (log < 0)
		return;
	if (write(log, line, sizeof(line) - 1) < 0)
		lost = true;
	close(log);
}

void kmsg_some(const char *id)
{
	pass_on(id, SOME);
}

void kmsg_all(const char *id)
{
	while (pass_on(id, SOME))
		;
}

void kmsg_mark(void)
{
	lost = lost_told = splat = false;
	total = 0;
}

bool kmsg_splat(void)
{
	return splat;
}

const char *kmsg_state(void)
{
	if (fd < 0)
		return "denied";
	return lost ? "lost" : "read";
}
