// SPDX-License-Identifier: GPL-2.0-only
/* cts-exec: runs a plan on a target. See docs/stream.md. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "file.h"
#include "frame.h"
#include "inventory.h"
#include "kexec.h"
#include "kmsg.h"
#include "lava.h"
#include "mdev.h"
#include "plan.h"
#include "take.h"
#include "test.h"
#include "undo.h"
#include "wait.h"

#define BAD_TEXT_MAX 200

static const char usage[] =
	"Usage: cts-exec [--stream DEVICE | --plan FILE] [--lava] [--undo FOLDER]\n"
	"       cts-exec --undo FOLDER --kexec IMAGE INITRD LINE [BDF...]\n"
	"\n"
	"Reads a plan, one JSON object a line, runs it on this machine, and writes events.\n"
	"\n"
	"  --stream DEVICE  a device for both, such as a virtio-serial port;\n"
	"                   default: standard input and output\n"
	"  --plan FILE      the whole plan, which nobody follows: it ends after a test that\n"
	"                   should not be followed by another on the same kernel\n"
	"  --lava           also tell LAVA of each test, by lines between the events\n"
	"  --undo FOLDER    where a real host's devices are noted before they are taken,\n"
	"                   so that they can be given back whatever happens\n"
	"  --kexec IMAGE    instead: load a kernel that the next shutdown will start, with an\n"
	"                   initial ramdisk (\"-\": none) and a command line, if the machine is\n"
	"                   clean; the functions named are reset\n"
	"  --version        print the version\n"
	"  --help           print this\n"
	"\n"
	"Exit status: 0 the plan ended; 1 the stream was lost; 2 wrong usage; 128 + N signal N;\n"
	"with --kexec 0 loaded; 1 refused; 3 not clean: what is in the devices or the kernel would\n"
	"outlive such a start\n";

static char buf[PLAN_LINE_MAX + 1]; /* the line that is running, and what came after it */
static size_t filled;
static unsigned long line_number, tests;
static bool alone; /* with --plan */

static void bad_op(const char *line, size_t len, const char *error)
{
	struct json_out *json = frame_begin("bad_op");

	json_put_int(json, "line", (int64_t)line_number);
	json_put_string(json, "error", error);
	json_put_bytes(json, "text", line, len < BAD_TEXT_MAX ? len : BAD_TEXT_MAX);
	frame_end();
}

static void give_back(void)
{
	bool stuck = child_stuck();

	mdev_remove(stuck);
	take_give_back(stuck);
}

/* Returns false at the end of the plan. */
static bool run_line(char *line, size_t len)
{
	static struct op op;
	char start[BAD_TEXT_MAX], error[256];

	memcpy(start, line, len < sizeof(start) ? len : sizeof(start)); /* parsing changes it */
	if (!plan_parse(line, len, &op, error, sizeof(error))) {
		bad_op(start, len, error);
		return true;
	}
	switch (op.kind) {
	case OP_INVENTORY:
		inventory_send();
		return true;
	case OP_READ:
		file_send(op.path);
		return true;
	case OP_TAKE:
		take(op.device, op.driver, op.from, op.dry);
		return true;
	case OP_MAKE:
		mdev_make(op.device, op.parent, op.type);
		return true;
	case OP_GIVE_BACK:
		give_back();
		return true;
	case OP_RESTORE:
		take_restore(op.dry);
		return true;
	case OP_TEST:
		tests++;
		return test_run(&op, alone);
	default:
		return false;
	}
}

/*
 * Runs the lines that are complete in buf, or, at the end of the input, also one without a
 * newline. Returns false at the end of the plan.
 */
static bool run_lines(bool at_end)
{
	static bool skip; /* until the next newline: the line was too long */
	bool go_on = true;

	while (go_on && filled && !wait_stop && !frame_gone()) {
		char *newline = memchr(buf, '\n', filled);
		size_t len = newline ? (size_t)(newline - buf) : filled;
		size_t eaten = newline ? len + 1 : len;

		if (!newline && !at_end && len < sizeof(buf))
			break;
		if (!skip) {
			line_number++;
			if (len > PLAN_LINE_MAX)
				bad_op(buf, len, "longer than 65536 bytes");
			else
				go_on = run_line(buf, len);
		}
		skip = !newline;
		filled -= eaten;
		memmove(buf, buf + eaten, filled);
	}
	return go_on;
}

/* Returns at the end of the plan or of the stream, or when a signal asks to stop. */
static void run_plan(void)
{
	while (run_lines(false) && !wait_stop && !frame_gone()) {
		ssize_t n;

		kmsg_all(NULL);
		if (!frame_wait_input(kmsg_fd()))
			continue;
		n = frame_read(buf + filled, sizeof(buf) - filled);
		if (n > 0) {
			filled += (size_t)n;
		} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			run_lines(true);
			return;
		}
	}
}

static void send_end(void)
{
	struct json_out *json = frame_begin("end");

	json_put_int(json, "tests", (int64_t)tests);
	if (wait_stop)
		json_put_int(json, "signal", wait_stop);
	frame_end();
}

/*
 * Descriptors 0 to CHILD_RECORD_FD are occupied, so that no pipe takes their place; a test
 * inherits none above 2.
 */
static void tidy_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= CHILD_RECORD_FD);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

struct paths {
	const char *stream, *plan, *kexec;
};

static struct paths parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "stream", required_argument, NULL, 's' },
		{ "plan", required_argument, NULL, 'p' },
		{ "lava", no_argument, NULL, 'l' },
		{ "undo", required_argument, NULL, 'u' },
		{ "kexec", required_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct paths paths = {};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			paths.stream = optarg;
			break;
		case 'p':
			paths.plan = optarg;
			break;
		case 'l':
			lava_begin();
			frame_in_pieces();
			break;
		case 'u':
			undo_init(optarg);
			break;
		case 'k':
			paths.kexec = optarg;
			break;
		case 'v':
			puts("cts-exec " CTS_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (paths.kexec && optind + 2 <= argc)
		return paths;
	if (paths.kexec) {
		fprintf(stderr, "cts-exec: --kexec needs INITRD and LINE\n%s", usage);
		exit(2);
	}
	if (optind < argc) {
		fprintf(stderr, "cts-exec: unexpected argument \"%s\"\n%s", argv[optind], usage);
		exit(2);
	}
	if (paths.stream && paths.plan) {
		fprintf(stderr, "cts-exec: --stream and --plan are two sources of one plan\n%s",
			usage);
		exit(2);
	}
	return paths;
}

int main(int argc, char **argv)
{
	struct paths paths = parse_options(argc, argv);
	bool kmsg_readable;
	int err;

	if (paths.kexec)
		return kexec_load(paths.kexec, strcmp(argv[optind], "-") ? argv[optind] : NULL,
				  argv[optind + 1], argv + optind + 2);
	tidy_fds();
	err = child_init();
	if (err == -EEXIST) {
		fputs("cts-exec: it has children that it did not start; start it by fork, not by "
		      "exec alone\n",
		      stderr);
		return 2;
	}
	if (err) {
		fprintf(stderr, "cts-exec: cannot become a subreaper: %s\n", strerror(-err));
		return 2;
	}
	alone = paths.plan;
	err = alone ? frame_read_plan(paths.plan) : frame_connect(paths.stream);
	if (err) {
		fprintf(stderr, "cts-exec: cannot use \"%s\": %s\n",
			alone ? paths.plan : paths.stream, strerror(-err));
		return 2;
	}
	wait_init();
	wait_set_tick(child_tick);
	kmsg_readable = kmsg_open();
	inventory_hello(kmsg_readable);
	run_plan();
	give_back();
	send_end();
	if (wait_stop)
		return 128 + wait_stop;
	return frame_gone() ? 1 : 0;
}
