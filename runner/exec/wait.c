// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wait.h"

volatile sig_atomic_t wait_stop;

static sigset_t outside; /* the mask we were started with, less the signals handled */
static int64_t (*tick_fn)(int64_t now);

static void on_stop(int sig)
{
	wait_stop = sig;
}

static void on_child(int sig)
{
	(void)sig; /* only there to end ppoll() */
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

void wait_init(void)
{
	static const int stops[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction act = { .sa_handler = on_stop };
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		sigaddset(&block, stops[i]);
		sigaction(stops[i], &act, NULL);
	}
	act.sa_handler = on_child;
	sigaddset(&block, SIGCHLD);
	sigaction(SIGCHLD, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);

	sigprocmask(SIG_BLOCK, &block, &outside);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		sigdelset(&outside, stops[i]);
	sigdelset(&outside, SIGCHLD);
}

void wait_reset_signals(void)
{
	/* The kernel's struct sigaction, all zero: SIG_DFL. Signals 32 and 33, which glibc keeps
	 * for itself, may be inherited as ignored too. */
	static const unsigned long act[4];
	sigset_t none;

	for (int sig = 1; sig <= SIGRTMAX; sig++)
		syscall(SYS_rt_sigaction, sig, act, NULL, (size_t)8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void wait_set_tick(int64_t (*tick)(int64_t now))
{
	tick_fn = tick;
}

int wait_fds(struct pollfd *fds, nfds_t n, int64_t until)
{
	struct timespec ts;
	int64_t left;
	int ready;

	if (tick_fn) {
		int64_t at = tick_fn(now_ns());

		until = at < until ? at : until;
	}
	left = until == NEVER ? 0 : until - now_ns();
	if (left < 0)
		left = 0;
	ts = (struct timespec){ .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	ready = ppoll(fds, n, until == NEVER ? NULL : &ts, &outside);
	if (ready < 0) {
		for (nfds_t i = 0; i < n; i++)
			fds[i].revents = 0;
		ready = 0;
	}
	if (tick_fn)
		tick_fn(now_ns());
	return ready;
}
