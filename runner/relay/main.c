// SPDX-License-Identifier: GPL-2.0-only
/* cts-relay: keeps cts-exec running while nobody listens. See docs/stream.md. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay.h"

#define LINGER_S 600
#define LINGER_MAX_S 86400

static const char usage[] =
	"Usage: cts-relay start [--linger SECONDS] DIR -- PROGRAM [ARGUMENT...]\n"
	"       cts-relay attach DIR OFFSET\n"
	"       cts-relay stop DIR\n"
	"\n"
	"Runs PROGRAM, an absolute path, and keeps what it writes for whoever attaches.\n"
	"\n"
	"  start   returns when PROGRAM runs, which goes on without this session. DIR is to be\n"
	"          a folder of its own, which is removed in the end, with all that is in it\n"
	"  attach  first says \"@relay N\", how many bytes of input PROGRAM was given so far;\n"
	"          then passes on what it wrote from byte OFFSET on, and standard input to it.\n"
	"          Who attaches last wins\n"
	"  stop    ends PROGRAM in order (SIGTERM, after 30 s SIGKILL) and removes DIR\n"
	"  --linger SECONDS  if nobody is attached for so long PROGRAM is ended in order, and if\n"
	"          nobody comes for as long again what it wrote is removed; default: 600\n"
	"\n"
	"Exit status: 0 done, of attach: PROGRAM has ended and that was all; 1 no relay, or no\n"
	"end; 2 wrong usage; 4 somebody else attached; 5 the stream is not kept from OFFSET on;\n"
	"126 PROGRAM can't be started\n";

static int report_fd;

static void report(int error)
{
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(1);
	close(report_fd);
}

static int start(const struct relay *relay)
{
	int pipe_fds[2], null, error = EPIPE;

	if (pipe2(pipe_fds, O_CLOEXEC)) {
		perror("cts-relay: pipe");
		return EXIT_NO_RELAY;
	}
	/* Of this session nothing is left to it: neither its terminal nor its streams. */
	if (!fork()) {
		setsid();
		if (fork())
			_exit(0);
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		report_fd = pipe_fds[1];
		if (chdir("/"))
			_exit(1);
		relay_serve(relay, report);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &error, sizeof(error)) != sizeof(error))
		error = EPIPE;
	if (!error)
		return 0;
	fprintf(stderr, "cts-relay: %s can't be started: %s\n", relay->argv[0], strerror(error));
	return 126;
}

static int wrong(const char *what)
{
	fprintf(stderr, "cts-relay: %s\n%s", what, usage);
	return EXIT_USAGE;
}

static int number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *value <= max;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "linger", required_argument, NULL, 'l' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	struct relay relay = { .linger_ns = LINGER_S * 1000000000LL };
	uint64_t value;
	char **words;
	int c, count;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			if (!number(optarg, LINGER_MAX_S, &value))
				return wrong("--linger takes a number of seconds");
			relay.linger_ns = (int64_t)value * 1000000000LL;
			break;
		case 'v':
			puts("cts-relay " CTS_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return wrong("unknown option");
		}
	}
	words = argv + optind;
	count = argc - optind;
	if (count < 2 || words[1][0] != '/')
		return wrong("what it is to do, and an absolute DIR");
	relay.folder = words[1];
	relay.argv = words + 2;
	if (!strcmp(words[0], "start") && count > 2)
		return start(&relay);
	if (!strcmp(words[0], "attach") && count == 3 && number(words[2], UINT64_MAX, &value))
		return relay_attach(words[1], value);
	if (!strcmp(words[0], "stop") && count == 2)
		return relay_stop(words[1]);
	return wrong("it starts, attaches or stops");
}
