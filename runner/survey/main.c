// SPDX-License-Identifier: GPL-2.0-only
/* cts-survey: says what a host offers to the suites, as one JSON object. See docs/doctor.md. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../lib/rid.h"
#include "../exec/sysfs.h"
#include "survey.h"

#define OUTPUT_MAX (16 << 20) /* 4,096 functions take 2 MiB */

static const char usage[] = "Usage: cts-survey [--sysfs DIR] [BDF...]\n"
			    "\n"
			    "Writes what this host is, and what the functions are that are named\n"
			    "(all, without a name), as one JSON object. Changes nothing.\n"
			    "\n"
			    "  --sysfs DIR  where sysfs is mounted; default: /sys\n"
			    "  --help       print this\n"
			    "\n"
			    "Exit status: 0; 1 the output could not be written; 2 wrong usage\n";

const char *survey_sysfs = "/sys";

void survey_path(char path[SURVEY_PATH], const char *name, ...)
{
	va_list args;
	int length = snprintf(path, SURVEY_PATH, "%.200s/", survey_sysfs);

	va_start(args, name);
	vsnprintf(path + length, SURVEY_PATH - (size_t)length, name, args);
	va_end(args);
}

void survey_put_text(struct json_out *json, const char *key, const char *path)
{
	char text[4096];

	sysfs_read(path, text, sizeof(text));
	json_put_name(json, key, text);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "sysfs", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c, i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's') {
			survey_sysfs = optarg;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	for (i = optind; i < argc; i++) {
		struct rid rid;

		if (!rid_parse(argv[i], &rid)) {
			fprintf(stderr,
				"cts-survey: \"%s\" is no PCI address such as 0000:01:00.0\n",
				argv[i]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct json_out json = { .size = OUTPUT_MAX };

	parse_options(argc, argv);
	json.buf = malloc(json.size);
	if (!json.buf) {
		fputs("cts-survey: no memory\n", stderr);
		return 1;
	}
	json_open(&json, NULL, '{');
	json_put_int(&json, "survey", 1);
	survey_host(&json);
	survey_log(&json);
	survey_functions(&json, argv + optind, argc - optind);
	json_close(&json, '}');
	if (json.full) {
		fputs("cts-survey: more to say than fits\n", stderr);
		return 1;
	}
	json.buf[json.len++] = '\n';
	if (fwrite(json.buf, 1, json.len, stdout) != json.len || fflush(stdout)) {
		perror("cts-survey: writing");
		return 1;
	}
	free(json.buf);
	return 0;
}
