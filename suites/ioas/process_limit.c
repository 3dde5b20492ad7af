// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_IOAS_CHANGE_PROCESS under RLIMIT_MEMLOCK, within a user and from one to another. */
#include <fcntl.h>

#include "process_users.h"

/* Can the user lock @pages pages now, and no more? */
static bool may_lock(const FIXTURE_DATA(bound) * self, size_t pages)
{
	const uint64_t iova = self->iova + 2 * BOUND_PAGES * self->page;
	uint64_t length = pages * self->page;
	int all = __iommufd_map(self->iommufd, self->ioas, self->memory, length, iova);
	int more =
		__iommufd_map(self->iommufd, self->ioas, self->memory, self->page, iova + length);

	if (!all)
		iommufd_unmap(self->iommufd, self->ioas, iova, length);
	if (!all && more == -ENOMEM)
		return true;
	fprintf(stderr, "# %zu pages to be locked: %d, one more: %d\n", pages, all, more);
	return false;
}

CTS_TEST_F(bound, over_the_limit,
	   .title = "A process that may not lock as much can't take over: ENOMEM, and all stays with the old one",
	   .requirements = { "PROC-004" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, LIMIT)) {
		pid_t child;

		EXPECT_EQ(0, map(self, self->ioas, 0));
		child = fork();
		if (!child) {
			limit_locked(PAGES - 1);
			EXPECT_EQ(-ENOMEM, change_process(self->iommufd));
			EXPECT_TRUE(has(0, variant->mode));
			END_CHILD();
		}
		EXPECT_TRUE(came_to_its_end(child));
		EXPECT_TRUE(has(PAGES, variant->mode));
		EXPECT_TRUE(may_lock(self, LIMIT - PAGES));
		EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_TRUE(has(0, variant->mode));
		EXPECT_TRUE(may_lock(self, LIMIT));
		END_CHILD();
	}
}

CTS_TEST_F(bound, to_another_user,
	   .title = "What is taken over by a process of another user counts as that user's, and the old one may lock as much again",
	   .requirements = { "PROC-001", "ACCT-003" },
	   .needs = NEEDS)
{
	int done[2], go[2];
	pid_t child;
	char byte;

	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	ASSERT_EQ(0, pipe2(done, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		limit_locked(LIMIT);
		privilege_drop(variant->user);
		EXPECT_EQ(0, map(self, self->ioas, 0));
		EXPECT_TRUE(may_lock(self, LIMIT - PAGES));
		EXPECT_EQ(1, write(done[1], "", 1));
		EXPECT_EQ(1, read(go[0], &byte, 1));
		EXPECT_TRUE(has(0, variant->mode));
		EXPECT_TRUE(may_lock(self, LIMIT));
		END_CHILD();
	}
	EXPECT_EQ(1, read(done[0], &byte, 1));
	if (as_user(_metadata, PRIVILEGE_NOBODY_ELSE, LIMIT)) {
		EXPECT_EQ(0, change_process(self->iommufd));
		EXPECT_TRUE(has(PAGES, variant->mode));
		EXPECT_TRUE(may_lock(self, LIMIT - PAGES));
		END_CHILD();
	}
	EXPECT_EQ(1, write(go[1], "", 1));
	EXPECT_TRUE(came_to_its_end(child));
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
}

CTS_TEST_F(bound, no_room_for_twice,
	   .title = "Whether a change from one process to another of the same user needs room for both",
	   .requirements = { "PROC-006" },
	   .needs = NEEDS,
	   .kind = CTS_CHARACTERISATION)
{
	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, PAGES)) {
		EXPECT_EQ(0, map(self, self->ioas, 0));
		if (!fork()) {
			cts_record_fact("without room for twice as much", "%d",
					change_process(self->iommufd));
			END_CHILD();
		}
		ASSERT_LT(0, wait(NULL));
		END_CHILD();
	}
}

CTS_MAIN
