// SPDX-License-Identifier: GPL-2.0-only
/*
 * spawn_loop N PROGRAM: what a test costs without cts-exec: fork, exec, wait, N times over.
 * Prints the nanoseconds of each, one a line. Without arguments it is itself the trivial test,
 * and exits with 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	for (int n = argc > 2 ? atoi(argv[1]) : 0; n > 0; n--) {
		long long start = now_ns();
		pid_t pid = fork();
		int status;

		if (!pid) {
			execv(argv[2], (char *[]){ argv[2], NULL });
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 1;
		printf("%lld\n", now_ns() - start);
	}
	return 0;
}
