// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose limit it is: a user's, for all of his processes, or a process's, as
 * IOMMU_OPTION_RLIMIT_MODE says; and what becomes of the count when processes end.
 */
#include <fcntl.h>
#include <signal.h>

#include "memlock.h"

/* Maps all that the user may lock, and looks from another process of the user what is left. */
static void lock_all(struct __test_metadata *_metadata, const FIXTURE_DATA(bound) * self,
		     size_t left)
{
	pid_t child;

	EXPECT_EQ(0, map(self, LIMIT, 0));
	child = fork();
	if (!child) {
		EXPECT_TRUE(has_room_for(self, left));
		END_CHILD();
	}
	EXPECT_TRUE(came_to_its_end(child));
}

CTS_TEST_F(bound, another_process,
	   .title = "What one process of a user has locked another can't lock in user mode, even when the first has died; it can in process mode",
	   .requirements = { "ACCT-003", "ACCT-004", "ACCT-008" },
	   .needs = NEEDS)
{
	const size_t left = variant->mode ? LIMIT : 0;

	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		pid_t child = fork();

		if (!child) {
			lock_all(_metadata, self, left);
			END_CHILD();
		}
		EXPECT_TRUE(came_to_its_end(child));
		EXPECT_TRUE(has_room_for(self, left));
		EXPECT_EQ(LIMIT, unmap_all(self));
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
}

CTS_TEST_F(bound, another_user,
	   .title = "What one user has locked is nothing to another",
	   .requirements = { "ACCT-003" },
	   .needs = NEEDS)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_EQ(0, map(self, LIMIT, 0));
		END_CHILD();
	}
	if (as_user(_metadata, PRIVILEGE_NOBODY_ELSE, LIMIT)) {
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
	EXPECT_EQ(LIMIT, unmap_all(self));
}

/*
 * A process of PRIVILEGE_NOBODY that does nothing until it is killed: as long as it lives the
 * kernel doesn't forget the user, and with him what is counted as his.
 */
static pid_t keep_user(void)
{
	int ready[2];
	pid_t child;
	char byte;

	cts_require(!pipe2(ready, O_CLOEXEC), "pipe");
	child = fork();
	cts_require(child >= 0, "fork");
	if (!child) {
		privilege_drop(PRIVILEGE_NOBODY);
		cts_require(write(ready[1], "", 1) == 1, "write to a pipe");
		for (;;)
			pause();
	}
	cts_require(read(ready[0], &byte, 1) == 1, "read from a pipe");
	cts_close(&ready[0]);
	cts_close(&ready[1]);
	return child;
}

/* Binds the device to a new context as root, maps as PRIVILEGE_NOBODY, and dies of a signal. */
static void __attribute__((noreturn)) lock_and_die(FIXTURE_DATA(bound) * self, uint64_t mode)
{
	self->iommufd = iommufd_open();
	if (mode)
		cts_require(!set_option(self->iommufd, IOMMU_OPTION_RLIMIT_MODE, 0, mode),
			    "IOMMU_OPTION_RLIMIT_MODE");
	self->device = vfio_open();
	self->device_id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	table_on(self, self->ioas);
	limit_locked(LIMIT);
	privilege_drop(PRIVILEGE_NOBODY);
	cts_require(!map(self, LIMIT, 0), "IOMMU_IOAS_MAP of %d pages", LIMIT);
	kill(getpid(), SIGKILL);
	_exit(0);
}

CTS_TEST_F(bound, the_last_holder_dies,
	   .title = "When the process that holds context and device is killed, all that it had locked can be locked again",
	   .requirements = { "ACCT-007" },
	   .needs = NEEDS)
{
	pid_t keeper, child;
	int status;

	cts_close(&self->device);
	cts_close(&self->iommufd);
	keeper = keep_user();
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		lock_and_die(self, variant->mode);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->device_id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
	ASSERT_EQ(0, kill(keeper, SIGKILL));
	ASSERT_EQ(keeper, waitpid(keeper, NULL, 0));
}

CTS_MAIN
