// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#include "survey.h"

/* syslog(2) */
#define READ_ALL 3
#define SIZE_BUFFER 10

#define LINES_MAX 400

static const char *const words[] = {
	"DMAR",	 "AMD-Vi", "IOMMU", "iommu", "smmu", "x2apic",	 "remapping",
	"_OSC:", "AER",	   "DPC",   "HEST",  "APEI", "Lockdown", "locked down",
};

static bool is_wanted(const char *line)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(line, words[i]))
			return true;
	}
	return false;
}

/* The message of a line "<6>[    0.123456] text". */
static char *message(char *line)
{
	char *end;

	if (*line == '<') {
		end = strchr(line, '>');
		line = end ? end + 1 : line;
	}
	if (*line == '[') {
		end = strchr(line, ']');
		line = end ? end + 1 : line;
	}
	return line + strspn(line, " ");
}

static char *read_log(void)
{
	int size = klogctl(SIZE_BUFFER, NULL, 0), length;
	char *text;

	if (size < 0)
		return NULL;
	text = malloc((size_t)size + 1);
	if (!text)
		return NULL;
	length = klogctl(READ_ALL, text, size);
	if (length < 0) {
		free(text);
		return NULL;
	}
	text[length] = '\0';
	return text;
}

void survey_log(struct json_out *json)
{
	char *text = read_log(), *line, *rest;
	bool begins = false;
	int count = 0;

	json_open(json, "log", '{');
	json_put_bool(json, "readable", text);
	json_open(json, "lines", '[');
	for (line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *said = message(line);

		if (!strncmp(said, "Linux version ", strlen("Linux version ")))
			begins = true;
		if (is_wanted(said) && count++ < LINES_MAX)
			json_put_string(json, NULL, said);
	}
	json_close(json, ']');
	/* Is the boot still in it? Is there more than is told? */
	json_put_bool(json, "begins", begins);
	json_put_bool(json, "cut", count > LINES_MAX);
	json_close(json, '}');
	free(text);
}
