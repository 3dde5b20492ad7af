// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "output.h"
#include "utf8.h"

static void pass_on(const struct output *o, size_t len, bool is_text)
{
	struct json_out *json = frame_begin("output");

	json_put_string(json, "id", o->id);
	json_put_string(json, "fd", o->name);
	if (is_text)
		json_put_bytes(json, "text", o->held, len);
	else
		json_put_base64(json, "base64", o->held, len);
	frame_end();
}

/* Passes on what is held as far as whole characters go; if it is no UTF-8, all. */
static void pass_on_characters(struct output *o)
{
	size_t len = 0;
	bool is_text = true;
	uint32_t code;
	int n;

	while (len < o->n_held) {
		n = utf8_char(o->held + len, o->n_held - len, &code);
		if (n == UTF8_CUT)
			break;
		if (n == UTF8_BAD) {
			is_text = false;
			len = o->n_held;
			break;
		}
		len += (size_t)n;
	}
	if (!len)
		return;
	pass_on(o, len, is_text);
	o->n_held -= len;
	memmove(o->held, o->held + len, o->n_held);
}

static void keep_tail(struct output *o, const char *bytes, size_t n)
{
	while (n) {
		size_t at = o->n_tail % OUTPUT_TAIL;
		size_t part = n < OUTPUT_TAIL - at ? n : OUTPUT_TAIL - at;

		memcpy(o->tail + at, bytes, part);
		o->n_tail += part;
		bytes += part;
		n -= part;
	}
}

/* What is held before a gap has no end any more. */
static void say_dropped(struct output *o, uint64_t dropped)
{
	struct json_out *json;

	if (o->n_held)
		pass_on(o, o->n_held, false);
	o->n_held = 0;
	json = frame_begin("output_cut");
	json_put_string(json, "id", o->id);
	json_put_string(json, "fd", o->name);
	json_put_int(json, "kept", OUTPUT_HEAD + OUTPUT_TAIL);
	json_put_int(json, "dropped", (int64_t)dropped);
	frame_end();
}

static void pass_on_tail(struct output *o)
{
	uint64_t from = o->n_tail > OUTPUT_TAIL ? o->n_tail - OUTPUT_TAIL : 0;

	if (from)
		say_dropped(o, from);
	while (from < o->n_tail) {
		size_t at = from % OUTPUT_TAIL;
		size_t n = sizeof(o->held) - o->n_held;

		if (n > o->n_tail - from)
			n = o->n_tail - from;
		if (n > OUTPUT_TAIL - at)
			n = OUTPUT_TAIL - at;
		memcpy(o->held + o->n_held, o->tail + at, n);
		o->n_held += n;
		from += n;
		pass_on_characters(o);
	}
}

size_t output_read(struct output *o)
{
	static char beyond[65536];
	uint64_t room = OUTPUT_HEAD - o->n_head;
	size_t want = sizeof(o->held) - o->n_held;
	ssize_t n;

	if (o->fd < 0)
		return 0;
	if (want > room)
		want = room;
	if (room)
		n = read(o->fd, o->held + o->n_held, want);
	else
		n = read(o->fd, beyond, sizeof(beyond));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(o->fd);
		o->fd = -1;
		return 0;
	}
	if (room) {
		o->n_head += (uint64_t)n;
		o->n_held += (size_t)n;
		pass_on_characters(o);
	} else {
		keep_tail(o, beyond, (size_t)n);
	}
	return (size_t)n;
}

void output_end(struct output *o)
{
	pass_on_tail(o);
	if (o->n_held)
		pass_on(o, o->n_held, false);
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}
