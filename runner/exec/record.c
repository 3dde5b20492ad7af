// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "json.h"
#include "lava.h"
#include "record.h"

#define TEXT_MAX 200
#define RECORD_COST 64

static void bad(const struct record_pipe *r, const char *error)
{
	struct json_out *json = frame_begin("bad_record");

	json_put_string(json, "id", r->id);
	json_put_string(json, "error", error);
	json_put_bytes(json, "text", r->line, r->len < TEXT_MAX ? r->len : TEXT_MAX);
	frame_end();
}

/* Is the line an object in printable ASCII? If not, says why in error. */
static bool is_record(const struct record_pipe *r, struct json_node *nodes, char *error,
		      size_t size)
{
	static char copy[RECORD_MAX];
	struct json_error err;
	size_t len = 0;

	for (size_t i = 0; i < r->len; i++) {
		if (r->line[i] < 0x20 || r->line[i] > 0x7e) {
			snprintf(error, size, "byte %zu is no printable ASCII", i);
			return false;
		}
	}
	for (size_t i = 0; i < r->len; i++)
		len += r->line[i] == '<' ? 6 : 1;
	if (len > RECORD_MAX) {
		snprintf(error, size, "longer than 60000 bytes");
		return false;
	}
	memcpy(copy, r->line, r->len); /* parsing changes it */
	if (json_parse(copy, r->len, nodes, RECORD_MAX / 2 + 1, &err) < 0) {
		snprintf(error, size, "byte %zu: %s", err.at, err.what);
		return false;
	}
	if (nodes[0].type != JSON_OBJECT)
		snprintf(error, size, "not an object");
	return nodes[0].type == JSON_OBJECT;
}

static void take_line(struct record_pipe *r)
{
	static struct json_node nodes[RECORD_MAX / 2 + 1];
	char error[128];

	if (r->total >= RECORD_TOTAL) {
		r->dropped++;
		return;
	}
	r->total += r->len + RECORD_COST;
	if (is_record(r, nodes, error, sizeof(error))) {
		struct json_out *json = frame_begin("record");

		json_put_string(json, "id", r->id);
		json_put_json(json, "record", r->line, r->len);
		frame_end();
		lava_record(nodes);
	} else {
		bad(r, error);
	}
}

static void take_bytes(struct record_pipe *r, const char *p, size_t len)
{
	while (len) {
		const char *newline = memchr(p, '\n', len);
		size_t part = newline ? (size_t)(newline - p) : len;
		size_t room = sizeof(r->line) - r->len;

		if (!r->skip) {
			memcpy(r->line + r->len, p, part < room ? part : room);
			r->len += part < room ? part : room;
			if (r->len > RECORD_MAX) {
				bad(r, "longer than 60000 bytes");
				r->skip = true;
			}
		}
		if (!newline)
			return;
		if (!r->skip)
			take_line(r);
		r->skip = false;
		r->len = 0;
		p += part + 1;
		len -= part + 1;
	}
}

size_t record_read(struct record_pipe *r)
{
	static char buf[16384];
	ssize_t n;

	if (r->fd < 0)
		return 0;
	n = read(r->fd, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(r->fd);
		r->fd = -1;
		return 0;
	}
	take_bytes(r, buf, (size_t)n);
	return (size_t)n;
}

void record_end(struct record_pipe *r)
{
	char error[96];

	if (r->len && !r->skip)
		bad(r, "not ended by a newline");
	if (r->dropped) {
		r->len = 0;
		snprintf(error, sizeof(error), "%zu records beyond the first 16 MiB were dropped",
			 r->dropped);
		bad(r, error);
	}
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
