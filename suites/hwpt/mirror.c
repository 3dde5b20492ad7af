// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every table of an IOAS has what the IOAS has: what was mapped before it was made and what is
 * mapped while it lives, until that is unmapped, and nothing else. Pages are pinned once, for all
 * tables.
 */
#include "buffer.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "mock.h"
#include "test.h"

/* The lowest IOVA that a mock table has. */
#define IOVA ((uint64_t)MOCK_APERTURE_START)
#define PAGES 8

/* Two tables of the test beside the kernel's own, and memory. */
FIXTURE(mirror)
{
	int iommufd;
	uint32_t ioas;
	struct mock mock;
	struct buffer buffer;
	char *memory;
	size_t page, size;
};

FIXTURE_SETUP(mirror)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &self->mock);
	self->page = page_size();
	self->size = PAGES * self->page;
	buffer_alloc(&self->buffer, BUFFER_BASE, self->size);
	self->memory = self->buffer.memory;
}

FIXTURE_TEARDOWN(mirror)
{
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* Does @hwpt lead from @iova on to none of @size bytes of @memory? */
static bool reaches_nothing(int iommufd, uint32_t hwpt, uint64_t iova, const char *memory,
			    size_t size)
{
	size_t at;

	for (at = 0; at < size; at += page_size())
		if (mock_reaches(iommufd, hwpt, iova + at, memory + at, page_size()))
			return false;
	return true;
}

CTS_TEST_F(mirror, mapped_before_and_after,
	   .title = "A table leads to what was mapped before it was made and to what is mapped afterwards",
	   .requirements = { "HWPT-001" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t early = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0), late;
	size_t half = self->size / 2;

	iommufd_map(self->iommufd, self->ioas, self->memory, half, IOVA);
	late = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	EXPECT_TRUE(mock_reaches(self->iommufd, early, IOVA, self->memory, half));
	EXPECT_TRUE(mock_reaches(self->iommufd, late, IOVA, self->memory, half));
	EXPECT_TRUE(mock_reaches(self->iommufd, self->mock.hwpt, IOVA, self->memory, half));

	iommufd_map(self->iommufd, self->ioas, self->memory + half, half, IOVA + 4 * self->size);
	EXPECT_TRUE(mock_reaches(self->iommufd, early, IOVA + 4 * self->size, self->memory + half,
				 half));
	EXPECT_TRUE(mock_reaches(self->iommufd, late, IOVA + 4 * self->size, self->memory + half,
				 half));
	EXPECT_TRUE(reaches_nothing(self->iommufd, late, IOVA + half, self->memory + half, half));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 1));
}

CTS_TEST_F(mirror, unmapped,
	   .title = "What is unmapped is gone from every table and no longer pinned",
	   .requirements = { "HWPT-001", "OBJ-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	size_t half = self->size / 2;

	iommufd_map(self->iommufd, self->ioas, self->memory, half, IOVA);
	iommufd_map(self->iommufd, self->ioas, self->memory + half, half, IOVA + half);
	iommufd_unmap(self->iommufd, self->ioas, IOVA, half);
	EXPECT_TRUE(reaches_nothing(self->iommufd, hwpt, IOVA, self->memory, half));
	EXPECT_TRUE(reaches_nothing(self->iommufd, self->mock.hwpt, IOVA, self->memory, half));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, half, 0));
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA + half, self->memory + half, half));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory + half, half, 1));

	iommufd_unmap_all(self->iommufd, self->ioas);
	EXPECT_TRUE(reaches_nothing(self->iommufd, hwpt, IOVA, self->memory, self->size));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 0));
}

/* The table that filled the others is the first to go. */
CTS_TEST_F(mirror, tables_come_and_go,
	   .title = "Tables that come and go leave the others, and the pages, as they are",
	   .requirements = { "HWPT-001", "HWPT-012" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t first, second, elsewhere = iommufd_ioas_alloc(self->iommufd);

	iommufd_map(self->iommufd, self->ioas, self->memory, self->size, IOVA);
	first = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	second = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	mock_replace(self->iommufd, &self->mock, elsewhere);
	EXPECT_TRUE(mock_reaches(self->iommufd, first, IOVA, self->memory, self->size));
	EXPECT_TRUE(mock_reaches(self->iommufd, second, IOVA, self->memory, self->size));
	iommufd_destroy(self->iommufd, first);
	EXPECT_TRUE(mock_reaches(self->iommufd, second, IOVA, self->memory, self->size));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 1));
	iommufd_destroy(self->iommufd, second);
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 0));

	first = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	EXPECT_TRUE(mock_reaches(self->iommufd, first, IOVA, self->memory, self->size));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 1));
}

CTS_TEST_F(mirror, copied,
	   .title = "A copy in another IOAS is in that one's tables, and its pages are pinned once",
	   .requirements = { "HWPT-001", "HWPT-012" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t elsewhere = iommufd_ioas_alloc(self->iommufd);
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, elsewhere, 0);

	iommufd_map(self->iommufd, self->ioas, self->memory, self->size, IOVA);
	iommufd_copy(self->iommufd, elsewhere, self->ioas, self->size, IOVA, IOVA + self->size);
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA + self->size, self->memory, self->size));
	EXPECT_TRUE(reaches_nothing(self->iommufd, hwpt, IOVA, self->memory, self->size));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 1));

	iommufd_unmap_all(self->iommufd, self->ioas);
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA + self->size, self->memory, self->size));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 1));
	iommufd_destroy(self->iommufd, hwpt);
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 0));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, elsewhere));
}

CTS_TEST_F(mirror, reserved_mapped,
	   .title = "A table that can't have what is mapped is refused, and what is mapped stays",
	   .requirements = { "HWPT-013" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_alloc args = { .dev_id = self->mock.device };
	uint32_t next;

	/* Below what a mock table covers. */
	args.pt_id = iommufd_ioas_alloc(self->iommufd);
	iommufd_map(self->iommufd, args.pt_id, self->memory, self->size, self->size);
	next = next_object_id(self->iommufd);
	EXPECT_EQ(-EADDRINUSE, __hwpt_alloc(self->iommufd, &args));
	EXPECT_EQ(next, next_object_id(self->iommufd));
	EXPECT_EQ(-EADDRINUSE, __mock_replace(self->iommufd, &self->mock, args.pt_id, NULL));
	EXPECT_TRUE(mock_pinned(self->iommufd, self->memory, self->size, 0));
	iommufd_unmap(self->iommufd, args.pt_id, self->size, self->size);
	EXPECT_EQ(0, __hwpt_alloc(self->iommufd, &args));
}

CTS_MAIN
