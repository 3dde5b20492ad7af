// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "even.h"

/*
 * The kernel keeps 40 bytes for each page of a pipe (struct pipe_buffer), in one piece: of 1024
 * pages it is what is allocated in blocks of 64 KiB, and a pipe of so many has just that, while it
 * is empty.
 */
#define PIPE_PAGES 1024
#define PIPES 64

static void close_both(int ends[2])
{
	cts_close(&ends[0]);
	cts_close(&ends[1]);
}

void even_blocks(void)
{
	const int size = PIPE_PAGES * (int)sysconf(_SC_PAGESIZE);
	int pipes[PIPES][2], count, i;

	for (count = 0; count < PIPES; count++) {
		if (pipe2(pipes[count], O_CLOEXEC))
			break;
		/* Not so large for others than root: then it is in nobody's way. */
		(void)fcntl(pipes[count][0], F_SETPIPE_SZ, size);
	}
	/*
	 * From both ends to the middle: what was freed last is taken first, and it matters a little
	 * what lies around it.
	 */
	for (i = 0; i < count / 2; i += 2) {
		close_both(pipes[i]);
		close_both(pipes[count - 2 - i]);
	}
}
