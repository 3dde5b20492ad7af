/* SPDX-License-Identifier: GPL-2.0-only */
/* What the unit tests of lib/ stand on: programs that end in 0 if all holds. */
#ifndef CTS_UNIT_H
#define CTS_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: (%s) does not hold\n", __FILE__, __LINE__, \
				#condition);                                               \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

/* Runs @statement in a child, where it must end the test (check.h) or crash. */
#define CHECK_ENDS(statement)                                     \
	do {                                                      \
		pid_t __child = fork();                           \
		int __status;                                     \
                                                                  \
		if (!__child) {                                   \
			statement;                                \
			_exit(0);                                 \
		}                                                 \
		CHECK(waitpid(__child, &__status, 0) == __child); \
		CHECK(__status);                                  \
	} while (0)

#endif
