// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "record.h"

/* 60,000 bytes are allowed to a record; a sample takes at most 21 of them. */
#define SAMPLES_PER_RECORD 2000

static const char *const skip_codes[] = {
#define CTS_SKIP_REASON(id, code, cause, meaning) [CTS_SKIP_##id] = code,
#include "skip_reasons.def"
#undef CTS_SKIP_REASON
};

const char *cts_skip_code(enum cts_skip reason)
{
	return skip_codes[reason];
}

/* The record pipe, or -1 when nobody listens. */
static int record_fd(void)
{
	const char *text = getenv("CTS_RECORD_FD");
	char *end;
	long fd;

	if (!text)
		return -1;
	fd = strtol(text, &end, 10);
	if (end == text || *end || fd < 0)
		return -1;
	return (int)fd;
}

/* Sends a finished line; a pipe may take it in pieces. What can't be sent is told on stderr only. */
static void send_line(const char *line, size_t length)
{
	int fd = record_fd();

	while (fd >= 0 && length) {
		ssize_t sent = write(fd, line, length);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			fprintf(stderr, "# record lost: %s\n", strerror(errno));
			return;
		}
		line += sent;
		length -= (size_t)sent;
	}
}

/* A record being written: `out` collects the line in memory until record_send(). */
struct record {
	FILE *out;
	char *line;
	size_t length;
};

static void record_begin(struct record *record)
{
	record->out = open_memstream(&record->line, &record->length);
	cts_require(record->out, "no memory for a record");
}

static void record_send(struct record *record)
{
	fputc('\n', record->out);
	cts_require(!fclose(record->out), "no memory for a record");
	send_line(record->line, record->length);
	free(record->line);
}

void cts_json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void cts_record_skip(enum cts_skip reason, const char *fmt, ...)
{
	struct record record;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	record_begin(&record);
	fprintf(record.out, "{\"skip\":{\"code\":\"%s\",\"text\":", skip_codes[reason]);
	cts_json_string(record.out, text);
	fputs("}}", record.out);
	record_send(&record);
}

void cts_record_lab_error(const char *text)
{
	struct record record;

	record_begin(&record);
	fputs("{\"lab_error\":", record.out);
	cts_json_string(record.out, text);
	fputc('}', record.out);
	record_send(&record);
}

void cts_record_fact(const char *name, const char *fmt, ...)
{
	struct record record;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	record_begin(&record);
	fputs("{\"fact\":{", record.out);
	cts_json_string(record.out, name);
	fputc(':', record.out);
	cts_json_string(record.out, text);
	fputs("}}", record.out);
	record_send(&record);
}

static void write_params(FILE *out, const struct cts_param *params)
{
	const struct cts_param *param;

	for (param = params; param->name; param++) {
		if (param != params)
			fputc(',', out);
		cts_json_string(out, param->name);
		fputc(':', out);
		if (param->word)
			cts_json_string(out, param->word);
		else
			fprintf(out, "%" PRIu64, param->number);
	}
}

void cts_record_row(const char *measure, const char *unit, const struct cts_param *params,
		    const uint64_t *samples, size_t count)
{
	while (count) {
		size_t n = count < SAMPLES_PER_RECORD ? count : SAMPLES_PER_RECORD;
		struct record record;
		size_t i;

		record_begin(&record);
		fputs("{\"measure\":", record.out);
		cts_json_string(record.out, measure);
		fputs(",\"unit\":", record.out);
		cts_json_string(record.out, unit);
		fputs(",\"better\":\"less\",\"params\":{", record.out);
		write_params(record.out, params);
		fputc('}', record.out);
		for (i = 0; i < n; i++)
			fprintf(record.out, "%s%" PRIu64, i ? "," : ",\"samples\":[", samples[i]);
		fputs("]}", record.out);
		record_send(&record);
		samples += n;
		count -= n;
	}
}

void cts_record_fio(const char *json, const struct cts_param *params)
{
	struct record record;

	record_begin(&record);
	fputs("{\"fio\":", record.out);
	/* A record is one line; no string of JSON has a line break in it. */
	for (; *json; json++)
		fputc(*json == '\n' ? ' ' : *json, record.out);
	if (params) {
		fputs(",\"params\":{", record.out);
		write_params(record.out, params);
		fputc('}', record.out);
	}
	fputc('}', record.out);
	record_send(&record);
}

void cts_record_samples(const char *measure, const char *unit, const char *param, uint64_t value,
			const uint64_t *samples, size_t count)
{
	const struct cts_param params[] = { { .name = param, .number = value }, { 0 } };

	cts_record_row(measure, unit, params, samples, count);
}
