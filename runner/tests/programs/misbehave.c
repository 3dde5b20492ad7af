// SPDX-License-Identifier: GPL-2.0-only
/* misbehave HOW [ARGUMENT]: what a test should not do, for cts-exec to cope with. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_all(void)
{
	close_range(0, ~0U, 0);
}

static void __attribute__((noreturn)) stay(void)
{
	for (;;)
		pause();
}

/*
 * Returns in a grandchild, in a session of its own, when the parent is gone; exits with 0 in
 * the first process.
 */
static void daemonize(void)
{
	/* The process between is waited for: one that is only about to end would count as left. */
	if (fork()) {
		wait(NULL);
		exit(0);
	}
	setsid();
	if (fork())
		exit(0);
}

static void live_without_stdio(const char *fifo)
{
	char byte;

	close_all();
	if (read(open(fifo, O_RDONLY), &byte, 1) == 1)
		exit(5);
	exit(6);
}

static void ignore_signals(void)
{
	for (int sig = 1; sig < SIGRTMAX; sig++)
		signal(sig, SIG_IGN);
	if (write(1, "ready\n", 6) == 6)
		stay();
}

/* As the kselftest harness does: the test proper is a child in a group of its own. */
static void own_group(void)
{
	if (!fork()) {
		setpgid(0, 0);
		if (write(1, "ready\n", 6) == 6)
			stay();
	}
	wait(NULL);
}

static void swarm(int n)
{
	while (n--) {
		if (!fork()) {
			setsid();
			stay();
		}
	}
}

/* Each generation leaves the next in a session of its own, as long as it is not killed. */
static void chain(int n)
{
	while (n--) {
		pid_t pid = fork();

		if (pid)
			stay();
		setsid();
	}
	if (write(1, "ready\n", 6) == 6)
		stay();
}

static void sibling(void)
{
	if (!syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0))
		stay();
}

static void flood(long long n, int fd)
{
	static char line[65536];

	memset(line, 'x', sizeof(line));
	while (n > 0) {
		size_t part = n < (long long)sizeof(line) ? (size_t)n : sizeof(line);
		ssize_t done = write(fd, line, part);

		if (done < 0)
			exit(7);
		n -= done;
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "0";

	if (!strcmp(how, "daemon")) {
		daemonize();
		close_all();
		stay();
	} else if (!strcmp(how, "hold")) {
		daemonize();
		stay();
	} else if (!strcmp(how, "closed")) {
		live_without_stdio(arg);
	} else if (!strcmp(how, "ignore")) {
		ignore_signals();
	} else if (!strcmp(how, "group")) {
		own_group();
	} else if (!strcmp(how, "swarm")) {
		swarm(atoi(arg));
	} else if (!strcmp(how, "chain")) {
		chain(atoi(arg));
	} else if (!strcmp(how, "sibling")) {
		sibling();
	} else if (!strcmp(how, "flood")) {
		flood(atoll(arg), 1);
	} else if (!strcmp(how, "flood-record")) {
		flood(atoll(arg), 3);
	} else if (!strcmp(how, "signal")) {
		raise(atoi(arg));
	} else {
		fprintf(stderr, "misbehave: unknown way \"%s\"\n", how);
		return 2;
	}
	return 0;
}
