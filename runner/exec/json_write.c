// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

static void put(struct json_out *o, const char *s, size_t len)
{
	if (o->full || o->size - o->len < len) {
		o->full = true;
		return;
	}
	memcpy(o->buf + o->len, s, len);
	o->len += len;
}

static void put_escape(struct json_out *o, uint32_t unit)
{
	char text[8];

	snprintf(text, sizeof(text), "\\u%04x", (unsigned int)unit & 0xffff);
	put(o, text, 6);
}

static void put_quoted(struct json_out *o, const char *s, size_t len)
{
	put(o, "\"", 1);
	while (len) {
		uint32_t c;
		int n = utf8_char(s, len, &c);

		if (n <= 0) {
			put_escape(o, 0xfffd);
			n = 1;
		} else if (c == '"' || c == '\\') {
			put(o, "\\", 1);
			put(o, s, 1);
		} else if (c == '\n') {
			put(o, "\\n", 2);
		} else if (c == '\t') {
			put(o, "\\t", 2);
		} else if (c >= 0x20 && c < 0x7f && c != '<') {
			put(o, s, 1);
		} else if (c < 0x10000) {
			put_escape(o, c);
		} else {
			put_escape(o, 0xd800 + ((c - 0x10000) >> 10));
			put_escape(o, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
		s += n;
		len -= (size_t)n;
	}
	put(o, "\"", 1);
}

/* The comma, unless this is the first value of its container, and the key. */
static void put_key(struct json_out *o, const char *key)
{
	char last = o->len ? o->buf[o->len - 1] : '[';

	if (last != '{' && last != '[')
		put(o, ",", 1);
	if (key) {
		put_quoted(o, key, strlen(key));
		put(o, ":", 1);
	}
}

void json_open(struct json_out *o, const char *key, char bracket)
{
	put_key(o, key);
	put(o, &bracket, 1);
}

void json_close(struct json_out *o, char bracket)
{
	put(o, &bracket, 1);
}

void json_put_bytes(struct json_out *o, const char *key, const char *s, size_t len)
{
	put_key(o, key);
	put_quoted(o, s, len);
}

void json_put_string(struct json_out *o, const char *key, const char *s)
{
	json_put_bytes(o, key, s, strlen(s));
}

void json_put_raw(struct json_out *o, const char *key, const char *json, size_t len)
{
	put_key(o, key);
	put(o, json, len);
}

void json_put_json(struct json_out *o, const char *key, const char *json, size_t len)
{
	put_key(o, key);
	for (size_t i = 0; i < len; i++) {
		if (json[i] == '<')
			put_escape(o, '<');
		else
			put(o, json + i, 1);
	}
}

void json_put_int(struct json_out *o, const char *key, int64_t value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, value);

	json_put_raw(o, key, text, (size_t)len);
}

void json_put_bool(struct json_out *o, const char *key, bool value)
{
	json_put_raw(o, key, value ? "true" : "false", value ? 4 : 5);
}

void json_put_name(struct json_out *o, const char *key, const char *s)
{
	if (s && *s)
		json_put_string(o, key, s);
	else
		json_put_raw(o, key, "null", 4);
}

void json_put_base64(struct json_out *o, const char *key, const void *data, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/";
	const unsigned char *p = data;

	put_key(o, key);
	put(o, "\"", 1);
	for (; len; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t second = n > 1 ? p[1] : 0, third = n > 2 ? p[2] : 0;
		uint32_t bits = (uint32_t)p[0] << 16 | second << 8 | third;
		char text[4] = { digit[bits >> 18], digit[bits >> 12 & 63], digit[bits >> 6 & 63],
				 digit[bits & 63] };

		if (n < 3)
			text[3] = '=';
		if (n < 2)
			text[2] = '=';
		put(o, text, 4);
		len -= n;
	}
	put(o, "\"", 1);
}
