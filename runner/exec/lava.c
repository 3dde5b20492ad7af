// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "lava.h"
#include "plan.h"

#define NAME_SIZE (PLAN_ID_MAX + 256)

static bool on, skipped;    /* skipped: the running test */
static char measured[4096]; /* the measurements of the running test, a line each */

void lava_begin(void)
{
	on = true;
}

/* Words of a signal are parted by blanks, > ends it, and LAVA's pages have no / in a name. */
static void append(char *name, const char *text)
{
	size_t n = strlen(name);

	for (; *text && n + 1 < NAME_SIZE; text++)
		name[n++] = isalnum((unsigned char)*text) || strchr("_-.:", *text) ? *text : '_';
	name[n] = '\0';
}

/* The value of a member of the object nodes[object], or NULL if it has none of that type. */
static const struct json_node *member(const struct json_node *nodes, uint32_t object,
				      const char *key, enum json_type type)
{
	for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next) {
		if (!strcmp(nodes[i].string, key))
			return nodes[i + 1].type == type ? &nodes[i + 1] : NULL;
	}
	return NULL;
}

static void append_parameters(char *name, const struct json_node *nodes,
			      const struct json_node *params)
{
	uint32_t i = (uint32_t)(params - nodes) + 1;

	for (; i < params->next; i = nodes[i + 1].next) {
		const struct json_node *value = &nodes[i + 1];
		char number[32];

		append(name, ":");
		append(name, nodes[i].string);
		if (value->type == JSON_INT) {
			snprintf(number, sizeof(number), "%" PRId64, value->integer);
			append(name, number);
		} else if (value->type == JSON_STRING) {
			append(name, value->string);
		}
	}
}

void lava_record(const struct json_node *nodes)
{
	const struct json_node *measure = member(nodes, 0, "measure", JSON_STRING);
	const struct json_node *unit = member(nodes, 0, "unit", JSON_STRING);
	const struct json_node *samples = member(nodes, 0, "samples", JSON_ARRAY);
	const struct json_node *params = member(nodes, 0, "params", JSON_OBJECT);
	char name[NAME_SIZE] = "", units[NAME_SIZE] = "";
	size_t used = strlen(measured);
	double sum = 0;

	if (!on)
		return;
	skipped = skipped || member(nodes, 0, "skip", JSON_OBJECT);
	if (!measure || !unit || !samples || !samples->count)
		return;
	for (uint32_t i = 1; i <= samples->count; i++) {
		if (samples[i].type != JSON_INT)
			return;
		sum += (double)samples[i].integer;
	}
	append(name, measure->string);
	append(units, unit->string);
	if (params)
		append_parameters(name, nodes, params);
	snprintf(measured + used, sizeof(measured) - used, "%s MEASUREMENT=%.1f UNITS=%s\n", name,
		 sum / samples->count, units);
	if (!memchr(measured + used, '\n', sizeof(measured) - used))
		measured[used] = '\0'; /* it did not fit */
}

static void tell(const char *test, const char *measurement, const char *result, const char *more)
{
	char line[NAME_SIZE + sizeof(measured)], name[NAME_SIZE] = "";

	append(name, test);
	snprintf(line, sizeof(line), "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=%s%s RESULT=%s%s>", name,
		 measurement, result, more);
	frame_line(line);
}

void lava_case(const char *id, bool ok)
{
	const char *result = ok ? "pass" : "fail";
	char *save, *values;

	if (!on)
		return;
	for (char *line = strtok_r(measured, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[NAME_SIZE];

		values = strchr(line, ' ');
		snprintf(name, sizeof(name), ":%.*s", (int)(values - line), line);
		tell(id, name, result, values);
	}
	tell(id, "", ok && skipped ? "skip" : result, "");
	skipped = false;
	measured[0] = '\0';
}
