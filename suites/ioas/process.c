// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_IOAS_CHANGE_PROCESS: what a context has pinned becomes the calling process's, as one that
 * takes over a running device from another needs it, by fork or by exec.
 */
#include <fcntl.h>

#include "process_users.h"

CTS_TEST_F(bound, child_takes_over,
	   .title = "What a process has pinned becomes its child's when that asks for it, and ends with the mapping",
	   .requirements = { "PROC-001" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	hand_to_child(_metadata, self, variant->user, variant->mode);
}

CTS_TEST_F(bound, successor_of_a_dead_process,
	   .title = "What a process had pinned that has ended becomes the process's that asks for it",
	   .requirements = { "PROC-001" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, LIMIT)) {
		EXPECT_EQ(0, map(self, self->ioas, 0));
		END_CHILD();
	}
	if (as_user(_metadata, variant->user, LIMIT)) {
		take_over(_metadata, self, variant->mode);
		END_CHILD();
	}
}

/* What the program is told to do in place of its tests, once it was executed by one. */
#define AFTER_EXEC "--after-exec"

/*
 * The new program: finds the context as it was left, and takes over. Its arguments are the context,
 * the IOAS and the mode.
 */
static int after_exec(char **argv)
{
	int iommufd = atoi(argv[0]);
	uint32_t ioas = (uint32_t)atoi(argv[1]);
	uint64_t mode = (uint64_t)atoi(argv[2]);
	bool good = has(0, mode);
	int status = change_process(iommufd);

	if (status)
		fprintf(stderr, "# IOMMU_IOAS_CHANGE_PROCESS: %d\n", status);
	good &= !status && has(PAGES, mode);
	iommufd_unmap_all(iommufd, ioas);
	good &= has(0, mode);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

CTS_TEST_F(bound, over_an_exec,
	   .title = "A process that has executed another program takes over what it had pinned before",
	   .requirements = { "PROC-001" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, LIMIT)) {
		char arguments[3][16];

		EXPECT_EQ(0, map(self, self->ioas, 0));
		ASSERT_EQ(0, fcntl(self->iommufd, F_SETFD, 0));
		snprintf(arguments[0], sizeof(arguments[0]), "%d", self->iommufd);
		snprintf(arguments[1], sizeof(arguments[1]), "%u", self->ioas);
		snprintf(arguments[2], sizeof(arguments[2]), "%u", (unsigned int)variant->mode);
		fflush(NULL);
		execl("/proc/self/exe", "process", AFTER_EXEC, arguments[0], arguments[1],
		      arguments[2], NULL);
		cts_lab_error("the program can't execute itself: %s", strerror(errno));
	}
}

CTS_TEST_F(bound, to_oneself,
	   .title = "Without a mapping, and for the process that has all already, the change succeeds and changes nothing",
	   .requirements = { "PROC-003" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, PAGES)) {
		EXPECT_EQ(0, change_process(self->iommufd));
		EXPECT_EQ(0, map(self, self->ioas, 0));
		/* There would be no room for them twice. */
		EXPECT_EQ(0, change_process(self->iommufd));
		EXPECT_EQ(0, change_process(self->iommufd));
		EXPECT_TRUE(has(PAGES, variant->mode));
		EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_TRUE(has(0, variant->mode));
		END_CHILD();
	}
}

CTS_TEST_F(bound, shared_by_copies,
	   .title = "Memory that mappings of two IOASes share is the new process's once",
	   .requirements = { "PROC-005", "PROC-001" },
	   .needs = NEEDS)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	table_on(self, other);
	if (as_user(_metadata, variant->user, 2 * LIMIT)) {
		EXPECT_EQ(0, map(self, self->ioas, 0));
		EXPECT_EQ(0, map(self, other, BOUND_PAGES));
		iommufd_copy(self->iommufd, other, self->ioas, PAGES * self->page, self->iova,
			     self->iova);
		EXPECT_TRUE(has(2 * PAGES, variant->mode));
		if (!fork()) {
			EXPECT_EQ(0, change_process(self->iommufd));
			EXPECT_TRUE(has(2 * PAGES, variant->mode));
			iommufd_unmap_all(self->iommufd, self->ioas);
			EXPECT_TRUE(has(2 * PAGES, variant->mode));
			iommufd_unmap_all(self->iommufd, other);
			EXPECT_TRUE(has(0, variant->mode));
			END_CHILD();
		}
		ASSERT_LT(0, wait(NULL));
		EXPECT_TRUE(has(0, variant->mode));
		END_CHILD();
	}
}

CTS_TEST_F(bound, mapped_by_address,
	   .title = "A mapping by address, or a copy of one, in any IOAS stands in the way: EINVAL, and nothing moves",
	   .requirements = { "PROC-002" },
	   .needs = NEEDS)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	CHANGE_OR_SKIP();
	table_on(self, self->ioas);
	if (as_user(_metadata, variant->user, 2 * LIMIT)) {
		uint64_t length = self->page;
		pid_t child;

		EXPECT_EQ(0, map(self, self->ioas, 0));
		iommufd_map(self->iommufd, other, self->memory, self->page, 0);
		child = fork();
		if (!child) {
			EXPECT_EQ(-EINVAL, change_process(self->iommufd));
			EXPECT_TRUE(has(0, variant->mode));
			iommufd_copy(self->iommufd, other, other, self->page, 0, self->page);
			EXPECT_EQ(0, __iommufd_unmap(self->iommufd, other, 0, &length));
			EXPECT_EQ(-EINVAL, change_process(self->iommufd));
			EXPECT_TRUE(has(0, variant->mode));
			EXPECT_EQ(self->page, iommufd_unmap_all(self->iommufd, other));
			END_CHILD();
		}
		EXPECT_TRUE(came_to_its_end(child));
		EXPECT_TRUE(has(PAGES, variant->mode));
		EXPECT_EQ(0, change_process(self->iommufd));
		EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_TRUE(has(0, variant->mode));
		END_CHILD();
	}
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], AFTER_EXEC))
		return after_exec(argv + 2);
	return cts_main(argc, argv);
}
