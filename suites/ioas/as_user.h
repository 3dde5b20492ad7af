/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps of a test that another process takes, as root or as an ordinary user. */
#ifndef IOAS_AS_USER_H
#define IOAS_AS_USER_H

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "privilege.h"
#include "test.h"

/* The user that AS_USER() takes for: stay what you are. */
#define ROOT 0

/* From now on the process may lock @pages pages of memory. */
static inline void limit_locked(uint64_t pages)
{
	const rlim_t bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	const struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		cts_lab_error("RLIMIT_MEMLOCK can't be set");
}

/* Waits for a child: did it come to its end, with nothing wrong that it could not say itself? */
static inline bool came_to_its_end(pid_t child)
{
	int status;

	cts_require(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
	return !status;
}

/*
 * Forks: true in a child of user @user that may lock @pages pages, which has to end with END_CHILD.
 * What fails there fails the test, because the harness keeps its account in shared memory. In the
 * parent, false when the child has ended.
 *
 *	if (as_user(_metadata, PRIVILEGE_NOBODY, 16)) {
 *		EXPECT_EQ(0, ...);
 *		END_CHILD();
 *	}
 */
static inline bool as_user(struct __test_metadata *_metadata, uid_t user, uint64_t pages)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child) {
		EXPECT_TRUE(came_to_its_end(child));
		return false;
	}
	limit_locked(pages);
	if (user != ROOT)
		privilege_drop(user);
	return true;
}

#define END_CHILD()           \
	do {                  \
		fflush(NULL); \
		_exit(0);     \
	} while (0)

#endif
