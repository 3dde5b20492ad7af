// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is pinned when there is a table. So one that is made for mappings of memory that can't be
 * pinned finds it out: it is not made, and leaves the IOAS as it was.
 */
#include <fcntl.h>

#include "as_user.h"
#include "bound.h"
#include "counted.h"

CTS_TEST_F(bound, memory_that_is_not_there,
	   .title = "A table for mappings of memory that isn't there is EFAULT and pins nothing, until they are gone",
	   .requirements = { "MAP-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned(), hole = self->iova + 4 * self->page;
	uint32_t hwpt;

	iommufd_map(self->iommufd, self->ioas, self->memory, 4 * self->page, self->iova);
	iommufd_map(self->iommufd, self->ioas, inaccessible_page(), self->page, hole);
	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, hole + self->page);
	EXPECT_EQ(-EFAULT, try_table(self, &hwpt));
	EXPECT_EQ(before, pinned());
	EXPECT_TRUE(is_wide(self));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, hole, self->page));
	EXPECT_EQ(0, try_table(self, &hwpt));
	EXPECT_EQ(before + 5, pinned());
}

CTS_TEST_F(bound, memory_of_a_dead_process,
	   .title = "A table for memory of a process that is gone is EFAULT; what it mapped by descriptor is there",
	   .requirements = { "MAP-010", "MFILE-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	uint64_t file = self->iova + 4 * self->page;
	uint32_t hwpt;

	MAP_FILE_OR_SKIP(self->iommufd);
	if (as_user(_metadata, ROOT, 0)) {
		iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->iova);
		EXPECT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READABLE, self->buffer.fd,
				      0, self->page, &file));
		END_CHILD();
	}
	EXPECT_EQ(-EFAULT, try_table(self, &hwpt));
	EXPECT_TRUE(is_wide(self));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, self->iova, self->page));
	EXPECT_EQ(0, try_table(self, &hwpt));
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, file, self->page));
}

CTS_TEST_F(bound, file_that_is_no_memory,
	   .title = "A table for mappings of a file that is no memory, or of more than a memfd has, is EINVAL, until they are gone",
	   .requirements = { "MFILE-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned();
	uint64_t iova = self->iova + 4 * self->page;
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	uint32_t hwpt;
	int i;

	MAP_FILE_OR_SKIP(self->iommufd);
	ASSERT_LE(0, zero);
	iommufd_map(self->iommufd, self->ioas, self->memory, 4 * self->page, self->iova);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READABLE,
				      i ? self->buffer.fd : zero, i ? self->page : 0,
				      BOUND_PAGES * self->page, &iova));
		EXPECT_EQ(-EINVAL, try_table(self, &hwpt));
		EXPECT_EQ(before, pinned());
		EXPECT_EQ(0,
			  unmap_exactly(self->iommufd, self->ioas, iova, BOUND_PAGES * self->page));
	}
	EXPECT_EQ(0, try_table(self, &hwpt));
	EXPECT_EQ(before + 4, pinned());
	cts_close(&zero);
}

CTS_MAIN
