/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON (RFC 8259): a strict reader of bounded depth and size, and a writer of printable ASCII. */
#ifndef CTS_JSON_H
#define CTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 32  /* containers inside each other */
#define JSON_KEYS 256  /* members of one object */
#define JSON_NUMBER 64 /* characters of a number */

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_INT, /* fits 64 bits, written without fraction or exponent */
	JSON_REAL,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * One value. The values inside a container follow it in the array of nodes, each with what is
 * inside it; in an object a key (JSON_STRING) stands before each value.
 */
struct json_node {
	enum json_type type;
	uint32_t count; /* values in an array, members in an object */
	uint32_t next;	/* the index after this value and all that is inside it */
	uint32_t len;	/* of the string, in bytes */
	union {
		int64_t integer;    /* JSON_INT, and 0 or 1 for JSON_BOOL */
		const char *string; /* UTF-8, ended by NUL, lies in the text that was parsed */
	};
};

struct json_error {
	const char *what;
	size_t at; /* byte offset in the text */
};

/*
 * Parses one value that takes up all of text (len bytes, changed: strings are decoded in
 * place). Stricter than the RFC where it leaves a choice: no NUL in strings, no lone surrogate,
 * no duplicate key, no number beyond double or JSON_NUMBER characters. A value of len bytes never
 * needs more than len / 2 + 1 nodes. Returns the number of nodes used, or -1 and fills *err.
 */
int json_parse(char *text, size_t len, struct json_node *nodes, size_t max, struct json_error *err);

/* A writer into a buffer of the caller. What does not fit sets full and is not written. */
struct json_out {
	char *buf;
	size_t size, len;
	bool full;
};

/*
 * Each puts one value with its comma; key is NULL in an array. Strings may hold any bytes: what
 * is no UTF-8 becomes U+FFFD. A < is escaped: LAVA takes what stands in angle brackets on a
 * console for its own. json_put_json() puts text that is JSON already, with that escape, and
 * json_put_raw() puts it as it is.
 */
void json_open(struct json_out *o, const char *key, char bracket);
void json_close(struct json_out *o, char bracket);
void json_put_string(struct json_out *o, const char *key, const char *s);
void json_put_bytes(struct json_out *o, const char *key, const char *s, size_t len);
void json_put_int(struct json_out *o, const char *key, int64_t value);
void json_put_bool(struct json_out *o, const char *key, bool value);
void json_put_raw(struct json_out *o, const char *key, const char *json, size_t len);
void json_put_json(struct json_out *o, const char *key, const char *json, size_t len);
void json_put_base64(struct json_out *o, const char *key, const void *data, size_t len);

/* A string, or null where s is NULL or empty. */
void json_put_name(struct json_out *o, const char *key, const char *s);

#endif
