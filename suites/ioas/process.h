/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of IOMMU_IOAS_CHANGE_PROCESS: a context in either mode, in which
 * processes map a file. Who they are is for the variants to say.
 */
#ifndef IOAS_PROCESS_H
#define IOAS_PROCESS_H

#include "test.h"

FIXTURE_VARIANT(bound)
{
	uint64_t mode;
	uid_t user; /* whose processes there are */
};

#define BOUND_MODE (variant->mode)

#include "as_user.h"
#include "bound.h"
#include "counted.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* What is mapped, and what a process may lock that has room for it twice: pages. */
#define PAGES 4
#define LIMIT (2 * PAGES)

#define CHANGE_OR_SKIP()                                                           \
	do {                                                                       \
		if (change_process(self->iommufd) == -ENOTTY)                      \
			CTS_SKIP(KERNEL_LACKS, "no IOMMU_IOAS_CHANGE_PROCESS, or " \
					       "none in the headers");             \
	} while (0)

/* Maps the file, @at pages behind the fixture's IOVA: 0 or -errno. */
static inline int map(const FIXTURE_DATA(bound) * self, uint32_t ioas, uint64_t at)
{
	uint64_t iova = self->iova + at * self->page;

	return map_file(self->iommufd, ioas, FIXED | READ_WRITE, self->buffer.fd, 0,
			PAGES * self->page, &iova);
}

/* Is the process's share @pages pages, pinned and, where it is counted so, locked? */
static inline bool has(uint64_t pages, uint64_t mode)
{
	uint64_t lock = locked(), pin = pinned();

	if (pin == pages && lock == (mode ? pages : 0))
		return true;
	fprintf(stderr, "# process %d: %llu pages pinned, %llu locked; %llu are its own\n",
		getpid(), (unsigned long long)pin, (unsigned long long)lock,
		(unsigned long long)pages);
	return false;
}

/* Runs in a child: what it takes over, it unmaps, and nothing is left. */
static inline void take_over(struct __test_metadata *_metadata, const FIXTURE_DATA(bound) * self,
			     uint64_t mode)
{
	EXPECT_TRUE(has(0, mode));
	EXPECT_EQ(0, change_process(self->iommufd));
	EXPECT_TRUE(has(PAGES, mode));
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_TRUE(has(0, mode));
}

/* A process of @user maps, its child takes over, and nothing is left to either. */
static inline void hand_to_child(struct __test_metadata *_metadata,
				 const FIXTURE_DATA(bound) * self, uid_t user, uint64_t mode)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, user, LIMIT)) {
		pid_t child;

		EXPECT_EQ(0, map(self, self->ioas, 0));
		EXPECT_TRUE(has(PAGES, mode));
		child = fork();
		if (!child) {
			take_over(_metadata, self, mode);
			END_CHILD();
		}
		EXPECT_TRUE(came_to_its_end(child));
		EXPECT_TRUE(has(0, mode));
		END_CHILD();
	}
}

#endif
