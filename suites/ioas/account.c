// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped is pinned while there is a table, counted once for each IOMMU_IOAS_MAP, and given
 * back by whatever ends the mapping. Asked here of VmPin, which counts for everybody; the limits of
 * ordinary users are for memlock.c.
 */
#include <sys/mman.h>

#include "as_user.h"
#include "bound.h"
#include "counted.h"

#define PAGES 4

static int map(const FIXTURE_DATA(bound) * self, uint32_t ioas, size_t pages, uint64_t iova)
{
	return __iommufd_map(self->iommufd, ioas, self->memory, pages * self->page, iova);
}

static int copy(const FIXTURE_DATA(bound) * self, uint32_t target, uint32_t source, size_t pages,
		uint64_t from, uint64_t to)
{
	return __iommufd_copy(self->iommufd, target, source, FIXED | READ_WRITE, pages * self->page,
			      from, &to);
}

CTS_TEST_F(bound, pinned_while_there_is_a_table,
	   .title = "Mapped memory is pinned from the first table on, once for all tables, until the last is gone",
	   .requirements = { "ACCT-005", "ACCT-006", "ACCT-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned();
	uint32_t first, second;

	EXPECT_EQ(0, map(self, self->ioas, PAGES, self->iova));
	EXPECT_EQ(before, pinned());
	first = table_on(self, self->ioas);
	EXPECT_EQ(before + PAGES, pinned());
	second = table_on(self, self->ioas);
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_EQ(0, map(self, self->ioas, 1, self->iova + PAGES * self->page));
	EXPECT_EQ(before + PAGES + 1, pinned());
	iommufd_destroy(self->iommufd, first);
	EXPECT_EQ(before + PAGES + 1, pinned());
	iommufd_unmap(self->iommufd, self->ioas, self->iova + PAGES * self->page, self->page);
	EXPECT_EQ(before + PAGES, pinned());
	iommufd_destroy(self->iommufd, second);
	EXPECT_EQ(before, pinned());
	/* The mapping is there still, for a table to come. */
	first = table_on(self, self->ioas);
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, once_for_each_map,
	   .title = "A copy is of the memory that is pinned already; a second mapping of it pins it again",
	   .requirements = { "ACCT-006", "ACCT-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned(), iova = self->iova;
	const uint64_t elsewhere = iova + BOUND_PAGES * self->page;
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	table_on(self, self->ioas);
	table_on(self, other);
	EXPECT_EQ(0, map(self, self->ioas, PAGES, iova));
	EXPECT_EQ(0, copy(self, other, self->ioas, PAGES, iova, iova));
	EXPECT_EQ(0, copy(self, self->ioas, self->ioas, 2, iova + self->page, elsewhere));
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_EQ(0, map(self, other, PAGES, elsewhere));
	EXPECT_EQ(before + 2 * PAGES, pinned());

	iommufd_unmap(self->iommufd, self->ioas, iova, PAGES * self->page);
	EXPECT_EQ(before + 2 * PAGES, pinned());
	iommufd_unmap(self->iommufd, other, elsewhere, PAGES * self->page);
	EXPECT_EQ(before + PAGES, pinned());
	/* Of the first memory a copy of two pages is left. */
	iommufd_unmap(self->iommufd, other, iova, PAGES * self->page);
	EXPECT_EQ(before + 2, pinned());
	iommufd_unmap(self->iommufd, self->ioas, elsewhere, 2 * self->page);
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, copy_without_a_table,
	   .title = "A copy in an IOAS without a table pins nothing, and keeps the memory for a table to come",
	   .requirements = { "ACCT-005", "ACCT-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned(), iova = self->iova;
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	table_on(self, self->ioas);
	EXPECT_EQ(0, map(self, self->ioas, PAGES, iova));
	EXPECT_EQ(0, copy(self, other, self->ioas, PAGES, iova, iova));
	iommufd_unmap(self->iommufd, self->ioas, iova, PAGES * self->page);
	EXPECT_EQ(before, pinned());
	table_on(self, other);
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, other));
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, parts_of_pages,
	   .title = "A page of which a part is mapped is pinned as a whole, once for each mapping that has a byte of it",
	   .requirements = { "ACCT-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned();
	uint64_t part;
	uint32_t count;

	table_on(self, self->ioas);
	free(iommufd_iova_ranges(self->iommufd, self->ioas, &count, &part));
	if (part == self->page)
		CTS_SKIP(IOMMU_LACKS, "tables of less than the processor's pages");
	iommufd_map(self->iommufd, self->ioas, self->memory + self->page - part, 2 * part,
		    self->iova);
	EXPECT_EQ(before + 2, pinned());
	iommufd_map(self->iommufd, self->ioas, self->memory, part, self->iova + self->page);
	EXPECT_EQ(before + 3, pinned());
	iommufd_unmap(self->iommufd, self->ioas, self->iova, 2 * part);
	EXPECT_EQ(before + 1, pinned());
	iommufd_unmap(self->iommufd, self->ioas, self->iova + self->page, part);
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, every_end,
	   .title = "Unmapping, the end of the table and IOAS, and closing the files give back what was pinned",
	   .requirements = { "ACCT-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned();
	uint32_t hwpt = table_on(self, self->ioas);

	/* The form of unmap that takes several mappings at once. */
	EXPECT_EQ(0, map(self, self->ioas, 1, self->iova));
	EXPECT_EQ(0, map(self, self->ioas, PAGES, self->iova + 2 * self->page));
	EXPECT_EQ(before + PAGES + 1, pinned());
	EXPECT_EQ((PAGES + 1) * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(before, pinned());

	EXPECT_EQ(0, map(self, self->ioas, PAGES, self->iova));
	iommufd_destroy(self->iommufd, hwpt);
	EXPECT_EQ(before, pinned());
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));

	self->ioas = iommufd_ioas_alloc(self->iommufd);
	table_on(self, self->ioas);
	EXPECT_EQ(0, map(self, self->ioas, PAGES, self->iova));
	EXPECT_EQ(before + PAGES, pinned());
	cts_close(&self->iommufd);
	cts_close(&self->device);
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, refused_mapping,
	   .title = "A mapping refused on the way, at its beginning or behind much memory, leaves nothing pinned",
	   .requirements = { "MAP-013", "MAP-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint64_t before = pinned();
	char *hole = self->memory + 8 * self->page;
	uint64_t length;
	size_t first;

	table_on(self, self->ioas);
	ASSERT_EQ(0, mprotect(hole, self->page, PROT_NONE));
	for (first = 0; first <= 8; first += 4) {
		length = (BOUND_PAGES - first) * self->page;
		EXPECT_EQ(-EFAULT,
			  __iommufd_map(self->iommufd, self->ioas,
					self->memory + first * self->page, length, self->iova));
		EXPECT_EQ(before, pinned());
		EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, self->ioas, self->iova, &length));
	}
	EXPECT_EQ(0, map(self, self->ioas, 8, self->iova));
	EXPECT_EQ(before + 8, pinned());
	EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, self->iova, 8 * self->page));
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, refused_copy,
	   .title = "A copy of two mappings of which the second can't be pinned maps and pins neither",
	   .requirements = { "MAP-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);
	const uint64_t before = pinned(), iova = self->iova;

	/* Without a table nobody looks at the memory. */
	EXPECT_EQ(0, map(self, other, PAGES, iova));
	iommufd_map(self->iommufd, other, inaccessible_page(), self->page,
		    iova + PAGES * self->page);
	table_on(self, self->ioas);
	EXPECT_EQ(-EFAULT, copy(self, self->ioas, other, PAGES + 1, iova, iova));
	EXPECT_EQ(before, pinned());
	EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, copy(self, self->ioas, other, PAGES, iova, iova));
	EXPECT_EQ(before + PAGES, pinned());
	EXPECT_EQ((PAGES + 1) * self->page, iommufd_unmap_all(self->iommufd, other));
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(before, pinned());
}

CTS_TEST_F(bound, above_the_limit,
	   .title = "With CAP_IPC_LOCK more can be mapped than may be locked, and it is pinned memory all the same",
	   .requirements = { "ACCT-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	table_on(self, self->ioas);
	if (as_user(_metadata, ROOT, 0)) {
		const uint64_t before = pinned(), lock = locked();

		EXPECT_EQ(0, map(self, self->ioas, BOUND_PAGES, self->iova));
		EXPECT_EQ(before + BOUND_PAGES, pinned());
		EXPECT_EQ(lock, locked());
		EXPECT_EQ(BOUND_PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_EQ(before, pinned());
		END_CHILD();
	}
}

CTS_MAIN
