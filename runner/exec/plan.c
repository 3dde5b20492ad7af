// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "plan.h"

#define KEYS_MAX 7
#define NODES_MAX 4096

enum { TAKE_DEVICE, TAKE_DRIVER, TAKE_FROM, TAKE_DRY };
enum { MAKE_DEVICE, MAKE_PARENT, MAKE_TYPE };
enum { TEST_ID, TEST_ARGV, TEST_TIMEOUT, TEST_ENV, TEST_DEVICE, TEST_TAINTS, TEST_HARMLESS };

static const struct shape {
	const char *name;
	enum op_kind kind;
	struct {
		const char *name;
		enum json_type type;
		bool optional;
	} keys[KEYS_MAX];
} shapes[] = {
	{ "inventory", OP_INVENTORY, {} },
	{ "read", OP_READ, { { "path", JSON_STRING, false } } },
	{ "take",
	  OP_TAKE,
	  { [TAKE_DEVICE] = { "device", JSON_STRING, false },
	    [TAKE_DRIVER] = { "driver", JSON_STRING, false },
	    [TAKE_FROM] = { "from", JSON_STRING, false },
	    [TAKE_DRY] = { "dry", JSON_BOOL, true } } },
	{ "make",
	  OP_MAKE,
	  { [MAKE_DEVICE] = { "device", JSON_STRING, false },
	    [MAKE_PARENT] = { "parent", JSON_STRING, false },
	    [MAKE_TYPE] = { "type", JSON_STRING, false } } },
	{ "give_back", OP_GIVE_BACK, {} },
	{ "restore", OP_RESTORE, { { "dry", JSON_BOOL, true } } },
	{ "test",
	  OP_TEST,
	  { [TEST_ID] = { "id", JSON_STRING, false },
	    [TEST_ARGV] = { "argv", JSON_ARRAY, false },
	    [TEST_TIMEOUT] = { "timeout_ms", JSON_INT, false },
	    [TEST_ENV] = { "env", JSON_OBJECT, true },
	    [TEST_DEVICE] = { "device", JSON_STRING, true },
	    [TEST_TAINTS] = { "taints", JSON_INT, true },
	    [TEST_HARMLESS] = { "harmless", JSON_BOOL, true } } },
	{ "end", OP_END, {} },
};

static const char *const type_names[] = {
	[JSON_NULL] = "null",	     [JSON_BOOL] = "true or false", [JSON_INT] = "a whole number",
	[JSON_REAL] = "a number",    [JSON_STRING] = "a string",    [JSON_ARRAY] = "a list",
	[JSON_OBJECT] = "an object",
};

static struct json_node nodes[NODES_MAX];

struct report {
	char *text;
	size_t size;
};

static __attribute__((format(printf, 2, 3))) bool fail(const struct report *r, const char *format,
						       ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->text, r->size, format, args);
	va_end(args);
	return false;
}

/* Domains are four digits or, behind VMD and the like, more; never more than 32 bits. */
static bool is_bdf(const char *s)
{
	static const char rest[] = ":xx:xx.0", digits[] = "0123456789abcdef";
	size_t domain = strspn(s, digits);

	if (domain < 4 || domain > 8)
		return false;
	s += domain;
	if (strlen(s) != strlen(rest))
		return false;
	for (size_t i = 0; rest[i]; i++) {
		bool fits = s[i] == rest[i];

		if (rest[i] == 'x')
			fits = strchr(digits, s[i]);
		else if (rest[i] == '0')
			fits = s[i] >= '0' && s[i] <= '7';
		if (!fits)
			return false;
	}
	return true;
}

static bool is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(s) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'x' ? !strchr("0123456789abcdef", s[i]) : s[i] != form[i])
			return false;
	}
	return true;
}

/* Letters, digits and what is in others; no path leads out of a folder by it. */
static bool is_name(const char *s, const char *others)
{
	if (*s == '.' || !*s || strlen(s) > 63)
		return false;
	for (; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr(others, *s))
			return false;
	}
	return true;
}

static bool check_device(const char *device, const struct report *r)
{
	return is_bdf(device) || fail(r, "device \"%s\" is not of the form dddd:bb:dd.f", device);
}

static bool parse_make(const struct json_node *const *value, struct op *op, const struct report *r)
{
	op->device = value[MAKE_DEVICE]->string;
	op->parent = value[MAKE_PARENT]->string;
	op->type = value[MAKE_TYPE]->string;
	if (!is_uuid(op->device))
		return fail(r, "device \"%s\" is no UUID in lower case", op->device);
	if (!is_name(op->parent, "_-.:"))
		return fail(r, "parent \"%s\" is no name of a device", op->parent);
	if (!is_name(op->type, "_-."))
		return fail(r, "type \"%s\" is no name of a type", op->type);
	return true;
}

static bool parse_take(const struct json_node *const *value, struct op *op, const struct report *r)
{
	const char *from = value[TAKE_FROM]->string;

	op->device = value[TAKE_DEVICE]->string;
	op->driver = value[TAKE_DRIVER]->string;
	op->from = strcmp(from, "any") ? TAKE_IDLE : TAKE_ANY;
	op->dry = value[TAKE_DRY] && value[TAKE_DRY]->integer;
	if (!check_device(op->device, r))
		return false;
	if (!is_name(op->driver, "_-."))
		return fail(r, "driver \"%s\" is no name of a driver", op->driver);
	if (op->from == TAKE_IDLE && strcmp(from, "idle"))
		return fail(r, "from \"%s\" is neither \"idle\" nor \"any\"", from);
	if (op->from == TAKE_ANY && op->dry)
		return fail(r, "a dry run is for what is taken from \"idle\"");
	return true;
}

static bool parse_env(const struct json_node *env, struct op *op, const struct report *r)
{
	const struct json_node *node = env + 1;

	for (; op->n_env < env->count; op->n_env++, node += 2) {
		if (!node->len || strchr(node->string, '='))
			return fail(r, "env has the impossible name \"%s\"", node->string);
		if (node[1].type != JSON_STRING)
			return fail(r, "env \"%s\" is %s, not a string", node->string,
				    type_names[node[1].type]);
		op->env[op->n_env].name = node->string;
		op->env[op->n_env].value = node[1].string;
	}
	return true;
}

static bool parse_test(const struct json_node *const *value, struct op *op, const struct report *r)
{
	const struct json_node *argv = value[TEST_ARGV];

	op->id = value[TEST_ID]->string;
	if (!value[TEST_ID]->len || value[TEST_ID]->len > PLAN_ID_MAX)
		return fail(r, "id must have 1 to %d bytes", PLAN_ID_MAX);
	if (!argv->count || argv->count > PLAN_ARGS_MAX)
		return fail(r, "argv must have 1 to %d strings", PLAN_ARGS_MAX);
	for (uint32_t i = 0; i < argv->count; i++) {
		if (argv[1 + i].type != JSON_STRING)
			return fail(r, "argv[%u] is %s, not a string", i,
				    type_names[argv[1 + i].type]);
		op->argv[i] = (char *)argv[1 + i].string;
	}
	op->timeout_ms = value[TEST_TIMEOUT]->integer;
	if (op->timeout_ms < 1 || op->timeout_ms > PLAN_TIMEOUT_MAX_MS)
		return fail(r, "timeout_ms must be 1 to %d", PLAN_TIMEOUT_MAX_MS);
	if (value[TEST_ENV] && !parse_env(value[TEST_ENV], op, r))
		return false;
	op->taints = value[TEST_TAINTS] ? value[TEST_TAINTS]->integer : 0;
	op->harmless = value[TEST_HARMLESS] && value[TEST_HARMLESS]->integer;
	if (value[TEST_DEVICE]) {
		op->device = value[TEST_DEVICE]->string;
		return is_uuid(op->device) || check_device(op->device, r);
	}
	return true;
}

/* Sorts the members of the object into value[], in the order of the shape. */
static bool sort_keys(const struct shape *shape, const struct json_node **value,
		      const struct report *r)
{
	size_t k;

	for (uint32_t i = 1; i < nodes[0].next; i = nodes[i + 1].next) {
		const char *name = nodes[i].string;

		if (!strcmp(name, "op"))
			continue;
		for (k = 0; k < KEYS_MAX && shape->keys[k].name; k++) {
			if (!strcmp(name, shape->keys[k].name))
				break;
		}
		if (k == KEYS_MAX || !shape->keys[k].name)
			return fail(r, "op \"%s\" has no key \"%s\"", shape->name, name);
		value[k] = &nodes[i + 1];
		if (value[k]->type != shape->keys[k].type)
			return fail(r, "key \"%s\" is %s, not %s", name, type_names[value[k]->type],
				    type_names[shape->keys[k].type]);
	}
	for (k = 0; k < KEYS_MAX && shape->keys[k].name; k++) {
		if (!value[k] && !shape->keys[k].optional)
			return fail(r, "op \"%s\" lacks the key \"%s\"", shape->name,
				    shape->keys[k].name);
	}
	return true;
}

static const struct json_node *find_op(void)
{
	for (uint32_t i = 1; i < nodes[0].next; i = nodes[i + 1].next) {
		if (!strcmp(nodes[i].string, "op"))
			return &nodes[i + 1];
	}
	return NULL;
}

bool plan_parse(char *line, size_t len, struct op *op, char *error, size_t size)
{
	const struct report r = { error, size };
	const struct json_node *value[KEYS_MAX] = {}, *name;
	const struct shape *shape = NULL;
	struct json_error err;

	if (json_parse(line, len, nodes, NODES_MAX, &err) < 0)
		return fail(&r, "byte %zu: %s", err.at, err.what);
	if (nodes[0].type != JSON_OBJECT)
		return fail(&r, "the line is %s, not an object", type_names[nodes[0].type]);
	name = find_op();
	if (!name)
		return fail(&r, "the key \"op\" is missing");
	if (name->type != JSON_STRING)
		return fail(&r, "key \"op\" is %s, not a string", type_names[name->type]);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!strcmp(name->string, shapes[i].name))
			shape = &shapes[i];
	}
	if (!shape)
		return fail(&r, "unknown op \"%s\"", name->string);
	if (!sort_keys(shape, value, &r))
		return false;

	memset(op, 0, sizeof(*op));
	op->kind = shape->kind;
	switch (op->kind) {
	case OP_READ:
		op->path = value[0]->string;
		return *op->path == '/' || fail(&r, "path \"%s\" is not absolute", op->path);
	case OP_TAKE:
		return parse_take(value, op, &r);
	case OP_RESTORE:
		op->dry = value[0] && value[0]->integer;
		return true;
	case OP_MAKE:
		return parse_make(value, op, &r);
	case OP_TEST:
		return parse_test(value, op, &r);
	default:
		return true;
	}
}
