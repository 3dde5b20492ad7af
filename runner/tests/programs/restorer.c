// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test that is killed when it has told lib/restore.c to write first to argv[1] and then to
 * argv[2]. It leaves another process, whose number it prints.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "restore.h"

int main(int argc, char **argv)
{
	struct restore restore = { 0 };
	pid_t other;

	if (argc < 3)
		return 2;
	restore_begin_all(&restore,
			  (const struct restore_step[]){
				  { .path = argv[1], .text = "first" },
				  { .path = argv[2], .text = "as it was" },
			  },
			  2);
	other = fork();
	if (!other)
		for (;;)
			pause();
	printf("%d\n", (int)other);
	fflush(stdout);
	raise(SIGKILL);
	return 0;
}
