/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place where cts-exec waits, and so the one place where signals are let in. */
#ifndef CTS_WAIT_H
#define CTS_WAIT_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL
#define NEVER INT64_MAX

/* The signal (SIGTERM, SIGINT, SIGHUP) that asked cts-exec to stop, or 0. */
extern volatile sig_atomic_t wait_stop;

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t now_ns(void);

/* Blocks the stop signals and SIGCHLD except inside wait_fds(), and ignores SIGPIPE. */
void wait_init(void);

/* In a new child: every signal back to its default and none blocked. */
void wait_reset_signals(void);

/*
 * Sets the function that looks after the running test. wait_fds() calls it before and after it
 * sleeps, so deadlines hold even while the stream is stalled. It returns when it wants to be
 * called next (now_ns() time, NEVER). It must not wait.
 */
void wait_set_tick(int64_t (*tick)(int64_t now));

/*
 * poll() until an event, a signal, the tick's time or the time until_ns. Returns the number of
 * descriptors with events; 0 for everything else, with all revents 0.
 */
int wait_fds(struct pollfd *fds, nfds_t n, int64_t until_ns);

#endif
