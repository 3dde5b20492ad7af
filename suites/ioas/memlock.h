/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of RLIMIT_MEMLOCK: a context in either mode, in which ordinary users map
 * under a limit of a few pages.
 */
#ifndef IOAS_MEMLOCK_H
#define IOAS_MEMLOCK_H

#include "test.h"

FIXTURE_VARIANT(bound)
{
	uint64_t mode;
};

#define BOUND_MODE (variant->mode)

#include "as_user.h"
#include "bound.h"
#include "counted.h"

FIXTURE_VARIANT_ADD(bound, by_user)
{
	.mode = 0,
};

FIXTURE_VARIANT_ADD(bound, by_process)
{
	.mode = 1,
};

/* Pages that the users of these tests may lock. */
#define LIMIT 8

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

static inline int map_in(const FIXTURE_DATA(bound) * self, uint32_t ioas, size_t pages, uint64_t at)
{
	return __iommufd_map(self->iommufd, ioas, self->memory, pages * self->page,
			     self->iova + at * self->page);
}

/* Maps @pages pages, in the fixture's IOAS, @at pages behind its IOVA: 0 or -errno. */
static inline int map(const FIXTURE_DATA(bound) * self, size_t pages, uint64_t at)
{
	return map_in(self, self->ioas, pages, at);
}

static inline uint64_t unmap_all(const FIXTURE_DATA(bound) * self)
{
	return iommufd_unmap_all(self->iommufd, self->ioas) / self->page;
}

/* Can the process lock just @pages pages more? They are given back. */
static inline bool has_room_for(const FIXTURE_DATA(bound) * self, size_t pages)
{
	const uint64_t at = 2 * BOUND_PAGES;
	int more = map(self, pages + 1, at), all = pages ? map(self, pages, at) : 0;

	if (!more || (pages && !all))
		iommufd_unmap(self->iommufd, self->ioas, self->iova + at * self->page,
			      (pages + !more) * self->page);
	if (more == -ENOMEM && !all)
		return true;
	fprintf(stderr, "# room for %zu pages: %d, for one more: %d\n", pages, all, more);
	return false;
}

#endif
