// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "env.h"

/* Names and values come from one line of the plan, in which each takes more bytes than here. */
static char text[PLAN_LINE_MAX + 64];
static size_t used;
static char **env;
static size_t n_env;

static bool is_set(const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < n_env; i++) {
		if (!strncmp(env[i], entry, len) && env[i][len] == '=')
			return true;
	}
	return false;
}

static void set(const char *name, const char *value)
{
	char *entry = text + used;
	int len = snprintf(entry, sizeof(text) - used, "%s=%s", name, value);

	if (is_set(entry))
		return;
	env[n_env++] = entry;
	used += (size_t)len + 1;
}

char *const *env_make(const struct op *op)
{
	size_t inherited = 0;
	char number[12];

	while (environ[inherited])
		inherited++;
	free(env);
	env = calloc(inherited + op->n_env + 3, sizeof(*env));
	if (!env)
		return NULL;
	n_env = 0;
	used = 0;

	snprintf(number, sizeof(number), "%d", CHILD_RECORD_FD);
	set("CTS_RECORD_FD", number);
	if (op->device)
		set("CTS_DEVICE", op->device);
	for (size_t i = 0; i < op->n_env; i++)
		set(op->env[i].name, op->env[i].value);
	for (size_t i = 0; i < inherited; i++) {
		if (!is_set(environ[i]))
			env[n_env++] = environ[i];
	}
	return env;
}
