// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_IOAS_MAP_FILE: a memfd mapped by descriptor and offset. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"

#define PAGES 4

/* Maps @length bytes of @fd from @start on, with @access, at @iova: 0 or -errno. */
static int map_at(struct dut *dut, int fd, uint64_t start, uint64_t length, uint32_t access,
		  uint64_t iova)
{
	return map_file(dut->iommufd, dut->ioas, FIXED | access, fd, start, length, &iova);
}

FIXTURE(file)
{
	struct dut dut;
	struct buffer seen; /* the file, mapped shared by the process */
	size_t page;
	uint64_t iova;
};

FIXTURE_SETUP(file)
{
	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	MAP_FILE_OR_SKIP(self->dut.iommufd);
	self->page = page_size();
	buffer_alloc(&self->seen, BUFFER_MEMFD, PAGES * self->page);
	self->iova = iova_alloc(&self->dut.space, (PAGES + 1) * self->page, self->page);
}

FIXTURE_TEARDOWN(file)
{
	dut_close(&self->dut);
	buffer_free(&self->seen);
}

CTS_TEST_F(file, offset_and_length,
	   .title = "A device writes to the bytes of the memfd from the given offset on",
	   .requirements = { "MFILE-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t i;

	ASSERT_EQ(0, map_at(&self->dut, self->seen.fd, self->page, 2 * self->page,
			    READABLE | WRITEABLE, self->iova));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(leads_to(&self->dut, self->iova + i * self->page, &self->seen, i + 1));
	}
}

CTS_TEST_F(file, read_by_the_device,
	   .title = "What is written to the memfd is what the device reads, also from pages that were never touched",
	   .requirements = { "MFILE-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	size_t length = dma_read_limits(self->dut.dma)->smallest;
	char bytes[LONGEST];
	int fd = memfd_create("ioas", MFD_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, (off_t)(2 * self->page)));
	ASSERT_EQ(0, map_at(&self->dut, fd, 0, 2 * self->page, READABLE, self->iova));
	canary_fill(bytes, length, 0);
	ASSERT_EQ((ssize_t)length, pwrite(fd, bytes, length, (off_t)self->page));
	EXPECT_TRUE(read_sees(self->dut.dma, self->iova + self->page, length, bytes));
	memset(bytes, 0, length);
	EXPECT_TRUE(read_sees(self->dut.dma, self->iova, length, bytes));
	cts_close(&fd);
}

/* As much is looked at for each write: a huge page can have 512 MiB, and all of them take minutes. */
#define LOOKED_AT (4UL << 20)

/* Does the shortest write at @iova arrive at byte @at of @buffer, and nowhere near it? */
static bool lands_at(struct dut *dut, uint64_t iova, const struct buffer *buffer, size_t at)
{
	const size_t begin = at / LOOKED_AT * LOOKED_AT;
	const size_t rest = buffer->size - begin;

	return write_lands(dut->dma, iova, dma_write_limits(dut->dma)->smallest,
			   (char *)buffer->memory + begin, rest < LOOKED_AT ? rest : LOOKED_AT,
			   at - begin);
}

CTS_TEST_F(file, huge_pages,
	   .title = "A memfd of huge pages maps from any base page on",
	   .requirements = { "MFILE-001", "MAP-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t huge = buffer_page(BUFFER_MEMFD_HUGETLB);
	const size_t first = 3 * self->page;
	struct buffer buffer;
	size_t i, at[3];
	uint64_t iova;

	if (!huge || __buffer_alloc(&buffer, BUFFER_MEMFD_HUGETLB, huge))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no huge page is free");
	iova = iova_alloc(&self->dut.space, huge, self->page);
	ASSERT_EQ(0, map_at(&self->dut, buffer.fd, first, huge - 2 * first, READABLE | WRITEABLE,
			    iova));
	at[0] = first;
	at[1] = huge / 2;
	at[2] = huge - first - self->page;
	for (i = 0; i < 3; i++) {
		EXPECT_TRUE(lands_at(&self->dut, iova + at[i] - first, &buffer, at[i]));
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, huge - 2 * first);
	buffer_free(&buffer);
}

CTS_TEST_F(file, huge_pages_in_a_row,
	   .title = "A mapping that begins near the end of a huge page of a memfd goes on with the next one's first byte",
	   .requirements = { "MFILE-001", "MAP-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t huge = buffer_page(BUFFER_MEMFD_HUGETLB);
	const size_t first = huge - 3 * self->page, end = huge + huge / 2;
	const size_t at[] = { first, huge - self->page, huge, huge + self->page, end - self->page };
	struct buffer buffer;
	uint64_t iova;
	size_t i;

	if (!huge || __buffer_alloc(&buffer, BUFFER_MEMFD_HUGETLB, 2 * huge))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no two huge pages are free");
	iova = iova_alloc(&self->dut.space, end - first, self->page);
	ASSERT_EQ(0, map_at(&self->dut, buffer.fd, first, end - first, READABLE | WRITEABLE, iova));
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		EXPECT_TRUE(lands_at(&self->dut, iova + at[i] - first, &buffer, at[i]))
		TH_LOG("at %#zx", at[i]);
	}
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, end - first);
	buffer_free(&buffer);
}

CTS_TEST_F(file, huge_pages_are_let_go,
	   .title = "A huge page of a memfd is held as long as all of it or a part is mapped, and not once more or less after that",
	   .requirements = { "PIN-001", "MFILE-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t huge = buffer_page(BUFFER_MEMFD_HUGETLB);
	const size_t starts[] = { 0, self->page, huge / 2, huge - self->page };
	struct dut *dut = &self->dut;
	uint64_t iova;
	size_t i;

	if (!huge)
		CTS_SKIP(TOO_LITTLE_MEMORY, "the kernel has no huge pages");
	iova = iova_alloc(&dut->space, huge, self->page);
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		int fd = memfd_create("ioas", MFD_CLOEXEC | MFD_HUGETLB | MFD_ALLOW_SEALING);

		ASSERT_LE(0, fd);
		if (ftruncate(fd, (off_t)huge) || fallocate(fd, 0, 0, (off_t)huge))
			CTS_SKIP(TOO_LITTLE_MEMORY, "no huge page is free");
		ASSERT_EQ(0, map_at(dut, fd, starts[i], huge - starts[i], READABLE, iova));
		/* Its references are counted: nobody may have one beside the file. */
		EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
		EXPECT_EQ(EBUSY, errno);
		iommufd_unmap(dut->iommufd, dut->ioas, iova, huge - starts[i]);
		EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
		TH_LOG("mapped from %zu on: %s", starts[i], strerror(errno));
		cts_close(&fd);
	}
}

CTS_TEST_F(file, outlives_the_descriptor,
	   .title = "A mapping goes on when the descriptor is closed; when the file is cut its pages are nobody else's",
	   .requirements = { "MFILE-006", "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	int fd = memfd_create("ioas", MFD_CLOEXEC);
	uint8_t wrote[LONGEST];
	struct buffer fresh;
	char *view;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, (off_t)self->page));
	view = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, view);
	ASSERT_EQ(0, map_at(&self->dut, fd, 0, self->page, READABLE | WRITEABLE, self->iova));
	EXPECT_TRUE(page_written(self->dut.dma, self->iova, view));

	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EQ(0, munmap(view, self->page));
	cts_close(&fd);
	pages_alloc(&fresh, 1024);
	canary_fill(fresh.memory, fresh.size, 0);
	EXPECT_EQ(0, dma_write(self->dut.dma, self->iova, limits->smallest, wrote));
	EXPECT_TRUE(canary_intact(fresh.memory, fresh.size, 0));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, self->page);
}

CTS_TEST_F(file, no_memory,
	   .title = "A file that is no memory is EINVAL and leaves the IOVA free",
	   .requirements = { "MFILE-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int ends[2];

	ASSERT_LE(0, zero);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-EINVAL,
		  map_at(&self->dut, zero, 0, self->page, READABLE | WRITEABLE, self->iova));
	EXPECT_EQ(-EINVAL, map_at(&self->dut, ends[0], 0, self->page, READABLE, self->iova));
	EXPECT_EQ(-EINVAL,
		  map_at(&self->dut, self->dut.iommufd, 0, self->page, READABLE, self->iova));
	ASSERT_EQ(0, map_at(&self->dut, self->seen.fd, 0, self->page, READABLE | WRITEABLE,
			    self->iova));
	EXPECT_TRUE(leads_to(&self->dut, self->iova, &self->seen, 0));
	cts_close(&zero);
	cts_close(&ends[0]);
	cts_close(&ends[1]);
}

CTS_TEST_F(file, beyond_its_end,
	   .title = "A range that reaches past the end of the memfd is EINVAL and maps nothing",
	   .requirements = { "MFILE-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	EXPECT_EQ(-EINVAL, map_at(&self->dut, self->seen.fd, 0, (PAGES + 1) * self->page,
				  READABLE | WRITEABLE, self->iova));
	EXPECT_EQ(-EINVAL, map_at(&self->dut, self->seen.fd, PAGES * self->page, self->page,
				  READABLE | WRITEABLE, self->iova));
	EXPECT_EQ((off_t)(PAGES * self->page), lseek(self->seen.fd, 0, SEEK_END));
	ASSERT_EQ(0, map_at(&self->dut, self->seen.fd, 0, PAGES * self->page, READABLE | WRITEABLE,
			    self->iova));
	EXPECT_TRUE(leads_to(&self->dut, self->iova + (PAGES - 1) * self->page, &self->seen,
			     PAGES - 1));
}

/*
 * What is refused, and with which errno, is for the kernel to say: that content which nobody may
 * change is changed by a device is what must not be. To be read it can be mapped, so that it is for
 * WRITEABLE if it is refused; and the device writes to what it may.
 */
static bool kept(struct dut *dut, int fd, char *content, uint64_t iova)
{
	size_t page = page_size(), length = dma_write_limits(dut->dma)->smallest;
	int readable = map_at(dut, fd, 0, page, READABLE, iova), writeable;
	struct buffer other;

	printf("# IOMMU_IOAS_MAP_FILE with READABLE alone: %d\n", readable);
	if (readable)
		return false;
	iommufd_unmap(dut->iommufd, dut->ioas, iova, page);
	writeable = map_at(dut, fd, 0, page, READABLE | WRITEABLE, iova);
	printf("# with WRITEABLE: %d\n", writeable);
	if (!writeable && !write_spares(dut->dma, iova, length, content, page, 0))
		return false;
	iommufd_map(dut->iommufd, dut->ioas, pages_alloc(&other, 1), page, iova + page);
	return page_written(dut->dma, iova + page, other.memory);
}

CTS_TEST_F(file, sealed_against_writing,
	   .title = "A device can't be made to write to a memfd that is sealed against writing",
	   .requirements = { "MFILE-011" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	int fd = memfd_create("ioas", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char *content =
		mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_LE(0, fd);
	ASSERT_NE(MAP_FAILED, content);
	canary_fill(content, self->page, 0);
	ASSERT_EQ((ssize_t)self->page, write(fd, content, self->page));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	content = mmap(content, self->page, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	ASSERT_NE(MAP_FAILED, content);
	EXPECT_TRUE(kept(&self->dut, fd, content, self->iova));
	cts_close(&fd);
}

CTS_TEST_F(file, opened_for_reading,
	   .title = "A device can't be made to write to a memfd through a descriptor that only reads",
	   .requirements = { "MFILE-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	char path[64];
	int fd;

	canary_fill(self->seen.memory, self->page, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->seen.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(kept(&self->dut, fd, self->seen.memory, self->iova));
	cts_close(&fd);
}

CTS_MAIN
