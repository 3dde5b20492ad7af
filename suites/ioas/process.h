/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of IOMMU_IOAS_CHANGE_PROCESS: a context in either mode, in which
 * processes of an ordinary user map a file.
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

FIXTURE_VARIANT_ADD(bound, by_user)
{
	.mode = 0,
	.user = PRIVILEGE_NOBODY,
};

FIXTURE_VARIANT_ADD(bound, by_process)
{
	.mode = 1,
	.user = PRIVILEGE_NOBODY,
};

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

#endif
