/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes that hold descriptors, and die. */
#ifndef LIFECYCLE_CHILD_H
#define LIFECYCLE_CHILD_H

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "measure.h"

/* How long a child may take on a slow host; nothing is judged by it. */
#define CHILD_PATIENCE_NS 30000000000ULL

/* @size bytes, zeroed, that a child shares with its parent. */
static inline void *child_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cts_lab_require(memory != MAP_FAILED, "shared memory");
	return memory;
}

/* Runs @body in a child, which ends with it, or with the process that started it. */
static inline pid_t child_start(void (*body)(void *), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		body(argument);
		_exit(0);
	}
	return child;
}

/* Waits until @child sets @flag. One that ends instead has failed, and said how. */
static inline void child_await(pid_t child, const volatile bool *flag)
{
	uint64_t deadline = measure_now() + CHILD_PATIENCE_NS;

	while (!*flag) {
		siginfo_t ended = { 0 };

		cts_lab_require(!waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT),
				"waitid");
		cts_require(!ended.si_pid, "the child has ended early");
		cts_lab_require(measure_now() < deadline, "the child is late");
		sched_yield();
	}
}

/* Kills @child and waits until nothing of it is left. */
static inline void child_kill(pid_t child)
{
	int status;

	cts_lab_require(!kill(child, SIGKILL), "kill");
	cts_require(waitpid(child, &status, 0) == child, "waitpid");
	cts_require(WIFSIGNALED(status), "the child ended by itself, status %#x", status);
}

/* Waits for @child to end by itself: the status that it exited with. */
static inline int child_join(pid_t child)
{
	int status;

	cts_require(waitpid(child, &status, 0) == child, "waitpid");
	cts_require(WIFEXITED(status), "the child ended with status %#x", status);
	return WEXITSTATUS(status);
}

#endif
