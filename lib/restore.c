// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "restore.h"

/* Waits for the end of the test and writes. What else it has inherited it lets go of. */
static int wait_and_write(int alive, int file, const char *text)
{
	const ssize_t length = (ssize_t)strlen(text);
	char byte;

	/* Not in the test's process group, which is killed first. */
	if (setsid() < 0 || dup2(file, 0) || dup2(alive, 1) != 1 || close_range(2, ~0U, 0))
		return EBADF;
	while (read(1, &byte, 1) < 0 && errno == EINTR)
		;
	return write(0, text, (size_t)length) == length ? 0 : EIO;
}

void restore_begin(struct restore *restore, const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC), ends[2];

	cts_lab_require(file >= 0, "%s", path);
	cts_lab_require(!pipe2(ends, O_CLOEXEC), "pipe2");
	fflush(NULL);
	restore->child = fork();
	cts_lab_require(restore->child >= 0, "fork");
	if (!restore->child)
		_exit(wait_and_write(ends[0], file, text));
	cts_close(&ends[0]);
	cts_close(&file);
	restore->alive = ends[1];
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
