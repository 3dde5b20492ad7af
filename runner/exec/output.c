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

size_t output_read(struct output *o)
{
	static char waste[65536];
	uint64_t room = OUTPUT_MAX - o->kept;
	size_t want = sizeof(o->held) - o->n_held;
	ssize_t n;

	if (o->fd < 0)
		return 0;
	if (want > room)
		want = room;
	if (room)
		n = read(o->fd, o->held + o->n_held, want);
	else
		n = read(o->fd, waste, sizeof(waste));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(o->fd);
		o->fd = -1;
		return 0;
	}
	if (room) {
		o->kept += (uint64_t)n;
		o->n_held += (size_t)n;
		pass_on_characters(o);
	} else {
		o->dropped += (uint64_t)n;
	}
	return (size_t)n;
}

void output_end(struct output *o)
{
	if (o->n_held)
		pass_on(o, o->n_held, false);
	if (o->dropped) {
		struct json_out *json = frame_begin("output_cut");

		json_put_string(json, "id", o->id);
		json_put_string(json, "fd", o->name);
		json_put_int(json, "kept", (int64_t)o->kept);
		json_put_int(json, "dropped", (int64_t)o->dropped);
		frame_end();
	}
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}
