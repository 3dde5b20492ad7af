// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping keeps the pages that it was made of, whatever becomes of the process's view of them,
 * and while they are mapped they are nobody else's.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ioas.h"

/* Pages of memory taken anew, which get the pages that were given up too early first. */
#define FRESH 1024

/* Private memory of one page, which the caller may do anything with. */
static char *own_page(struct __test_metadata *_metadata)
{
	char *memory =
		mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, memory);
	return memory;
}

/*
 * The pages mapped at @iova are no longer at @memory, which is readable and writable: nothing that
 * the device writes shows there, nor in memory taken anew; and it reads back what it wrote, if it
 * can.
 */
static void judge_detached(struct __test_metadata *_metadata, struct dut *dut, uint64_t iova,
			   char *memory)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	size_t page = page_size(), length = limits->smallest;
	uint8_t wrote[LONGEST];
	struct buffer fresh;

	pages_alloc(&fresh, FRESH);
	canary_fill(fresh.memory, fresh.size, 0);
	canary_fill(memory, page, 1);
	if (dma_capabilities() & DMA_READ)
		length = length_near(limits, dma_read_limits(dut->dma)->smallest);
	EXPECT_EQ(0, dma_write(dut->dma, iova, length, wrote));
	EXPECT_TRUE(canary_intact(memory, page, 1));
	EXPECT_TRUE(canary_intact(fresh.memory, fresh.size, 0));
	if (dma_capabilities() & DMA_READ) {
		EXPECT_TRUE(read_sees(dut->dma, iova, length, wrote));
	}
	iommufd_unmap(dut->iommufd, dut->ioas, iova, page);
}

CTS_TEST_F(ioas, other_memory_in_its_place,
	   .title = "DMA doesn't show in memory that was put where the mapped memory was",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	char *memory = own_page(_metadata);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	ASSERT_EQ(0, munmap(memory, page_size()));
	ASSERT_EQ(memory, mmap(memory, page_size(), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	judge_detached(_metadata, &self->dut, iova, memory);
}

CTS_TEST_F(ioas, discarded_memory,
	   .title = "DMA doesn't show in memory that replaces what MADV_DONTNEED threw away",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	char *memory = own_page(_metadata);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	if (madvise(memory, page_size(), MADV_DONTNEED) && errno == ENOSYS)
		CTS_SKIP(KERNEL_LACKS, "madvise (CONFIG_ADVISE_SYSCALLS)");
	judge_detached(_metadata, &self->dut, iova, memory);
}

CTS_TEST_F(ioas, moved_memory,
	   .title = "Memory moved by mremap stays what the device writes to",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	char *memory = own_page(_metadata), *moved = own_page(_metadata);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
	ASSERT_EQ(moved,
		  mremap(memory, page_size(), page_size(), MREMAP_MAYMOVE | MREMAP_FIXED, moved));
	EXPECT_TRUE(page_written(self->dut.dma, iova, moved));
}

/* Tells the other end of a pipe to go on, and waits to be told. */
static void tell(int pipe_end)
{
	cts_require(write(pipe_end, "", 1) == 1, "write to a pipe");
}

static void await(int pipe_end)
{
	char byte;

	cts_require(read(pipe_end, &byte, 1) == 1, "read from a pipe");
}

/* The child of fork_keeps_pages: holds its view of @memory against what the other two do. */
static void __attribute__((noreturn)) judge_in_child(char *memory, int from_parent, int to_parent)
{
	bool good = canary_intact(memory, page_size(), 0);

	canary_fill(memory, page_size(), 1);
	tell(to_parent);
	await(from_parent);
	_exit(good && canary_intact(memory, page_size(), 1) ? 0 : 1);
}

CTS_TEST_F(ioas, fork_keeps_pages,
	   .title = "After a fork the device goes on with the parent's memory, and doesn't reach the child's",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	int to_child[2], to_parent[2], status;
	char *memory = own_page(_metadata);
	pid_t child;

	canary_fill(memory, page_size(), 0);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
	ASSERT_EQ(0, pipe2(to_child, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(to_parent, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		judge_in_child(memory, to_child[0], to_parent[1]);

	/*
	 * The child has written, the device writes, the parent writes in between: all to their
	 * own.
	 */
	await(to_parent[0]);
	EXPECT_TRUE(canary_intact(memory, page_size(), 0));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	tell(to_child[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

/* Maps @memory READABLE and writes to it: is that what the device reads? */
static void judge_seen(struct __test_metadata *_metadata, struct dut *dut, char *memory)
{
	uint64_t iova = iova_alloc(&dut->space, page_size(), page_size());
	size_t length = dma_read_limits(dut->dma)->smallest;

	iommufd_map_access(dut->iommufd, dut->ioas, READABLE, memory, page_size(), iova);
	EXPECT_TRUE(read_sees(dut->dma, iova, length, memory));
	canary_fill(memory, page_size(), 1);
	EXPECT_TRUE(read_sees(dut->dma, iova, length, memory));
	iommufd_unmap(dut->iommufd, dut->ioas, iova, page_size());
}

CTS_TEST_F(ioas, writes_are_read,
	   .title = "Through a READABLE mapping of memory that was never touched the device reads what is written to it later",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	judge_seen(_metadata, &self->dut, own_page(_metadata));
}

CTS_TEST_F(ioas, writes_to_a_private_file,
	   .title = "The same for a file that is mapped privately, of which a write makes a copy",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	int fd = memfd_create("ioas", MFD_CLOEXEC);
	char *memory;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, (off_t)page_size()));
	ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	memory = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, memory);
	judge_seen(_metadata, &self->dut, memory);
	cts_close(&fd);
}

CTS_TEST_F(ioas, writes_after_a_fork,
	   .title = "The same for memory that a child shares until it is written",
	   .requirements = { "ISO-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	char *memory = own_page(_metadata);
	int to_child[2], status;
	pid_t child;

	canary_fill(memory, page_size(), 0);
	ASSERT_EQ(0, pipe2(to_child, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		await(to_child[0]);
		_exit(canary_intact(memory, page_size(), 0) ? 0 : 1);
	}
	judge_seen(_metadata, &self->dut, memory);
	tell(to_child[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

CTS_MAIN
