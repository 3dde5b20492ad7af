// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

struct parser {
	char *text;
	size_t len, pos;
	struct json_node *nodes;
	size_t used, max;
	const char *error;
};

static bool fail(struct parser *p, const char *what)
{
	p->error = what;
	return false;
}

static int peek(const struct parser *p)
{
	return p->pos < p->len ? (unsigned char)p->text[p->pos] : -1;
}

static int peek_after_space(struct parser *p)
{
	while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\r' || peek(p) == '\n')
		p->pos++;
	return peek(p);
}

static struct json_node *new_node(struct parser *p, enum json_type type)
{
	struct json_node *node;

	if (p->used == p->max) {
		fail(p, "too many values");
		return NULL;
	}
	node = &p->nodes[p->used++];
	*node = (struct json_node){ .type = type, .next = p->used };
	return node;
}

static bool hex4(struct parser *p, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++, p->pos++) {
		int c = peek(p);

		if (c >= '0' && c <= '9')
			c -= '0';
		else if (c >= 'a' && c <= 'f')
			c -= 'a' - 10;
		else if (c >= 'A' && c <= 'F')
			c -= 'A' - 10;
		else
			return fail(p, "\\u without four hexadecimal digits");
		*value = *value << 4 | (uint32_t)c;
	}
	return true;
}

static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* After the backslash. The decoded form is never longer than the escape, so it fits in place. */
static bool escape(struct parser *p, char **to)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	int c = peek(p);
	const char *known = c > 0 ? strchr(names, c) : NULL;
	uint32_t code, low;

	if (known) {
		*(*to)++ = values[known - names];
		p->pos++;
		return true;
	}
	if (c != 'u')
		return fail(p, "unknown escape in a string");
	p->pos++;
	if (!hex4(p, &code))
		return false;
	if (code == 0)
		return fail(p, "NUL in a string");
	if (code >= 0xdc00 && code <= 0xdfff)
		return fail(p, "lone surrogate in a string");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (p->len - p->pos < 2 || memcmp(p->text + p->pos, "\\u", 2))
			return fail(p, "lone surrogate in a string");
		p->pos += 2;
		if (!hex4(p, &low))
			return false;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(p, "lone surrogate in a string");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*to = put_utf8(*to, code);
	return true;
}

static bool string(struct parser *p)
{
	struct json_node *node = new_node(p, JSON_STRING);
	char *start = p->text + p->pos + 1, *to = start;

	if (!node)
		return false;
	p->pos++;
	for (;;) {
		int c = peek(p), n;
		uint32_t code;

		if (c < 0)
			return fail(p, "string without an end");
		if (c == '"')
			break;
		if (c < 0x20)
			return fail(p, "control character in a string");
		if (c == '\\') {
			p->pos++;
			if (!escape(p, &to))
				return false;
			continue;
		}
		n = utf8_char(p->text + p->pos, p->len - p->pos, &code);
		if (n <= 0)
			return fail(p, "string is no UTF-8");
		memmove(to, p->text + p->pos, (size_t)n);
		to += n;
		p->pos += (size_t)n;
	}
	p->pos++;
	*to = '\0';
	node->string = start;
	node->len = (uint32_t)(to - start);
	return true;
}

static bool digits(struct parser *p)
{
	size_t from = p->pos;

	while (peek(p) >= '0' && peek(p) <= '9')
		p->pos++;
	return p->pos > from ? true : fail(p, "number without a digit");
}

static bool number(struct parser *p)
{
	struct json_node *node = new_node(p, JSON_INT);
	size_t from = p->pos;
	char copy[JSON_NUMBER + 1];
	bool real = false;

	if (!node)
		return false;
	if (peek(p) == '-')
		p->pos++;
	if (peek(p) == '0')
		p->pos++;
	else if (!digits(p))
		return false;
	if (peek(p) == '.') {
		real = true;
		p->pos++;
		if (!digits(p))
			return false;
	}
	if (peek(p) == 'e' || peek(p) == 'E') {
		real = true;
		p->pos++;
		if (peek(p) == '+' || peek(p) == '-')
			p->pos++;
		if (!digits(p))
			return false;
	}
	if (p->pos - from > JSON_NUMBER)
		return fail(p, "number of more than 64 characters");
	memcpy(copy, p->text + from, p->pos - from);
	copy[p->pos - from] = '\0';
	if (!isfinite(strtod(copy, NULL)))
		return fail(p, "number too big");
	errno = 0;
	node->integer = strtoll(copy, NULL, 10);
	if (real || errno == ERANGE)
		node->type = JSON_REAL;
	return true;
}

static bool word(struct parser *p, const char *text, enum json_type type, int value)
{
	size_t len = strlen(text);
	struct json_node *node;

	if (p->len - p->pos < len || memcmp(p->text + p->pos, text, len))
		return fail(p, "no JSON value");
	node = new_node(p, type);
	if (!node)
		return false;
	node->integer = value;
	p->pos += len;
	return true;
}

static bool scalar(struct parser *p)
{
	switch (peek(p)) {
	case '"':
		return string(p);
	case 't':
		return word(p, "true", JSON_BOOL, 1);
	case 'f':
		return word(p, "false", JSON_BOOL, 0);
	case 'n':
		return word(p, "null", JSON_NULL, 0);
	case '-':
	case '0' ... '9':
		return number(p);
	case -1:
		return fail(p, "ends too early");
	default:
		return fail(p, "no JSON value");
	}
}

static bool key(struct parser *p)
{
	if (peek_after_space(p) != '"')
		return fail(p, "expected a key in double quotes");
	if (!string(p))
		return false;
	if (peek_after_space(p) != ':')
		return fail(p, "expected a colon after the key");
	p->pos++;
	return true;
}

static bool keys_differ(struct parser *p, const struct json_node *object)
{
	uint32_t first = (uint32_t)(object - p->nodes) + 1;

	if (object->count > JSON_KEYS)
		return fail(p, "more than 256 keys in an object");
	for (uint32_t i = first; i < object->next; i = p->nodes[i + 1].next) {
		for (uint32_t j = first; j < i; j = p->nodes[j + 1].next) {
			if (!strcmp(p->nodes[i].string, p->nodes[j].string))
				return fail(p, "duplicate key");
		}
	}
	return true;
}

static bool document(struct parser *p)
{
	struct json_node *stack[JSON_DEPTH], *top;
	size_t depth = 0;

	for (;;) {
		int c = peek_after_space(p);

		if (c == '{' || c == '[') {
			if (depth == JSON_DEPTH)
				return fail(p, "nested more than 32 deep");
			top = new_node(p, c == '{' ? JSON_OBJECT : JSON_ARRAY);
			if (!top)
				return false;
			stack[depth++] = top;
			p->pos++;
			if (peek_after_space(p) != (c == '{' ? '}' : ']')) {
				if (c == '{' && !key(p))
					return false;
				continue;
			}
		} else {
			if (!scalar(p))
				return false;
			if (depth)
				stack[depth - 1]->count++;
		}

		/* A value is complete, or a container is still empty: what comes after it? */
		while (depth) {
			top = stack[depth - 1];
			c = peek_after_space(p);
			if (c == ',') {
				p->pos++;
				if (top->type == JSON_OBJECT && !key(p))
					return false;
				break;
			}
			if (c != (top->type == JSON_OBJECT ? '}' : ']'))
				return fail(p, c < 0 ? "ends too early"
						     : "expected a comma or the end");
			p->pos++;
			top->next = (uint32_t)p->used;
			if (top->type == JSON_OBJECT && !keys_differ(p, top))
				return false;
			if (--depth)
				stack[depth - 1]->count++;
		}
		if (!depth)
			return peek_after_space(p) < 0 ? true : fail(p, "text after the value");
	}
}

int json_parse(char *text, size_t len, struct json_node *nodes, size_t max, struct json_error *err)
{
	struct parser p = { .text = text, .len = len, .nodes = nodes, .max = max };

	if (document(&p))
		return (int)p.used;
	*err = (struct json_error){ .what = p.error, .at = p.pos };
	return -1;
}
