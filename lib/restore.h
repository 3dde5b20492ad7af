/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A setting of the whole machine that a test changes for a while. A child puts it back when the
 * test has ended, in whatever way: also by the signal that kills it at its deadline. The child is
 * in a session of its own, and cts-exec, which knows it by its name, gives it some seconds.
 */
#ifndef CTS_RESTORE_H
#define CTS_RESTORE_H

#include <stdbool.h>
#include <sys/types.h>

struct restore {
	pid_t child; /* 0: none waits */
	int alive;   /* as long as this is open in the test the child waits */
};

/* What is written where. */
struct restore_step {
	const char *path, *text;
	bool may_fail; /* it is a way to the next step, and may have been gone already */
};

#define RESTORE_STEPS 4

/* When the test has ended @text is written to the file @path. Before the setting is changed. */
void restore_begin(struct restore *restore, const char *path, const char *text);

/* The same in @count steps, one after the other. Their files are opened now. */
void restore_begin_all(struct restore *restore, const struct restore_step *steps,
		       unsigned int count);

/* Does it now; nothing if that was never begun. A lab error if the file doesn't take it. */
void restore_end(struct restore *restore);

#endif
