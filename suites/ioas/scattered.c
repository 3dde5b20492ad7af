// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory whose pages don't follow one another: pages of a file, seen by the process in another
 * order, in runs of one and more. What the kernel gathers into one piece for the table must be one
 * piece of memory, and each page must be found again when it is unmapped.
 */
#include <sys/mman.h>

#include "counted.h"
#include "ioas.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_ROOT)

/* How many pages follow one another in the file, run by run; the runs are seen last one first. */
static const size_t runs[] = { 1, 1, 1, 2, 1, 3, 5, 1, 1, 4, 2, 1, 1 };

#define RUNS (sizeof(runs) / sizeof(runs[0]))
#define PAGES 24

/* A view of the pages of @file, run by run from its end on. */
static char *view_scattered(struct __test_metadata *_metadata, const struct buffer *file)
{
	size_t page = page_size(), at = 0, left = PAGES, i;
	char *view = mmap(NULL, PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, view);
	for (i = 0; i < RUNS; i++) {
		left -= runs[i];
		ASSERT_EQ(view + at * page,
			  mmap(view + at * page, runs[i] * page, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, file->fd, (off_t)(left * page)));
		at += runs[i];
	}
	ASSERT_EQ(PAGES, at);
	return view;
}

/* Do the @count pages of @view from @first on, mapped at @iova, each get just what is theirs? */
static bool all_reached(struct dut *dut, char *view, size_t first, size_t count, uint64_t iova)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	const size_t page = page_size();
	bool good = true;
	size_t i;

	for (i = 0; i < count; i++) {
		/* At the beginning and the end of pages, in turns. */
		size_t offset = i % 2 ? aligned_down(limits, page - limits->smallest) : 0;

		good &= write_lands(dut->dma, iova + i * page + offset, limits->smallest, view,
				    PAGES * page, (first + i) * page + offset);
	}
	return good;
}

CTS_TEST_F(ioas, page_by_page,
	   .title = "Pages in any order, and runs of them, are reached each at its IOVA, and released each once",
	   .requirements = { "MAP-015", "ISO-001", "ACCT-007" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	const size_t page = page_size();
	const uint64_t before = pinned();
	uint64_t iova = iova_alloc(&self->dut.space, (PAGES + 1) * page, page);
	struct buffer file;
	size_t first;
	char *view;

	buffer_alloc(&file, BUFFER_MEMFD, PAGES * page);
	view = view_scattered(_metadata, &file);
	for (first = 0; first < 2; first++) {
		/* Once from an even IOVA page on, once from an odd one. */
		uint64_t at = iova + first * page;
		size_t count = PAGES - 2 * first;

		iommufd_map(self->dut.iommufd, self->dut.ioas, view + first * page, count * page,
			    at);
		EXPECT_EQ(before + count, pinned());
		EXPECT_TRUE(all_reached(&self->dut, view, first, count, at));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, at, count * page);
		EXPECT_EQ(before, pinned());
	}
	buffer_free(&file);
}

/* More pieces than the kernel gathers at a time: it has room for 64 KiB of what says where they
 * are. */
#define MANY 6144

CTS_TEST_F(ioas, many_pieces,
	   .title = "The same of thousands of pieces",
	   .requirements = { "MAP-015", "ISO-001", "ACCT-007" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	const size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	const uint64_t before = pinned();
	uint64_t iova = iova_alloc(&self->dut.space, MANY * page, page);
	struct buffer file;
	char *view;
	size_t i;

	if (__buffer_alloc(&file, BUFFER_MEMFD, MANY * page))
		CTS_SKIP(TOO_LITTLE_MEMORY, "%zu bytes", MANY * page);
	view = mmap(NULL, MANY * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, view);
	for (i = 0; i < MANY; i++) {
		ASSERT_NE(MAP_FAILED,
			  mmap(view + i * page, page, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, file.fd, (off_t)((MANY - 1 - i) * page)));
	}
	iommufd_map(self->dut.iommufd, self->dut.ioas, view, MANY * page, iova);
	EXPECT_EQ(before + MANY, pinned());
	for (i = 0; i < MANY; i += 389) {
		/* With the pages beside it. */
		size_t first = i ? i - 1 : 0, last = i + 1 < MANY ? i + 1 : i;

		EXPECT_TRUE(write_lands(self->dut.dma, iova + i * page, length, view + first * page,
					(last - first + 1) * page, (i - first) * page));
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, MANY * page);
	EXPECT_EQ(before, pinned());
	buffer_free(&file);
}

CTS_TEST_F(ioas, part_by_part,
	   .title = "Of scattered pages, copies of parts keep just theirs when the whole is unmapped",
	   .requirements = { "COPY-003", "COPY-001", "ACCT-006", "ISO-002" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	const size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	const uint64_t before = pinned();
	uint64_t iova = iova_alloc(&self->dut.space, PAGES * page, page);
	uint64_t part = iova_alloc(&self->dut.space, PAGES * page, page);
	uint32_t ioas = self->dut.ioas;
	int iommufd = self->dut.iommufd;
	struct buffer file;
	char *view;

	buffer_alloc(&file, BUFFER_MEMFD, PAGES * page);
	view = view_scattered(_metadata, &file);
	iommufd_map(iommufd, ioas, view, PAGES * page, iova);
	/* Three parts: within runs, across some, and one that overlaps another. */
	iommufd_copy(iommufd, ioas, ioas, 5 * page, iova + 2 * page, part);
	iommufd_copy(iommufd, ioas, ioas, 3 * page, iova + 10 * page, part + 5 * page);
	iommufd_copy(iommufd, ioas, ioas, 4 * page, iova + 5 * page, part + 8 * page);
	EXPECT_EQ(before + PAGES, pinned());
	iommufd_unmap(iommufd, ioas, iova, PAGES * page);
	/* Pages 2 to 8 and 10 to 12 are left. */
	EXPECT_EQ(before + 10, pinned());
	EXPECT_TRUE(all_reached(&self->dut, view, 2, 5, part));
	EXPECT_TRUE(all_reached(&self->dut, view, 10, 3, part + 5 * page));
	EXPECT_TRUE(all_reached(&self->dut, view, 5, 4, part + 8 * page));
	canary_fill(view, PAGES * page, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, iova + 9 * page, length, view, PAGES * page, 1));

	iommufd_unmap(iommufd, ioas, part, 5 * page);
	EXPECT_EQ(before + 7, pinned());
	EXPECT_TRUE(all_reached(&self->dut, view, 5, 4, part + 8 * page));
	iommufd_unmap(iommufd, ioas, part + 5 * page, 3 * page);
	iommufd_unmap(iommufd, ioas, part + 8 * page, 4 * page);
	EXPECT_EQ(before, pinned());
	buffer_free(&file);
}

CTS_TEST_F(ioas, descriptor_in_parts,
	   .title = "The same of a file mapped by descriptor, from any page on",
	   .requirements = { "MFILE-001", "COPY-003", "ACCT-006" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	const size_t page = page_size();
	const uint64_t before = pinned();
	uint64_t iova = iova_alloc(&self->dut.space, PAGES * page, page), at = iova;
	uint64_t part = iova_alloc(&self->dut.space, PAGES * page, page);
	uint32_t ioas = self->dut.ioas;
	int iommufd = self->dut.iommufd;
	struct buffer file;

	MAP_FILE_OR_SKIP(iommufd);
	buffer_alloc(&file, BUFFER_MEMFD, PAGES * page);
	ASSERT_EQ(0, map_file(iommufd, ioas, FIXED | READ_WRITE, file.fd, 3 * page,
			      (PAGES - 4) * page, &at));
	EXPECT_EQ(before + PAGES - 4, pinned());
	EXPECT_TRUE(all_reached(&self->dut, file.memory, 3, PAGES - 4, iova));
	iommufd_copy(iommufd, ioas, ioas, 6 * page, iova + 2 * page, part);
	iommufd_unmap(iommufd, ioas, iova, (PAGES - 4) * page);
	EXPECT_EQ(before + 6, pinned());
	EXPECT_TRUE(all_reached(&self->dut, file.memory, 5, 6, part));
	iommufd_unmap(iommufd, ioas, part, 6 * page);
	EXPECT_EQ(before, pinned());
	buffer_free(&file);
}

CTS_MAIN
