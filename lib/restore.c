// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "restore.h"

/*
 * Waits until @fds[0] says that the test has ended, and does each step on one of the descriptors
 * behind it. What else it has inherited it lets go of.
 */
static int wait_and_write(const int *fds, const struct restore_step *steps, unsigned int count)
{
	int moved[1 + RESTORE_STEPS], failed = 0;
	unsigned int i;
	char byte;

	/* Not in the test's process group, which is killed first; cts-exec lets who is called so go
	 * on. */
	if (setsid() < 0 || prctl(PR_SET_NAME, "cts-restore"))
		return EPERM;
	for (i = 0; i <= count; i++)
		moved[i] = fcntl(fds[i], F_DUPFD, 1 + RESTORE_STEPS);
	for (i = 0; i <= count; i++)
		if (dup2(moved[i], (int)i) != (int)i)
			return EBADF;
	if (close_range(count + 1, ~0U, 0))
		return EBADF;
	while (read(0, &byte, 1) < 0 && errno == EINTR)
		;
	for (i = 0; i < count; i++) {
		const ssize_t length = (ssize_t)strlen(steps[i].text);

		if (write((int)i + 1, steps[i].text, (size_t)length) != length &&
		    !steps[i].may_fail)
			failed = EIO;
	}
	return failed;
}

void restore_begin_all(struct restore *restore, const struct restore_step *steps,
		       unsigned int count)
{
	int fds[1 + RESTORE_STEPS], ends[2], ready[2];
	unsigned int i;
	char byte;

	cts_lab_require(count <= RESTORE_STEPS, "fewer steps");
	for (i = 0; i < count; i++) {
		fds[1 + i] = open(steps[i].path, O_WRONLY | O_CLOEXEC);
		cts_lab_require(fds[1 + i] >= 0, "%s", steps[i].path);
	}
	cts_lab_require(!pipe2(ends, O_CLOEXEC) && !pipe2(ready, O_CLOEXEC), "pipe2");
	fds[0] = ends[0];
	fflush(NULL);
	restore->child = fork();
	cts_lab_require(restore->child >= 0, "fork");
	if (!restore->child)
		_exit(wait_and_write(fds, steps, count));
	for (i = 0; i <= count; i++)
		cts_close(&fds[i]);
	/* Only when it has let go of this it is out of reach of who kills the test. */
	cts_close(&ready[1]);
	while (read(ready[0], &byte, 1) < 0 && errno == EINTR)
		;
	cts_close(&ready[0]);
	restore->alive = ends[1];
}

void restore_begin(struct restore *restore, const char *path, const char *text)
{
	const struct restore_step step = { .path = path, .text = text };

	restore_begin_all(restore, &step, 1);
}

void restore_end(struct restore *restore)
{
	int status;

	if (!restore->child)
		return;
	cts_close(&restore->alive);
	cts_lab_require(waitpid(restore->child, &status, 0) == restore->child, "waitpid");
	restore->child = 0;
	if (status)
		cts_lab_error("a setting can't be put back: status %#x", status);
}
