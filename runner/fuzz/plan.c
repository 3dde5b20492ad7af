// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: one line of the plan, as far as the environment of the test that it starts. */
#include <string.h>
#include <unistd.h>

#include "../exec/env.h"
#include "../exec/json.h"
#include "../exec/plan.h"
#include "fuzz.h"

static const char *begin, *end; /* of the line */

/* Does s lie in the line with all of its bytes and its NUL? */
static bool in_line(const char *s)
{
	return s >= begin && s < end && memchr(s, '\0', (size_t)(end - s));
}

/* A name that is put into a path of sysfs stays in its folder. */
static bool is_safe(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static bool is_set(char *const *env, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (; *env; env++) {
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return !strcmp(*env + len + 1, value);
	}
	return false;
}

static void check_env(const struct op *op)
{
	char *const *env = env_make(op);

	CHECK(env && is_set(env, "CTS_RECORD_FD", "3"));
	CHECK(!op->device || is_set(env, "CTS_DEVICE", op->device));
	for (size_t i = 0; i < op->n_env; i++) {
		const char *name = op->env[i].name;

		CHECK(in_line(name) && *name && !strchr(name, '=') && in_line(op->env[i].value));
		if (strcmp(name, "CTS_RECORD_FD") && strcmp(name, "CTS_DEVICE"))
			CHECK(is_set(env, name, op->env[i].value));
	}
}

static void check_op(const struct op *op)
{
	size_t n = 0;

	switch (op->kind) {
	case OP_READ:
		CHECK(in_line(op->path) && *op->path == '/');
		break;
	case OP_TAKE:
		CHECK(in_line(op->device) && is_safe(op->device));
		CHECK(in_line(op->driver) && is_safe(op->driver));
		break;
	case OP_MAKE:
		CHECK(in_line(op->device) && is_safe(op->device));
		CHECK(in_line(op->parent) && is_safe(op->parent));
		CHECK(in_line(op->type) && is_safe(op->type));
		break;
	case OP_TEST:
		CHECK(in_line(op->id) && *op->id && strlen(op->id) <= PLAN_ID_MAX);
		for (; op->argv[n]; n++)
			CHECK(n < PLAN_ARGS_MAX && in_line(op->argv[n]));
		CHECK(n);
		CHECK(op->timeout_ms > 0 && op->timeout_ms <= PLAN_TIMEOUT_MAX_MS);
		CHECK(!op->device || (in_line(op->device) && is_safe(op->device)));
		check_env(op);
		break;
	default:
		break;
	}
}

/* What the reader takes, the writer gives back: each string, read again, is the same. */
static void check_strings(const struct json_node *nodes, size_t n)
{
	static char text[6 * PLAN_LINE_MAX + 2];
	struct json_node again;
	struct json_error err;

	for (size_t i = 0; i < n; i++) {
		struct json_out out = { .buf = text, .size = sizeof(text) };

		if (nodes[i].type != JSON_STRING)
			continue;
		json_put_bytes(&out, NULL, nodes[i].string, nodes[i].len);
		CHECK(!out.full);
		CHECK(json_parse(text, out.len, &again, 1, &err) == 1);
		CHECK(again.type == JSON_STRING && again.len == nodes[i].len);
		CHECK(!memcmp(again.string, nodes[i].string, again.len));
	}
}

/* The nodes of one value stand together, and each container counts what is in it. */
static size_t check_node(const struct json_node *nodes, size_t at)
{
	const struct json_node *node = &nodes[at++];
	uint32_t values = node->type == JSON_OBJECT ? 2 * node->count : node->count;

	if (node->type == JSON_ARRAY || node->type == JSON_OBJECT) {
		for (uint32_t i = 0; i < values; i++)
			at = check_node(nodes, at);
	}
	CHECK(node->next == at);
	return at;
}

/* Is it no JSON even with as many nodes as it has bytes? */
static bool is_refused(const uint8_t *data, size_t size)
{
	struct json_node *nodes = malloc((size + 1) * sizeof(*nodes));
	char *text = malloc(size + 1);
	struct json_error err;
	int n;

	CHECK(nodes && text);
	memcpy(text, data, size);
	n = json_parse(text, size, nodes, size + 1, &err);
	free(nodes);
	free(text);
	return n < 0 && strcmp(err.what, "too many values");
}

static void check_json(const uint8_t *data, size_t size)
{
	size_t max = size / 2 + 1;
	struct json_node *nodes = malloc(max * sizeof(*nodes));
	char *text = malloc(size ? size : 1);
	struct json_error err;
	int n;

	CHECK(nodes && text);
	memcpy(text, data, size);
	n = json_parse(text, size, nodes, max, &err);
	if (n > 0) {
		CHECK((size_t)n <= max && check_node(nodes, 0) == (size_t)n);
		check_strings(nodes, (size_t)n);
	} else {
		CHECK(n == -1 && err.at <= size && *err.what);
		if (!strcmp(err.what, "too many values"))
			CHECK(is_refused(data, size)); /* for another reason: it never ends */
	}
	free(nodes);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct op op;
	static char error[256];
	char *line;

	if (size > PLAN_LINE_MAX)
		return 0;
	check_json(data, size);
	line = malloc(size ? size
			   : 1); /* just as much as there is, so that ASan sees a byte more */
	CHECK(line);
	memcpy(line, data, size);
	begin = line;
	end = line + size;
	memset(error, 'x', sizeof(error));
	if (plan_parse(line, size, &op, error, sizeof(error)))
		check_op(&op);
	else
		CHECK(memchr(error, '\0', sizeof(error)) && *error);
	free(line);
	return 0;
}
