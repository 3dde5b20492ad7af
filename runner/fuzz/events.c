// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: what a test writes to its standard output or its record pipe, or what is in the
 * kernel's log, on its way into frames. Each frame is read again, and nothing may be missing.
 *
 * The first byte of the input says which of the three it is and how many bytes come at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../exec/frame.h"
#include "../exec/kmsg.h"
#include "../exec/output.h"
#include "../exec/record.h"
#include "../exec/wait.h"
#include "fuzz.h"

#define SOURCE_FD 1000	 /* the number by which the program knows the input */
#define KMSG_RECORD 2048 /* bytes that the kernel gives at most (PRINTK_MESSAGE_MAX) */

enum source { OUTPUT, RECORDS, KMSG, SOURCES };

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *buf, size_t size);
ssize_t __wrap_read(int fd, void *buf, size_t size);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
int __real_close(int fd);
int __wrap_close(int fd);

/* In every frame; where they are few, the longest that there may be, of what takes most room. */
static char id[513];
#define FEW 8

static enum source source;
static const uint8_t *input;
static size_t left, chunk;

/* A frame as far as it was written, and what came in those of this input. */
static char frame[FRAME_JSON_MAX + 64];
static size_t frame_len;
static unsigned long long next_seq;
static const uint8_t *printed;
static size_t n_printed, n_passed, n_dropped, n_records;

volatile sig_atomic_t wait_stop;

int64_t now_ns(void)
{
	return 0;
}

/* The stream always takes more. */
int wait_fds(struct pollfd *fds, nfds_t n, int64_t until)
{
	(void)until;
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = fds[i].events;
	return (int)n;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	if (!strcmp(path, "/dev/kmsg"))
		return SOURCE_FD;
	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return __real_open(path, flags, mode);
}

int __wrap_close(int fd)
{
	return fd == SOURCE_FD ? 0 : __real_close(fd);
}

/* A record of the kernel's log ends where the input has a zero; an empty one is a lost one. */
static ssize_t read_kmsg(void *buf, size_t size)
{
	const uint8_t *zero = memchr(input, 0, left);
	size_t len = zero ? (size_t)(zero - input) : left;
	size_t n = len < KMSG_RECORD ? len : KMSG_RECORD;

	CHECK(size >= KMSG_RECORD);
	if (!left) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(buf, input, n);
	input += zero ? len + 1 : len;
	left -= zero ? len + 1 : len;
	if (!n) {
		errno = EPIPE;
		return -1;
	}
	return (ssize_t)n;
}

ssize_t __wrap_read(int fd, void *buf, size_t size)
{
	size_t n = left < chunk ? left : chunk;

	if (fd != SOURCE_FD)
		return __real_read(fd, buf, size);
	if (source == KMSG)
		return read_kmsg(buf, size);
	n = n < size ? n : size;
	memcpy(buf, input, n);
	input += n;
	left -= n;
	return (ssize_t)n;
}

/* Bit by bit, since the code under test has a table. */
static uint32_t crc_of(const char *text, size_t len)
{
	uint32_t crc = ~0U;

	while (len--) {
		crc ^= (unsigned char)*text++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

/* The next bytes of the output; where the input has NUL, that or U+0001. */
static void pass(const char *bytes, size_t len)
{
	for (; len; len--, bytes++, n_passed++) {
		size_t at = n_passed < OUTPUT_HEAD ? n_passed : n_passed + n_dropped;

		CHECK(at < n_printed);
		CHECK(*bytes == (char)printed[at] || (!printed[at] && *bytes == 1));
	}
}

static void pass_base64(const char *text, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	CHECK(len % 4 == 0);
	for (; len; text += 4, len -= 4) {
		uint32_t bits = 0;
		size_t n = 3;

		for (size_t i = 0; i < 4; i++) {
			const char *digit = strchr(digits, text[i]);

			if (text[i] == '=') {
				CHECK(len == 4 && i >= 2);
				n = n > i - 1 ? i - 1 : n;
				digit = digits;
			}
			CHECK(digit);
			bits = bits << 6 | (uint32_t)(digit - digits);
		}
		pass((char[]){ (char)(bits >> 16), (char)(bits >> 8), (char)bits }, n);
	}
}

/* cts-exec's reader takes no NUL, so it is given U+0001 in its place. */
static void replace_nul(char *text, size_t len)
{
	for (size_t i = 0; i + 5 < len; i++) {
		if (text[i] != '\\')
			continue;
		i++;
		if (!strncmp(text + i, "u0000", 5))
			text[i + 4] = '1';
	}
}

static void check_event(char *text, size_t len)
{
	static struct json_node nodes[FRAME_JSON_MAX / 2 + 1];
	struct json_error err;
	int n = json_parse(text, len, nodes, FRAME_JSON_MAX / 2 + 1, &err);

	CHECK(n > 2 && nodes[0].type == JSON_OBJECT);
	CHECK(!strcmp(nodes[1].string, "ev") && nodes[2].type == JSON_STRING);
	if (!strcmp(nodes[2].string, "record") || !strcmp(nodes[2].string, "bad_record"))
		n_records++;
	for (uint32_t at = 1; at < nodes[0].next; at = nodes[at + 1].next) {
		const struct json_node *value = &nodes[at + 1];

		if (!strcmp(nodes[at].string, "id"))
			CHECK(!strcmp(value->string, id));
		if (source == OUTPUT && !strcmp(nodes[at].string, "text"))
			pass(value->string, value->len);
		if (source == OUTPUT && !strcmp(nodes[at].string, "base64"))
			pass_base64(value->string, value->len);
	}
}

/* A frame without its newline, as docs/stream.md has it. No number is left out. */
static void check_frame(void)
{
	char header[64];
	int n = 0;
	uint32_t crc = 0;
	size_t len;

	frame[frame_len] = '\0';
	CHECK(sscanf(frame, "@cts %*u %8x %n", &crc, &n) == 1 && n > 0);
	len = frame_len - (size_t)n;
	snprintf(header, sizeof(header), "@cts %llu %08x ", next_seq++, crc);
	CHECK(!strncmp(frame, header, (size_t)n) && strlen(header) == (size_t)n);
	CHECK(len <= FRAME_JSON_MAX && crc == crc_of(frame + n, len));
	replace_nul(frame + n, len);
	for (size_t i = 0; i < frame_len; i++)
		CHECK(frame[i] >= 0x20 && frame[i] < 0x7f);
	check_event(frame + n, len);
	frame_len = 0;
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
	if (fd != STDOUT_FILENO)
		return __real_write(fd, buf, size);
	for (const char *p = buf; p < (const char *)buf + size; p++) {
		if (*p == '\n') {
			check_frame();
			continue;
		}
		CHECK(frame_len < sizeof(frame) - 1);
		frame[frame_len++] = *p;
	}
	return (ssize_t)size;
}

static void run_output(void)
{
	static struct output output;

	printed = input;
	n_printed = left;
	n_dropped = left > OUTPUT_HEAD + OUTPUT_TAIL ? left - OUTPUT_HEAD - OUTPUT_TAIL : 0;
	output = (struct output){ .id = id, .name = "stdout", .fd = SOURCE_FD };
	while (output_read(&output))
		;
	output_end(&output);
	CHECK(n_passed == n_printed - n_dropped);
}

static void run_records(void)
{
	static struct record_pipe record;
	size_t lines = left && input[left - 1] != '\n';

	for (size_t i = 0; i < left; i++)
		lines += input[i] == '\n';
	record = (struct record_pipe){ .id = id, .fd = SOURCE_FD };
	while (record_read(&record))
		;
	record_end(&record);
	CHECK(n_records == lines);
}

static void run_kmsg(void)
{
	CHECK(kmsg_open());
	kmsg_mark();
	kmsg_some(id);
	kmsg_all(id);
	CHECK(!left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const run[SOURCES])(void) = {
		[OUTPUT] = run_output,
		[RECORDS] = run_records,
		[KMSG] = run_kmsg,
	};

	size_t parts = 0;

	if (!size || size > RECORD_TOTAL / 128)
		return 0;
	source = *data % SOURCES;
	chunk = (size_t)1 << *data / SOURCES % 15;
	input = data + 1;
	left = size - 1;
	if (chunk < left / 128)
		chunk = left / 128;
	for (size_t i = 0; i < left; i++)
		parts += !input[i] || input[i] == '\n';
	memset(id, 0, sizeof(id));
	memset(id, '\001', parts < FEW && left / chunk < FEW ? sizeof(id) - 1 : 1);
	n_passed = n_records = 0;
	run[source]();
	CHECK(!frame_len);
	return 0;
}
