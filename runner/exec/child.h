/* SPDX-License-Identifier: GPL-2.0-only */
/* The process of the running test, and whatever it leaves behind. One at a time. */
#ifndef CTS_CHILD_H
#define CTS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum child_outcome {
	CHILD_EXITED,
	CHILD_SIGNALED,
	CHILD_TIMEOUT,
	CHILD_STOPPED,	  /* by a signal to cts-exec, or the end of the stream */
	CHILD_UNKILLABLE, /* it, or what it left, is still there 10 s after SIGKILL */
};

struct child_result {
	enum child_outcome outcome;
	int value; /* exit code or signal */
	int64_t duration_ns;
	struct rusage usage; /* of the test and what it has waited for */
	unsigned int left;   /* processes beside the first that had to be killed */
};

/*
 * Where the new process finds its record pipe: below 10, for shells that know only such
 * numbers. cts-exec keeps this descriptor occupied, so that nothing else gets it.
 */
#define CHILD_RECORD_FD 3

/*
 * The ends of the pipes that the new process gets, all above CHILD_RECORD_FD, all with
 * FD_CLOEXEC.
 */
struct child_fds {
	int out, err, record;
};

/*
 * Makes cts-exec the one who inherits orphans. Returns 0 or -errno; -EEXIST if it was started
 * with children that it did not make, which could not be told from what a test leaves behind.
 */
int child_init(void);

/* Is a process of an earlier test still there, which could not be killed? Not while a test runs. */
bool child_stuck(void);

/*
 * Makes the process in a session of its own and holds it before argv[0] is executed, with the
 * environment envp. *exec_fd becomes the read end of a pipe that closes when the execution
 * succeeded, and else gives a struct child_exec_error; the caller closes it. Returns the pid or
 * -errno.
 */
pid_t child_spawn(char *const *argv, char *const *envp, const struct child_fds *fds, int *exec_fd);

/* What the new process could not do. */
enum child_stage { CHILD_CHDIR, CHILD_NULL, CHILD_EXEC };

struct child_exec_error {
	int error; /* errno */
	enum child_stage stage;
};

/* Lets the process go; it is killed after timeout_ms. From here on its time counts. */
void child_go(int64_t timeout_ms);

/* Kills it now. */
void child_stop(void);

/* For wait_set_tick(): reaps, kills at the deadline, kills what is left. */
int64_t child_tick(int64_t now);

/* Is all over? Then *result is filled. */
bool child_done(struct child_result *result);

#endif
