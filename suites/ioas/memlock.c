// SPDX-License-Identifier: GPL-2.0-only
/*
 * RLIMIT_MEMLOCK holds for what an ordinary user has pinned: to the page, and no longer than it is
 * pinned.
 */
#include <sys/mman.h>

#include "memlock.h"

CTS_TEST_F(bound, to_the_page,
	   .title = "As much as the limit can be mapped, at once or bit by bit, and not a page more: ENOMEM",
	   .requirements = { "ACCT-001", "MAP-013" },
	   .needs = NEEDS)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_EQ(-ENOMEM, map(self, LIMIT + 1, 0));
		EXPECT_EQ(-ENOMEM, map(self, BOUND_PAGES, 0));
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, map(self, LIMIT, 0));
		EXPECT_EQ(-ENOMEM, map(self, 1, LIMIT));
		EXPECT_EQ(LIMIT, pinned());
		EXPECT_EQ(LIMIT, unmap_all(self));
		EXPECT_EQ(0, pinned());

		EXPECT_EQ(0, map(self, LIMIT - 1, 0));
		EXPECT_EQ(-ENOMEM, map(self, 2, LIMIT));
		EXPECT_EQ(0, map(self, 1, LIMIT));
		EXPECT_TRUE(has_room_for(self, 0));
		iommufd_unmap(self->iommufd, self->ioas, self->iova, (LIMIT - 1) * self->page);
		EXPECT_TRUE(has_room_for(self, LIMIT - 1));
		EXPECT_EQ(1, unmap_all(self));
		END_CHILD();
	}
}

CTS_TEST_F(bound, no_limit_of_pages,
	   .title = "Who may lock nothing can map nothing",
	   .requirements = { "ACCT-001" },
	   .needs = NEEDS)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, 0)) {
		EXPECT_EQ(-ENOMEM, map(self, 1, 0));
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, unmap_all(self));
		END_CHILD();
	}
}

CTS_TEST_F(bound, files_too,
	   .title = "Memory mapped by descriptor is under the same limit",
	   .requirements = { "ACCT-001", "ACCT-007" },
	   .needs = NEEDS)
{
	uint64_t iova = self->iova;

	MAP_FILE_OR_SKIP(self->iommufd);
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_EQ(-ENOMEM, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE,
					    self->buffer.fd, 0, (LIMIT + 1) * self->page, &iova));
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE,
				      self->buffer.fd, 0, LIMIT * self->page, &iova));
		EXPECT_TRUE(has_room_for(self, 0));
		iommufd_unmap(self->iommufd, self->ioas, iova, LIMIT * self->page);
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
}

CTS_TEST_F(bound, in_which_count,
	   .title = "Locked memory shows in the VmLck of the process that mapped it in process mode, in nobody's in user mode",
	   .requirements = { "ACCT-004", "ACCT-007" },
	   .needs = NEEDS)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_EQ(0, locked());
		EXPECT_EQ(0, map(self, 3, 0));
		EXPECT_EQ(variant->mode ? 3 : 0, locked());
		EXPECT_EQ(0, map(self, LIMIT - 3, BOUND_PAGES));
		EXPECT_EQ(variant->mode ? LIMIT : 0, locked());
		EXPECT_EQ(-ENOMEM, map(self, 1, 3));
		EXPECT_EQ(variant->mode ? LIMIT : 0, locked());
		iommufd_unmap(self->iommufd, self->ioas, self->iova, 3 * self->page);
		EXPECT_EQ(variant->mode ? LIMIT - 3 : 0, locked());
		EXPECT_EQ(LIMIT - 3, unmap_all(self));
		EXPECT_EQ(0, locked());
		END_CHILD();
	}
}

CTS_TEST_F(bound, beside_locked_memory,
	   .title = "Memory locked by mlock() counts against a process's limit together with what is mapped, not against a user's",
	   .requirements = { "ACCT-004" },
	   .needs = NEEDS)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		ASSERT_EQ(0, mlock(self->memory, 2 * self->page));
		EXPECT_TRUE(has_room_for(self, variant->mode ? LIMIT - 2 : LIMIT));
		EXPECT_EQ(2, locked());
		ASSERT_EQ(0, munlock(self->memory, 2 * self->page));
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
}

CTS_TEST_F(bound, late,
	   .title = "Without a table no limit holds; the table that would pin more than the limit is ENOMEM and pins nothing",
	   .requirements = { "ACCT-005" },
	   .needs = NEEDS)
{
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		uint32_t hwpt;

		EXPECT_EQ(0, map(self, LIMIT - 1, 0));
		EXPECT_EQ(0, map(self, 2, BOUND_PAGES));
		EXPECT_EQ(-ENOMEM,
			  __iommufd_hwpt_alloc(self->iommufd, self->device_id, self->ioas, &hwpt));
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, locked());
		EXPECT_EQ(LIMIT + 1, unmap_all(self));
		EXPECT_EQ(0, map(self, LIMIT, 0));
		EXPECT_EQ(0,
			  __iommufd_hwpt_alloc(self->iommufd, self->device_id, self->ioas, &hwpt));
		EXPECT_TRUE(has_room_for(self, 0));
		/* Without the table nothing is locked again. */
		iommufd_destroy(self->iommufd, hwpt);
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, locked());
		EXPECT_EQ(LIMIT, unmap_all(self));
		table_on(self, self->ioas);
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
}

CTS_TEST_F(bound, copies_and_tables,
	   .title = "Copies and further tables take nothing of the limit, and the last of them gives it back",
	   .requirements = { "ACCT-006", "ACCT-007" },
	   .needs = NEEDS)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	table_on(self, self->ioas);
	table_on(self, other);
	if (as_user(_metadata, PRIVILEGE_NOBODY, LIMIT)) {
		EXPECT_EQ(0, map(self, LIMIT, 0));
		iommufd_copy(self->iommufd, other, self->ioas, LIMIT * self->page, self->iova,
			     self->iova);
		table_on(self, other);
		EXPECT_EQ(-ENOMEM, map_in(self, other, 1, BOUND_PAGES));
		EXPECT_EQ(LIMIT, unmap_all(self));
		EXPECT_TRUE(has_room_for(self, 0));
		EXPECT_EQ(LIMIT * self->page, iommufd_unmap_all(self->iommufd, other));
		EXPECT_TRUE(has_room_for(self, LIMIT));
		END_CHILD();
	}
}

CTS_MAIN
