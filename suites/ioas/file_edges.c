// SPDX-License-Identifier: GPL-2.0-only
/* The edges of IOMMU_IOAS_MAP_FILE: descriptors that are none, and dma-bufs, which are no files. */
#include <fcntl.h>
#include <linux/udmabuf.h>

#include "bare.h"

static int map(const FIXTURE_DATA(bare) * self, int fd, uint64_t start, uint64_t length)
{
	uint64_t iova = self->page;

	return map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, start, length, &iova);
}

CTS_TEST_F(bare, no_descriptor,
	   .title = "A descriptor that isn't open is EBADF; a range that can't be is refused whatever the descriptor",
	   .requirements = { "MFILE-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	int closed = dup(self->memfd);

	MAP_FILE_OR_SKIP(self->iommufd);
	ASSERT_LE(0, closed);
	EXPECT_EQ(0, close(closed));
	EXPECT_EQ(-EBADF, map(self, closed, 0, self->page));
	EXPECT_EQ(-EBADF, map(self, -1, 0, self->page));
	EXPECT_EQ(-EBADF, map(self, INT32_MAX, 0, self->page));
	EXPECT_EQ(-EINVAL, map(self, -1, 0, 0));
	EXPECT_EQ(-EINVAL, map(self, self->memfd, 0, 0));
	EXPECT_EQ(-EOVERFLOW, map(self, -1, UINT64_MAX - self->page + 1, 2 * self->page));
	EXPECT_EQ(-EOVERFLOW, map(self, self->memfd, UINT64_MAX, 2));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
	EXPECT_EQ(0, map(self, self->memfd, 0, self->page));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, self->page));
}

CTS_TEST_F(bare, no_permission,
	   .title = "A mapping of a file without a permission is EINVAL, one with the largest IOVA or length EOVERFLOW",
	   .requirements = { "MAP-001", "MAP-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const struct {
		uint32_t flags;
		uint64_t iova, length;
		int error;
	} calls[] = {
		{ FIXED, self->page, self->page, -EINVAL },
		{ 0, 0, self->page, -EINVAL },
		{ FIXED | READ_WRITE, UINT64_MAX, self->page, -EOVERFLOW },
		{ FIXED | READ_WRITE, self->page, UINT64_MAX, -EOVERFLOW },
		{ READ_WRITE, 0, UINT64_MAX, -EOVERFLOW },
	};
	size_t i;

	MAP_FILE_OR_SKIP(self->iommufd);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		uint64_t iova = calls[i].iova;

		EXPECT_EQ(calls[i].error, map_file(self->iommufd, self->ioas, calls[i].flags,
						   self->memfd, 0, calls[i].length, &iova))
		TH_LOG("call %zu", i);
	}
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
}

CTS_TEST_F(bare, placed_by_the_kernel,
	   .title = "A mapping of a file without FIXED_IOVA goes where there is room, whatever IOVA the argument has",
	   .requirements = { "MAP-007" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint64_t iova[2];
	size_t i;

	MAP_FILE_OR_SKIP(self->iommufd);
	for (i = 0; i < ARRAY_SIZE(iova); i++) {
		iova[i] = 16 * self->page;
		ASSERT_EQ(0, map_file(self->iommufd, self->ioas, READ_WRITE, self->memfd, 0,
				      self->page, &iova[i]));
	}
	EXPECT_NE(iova[0], iova[1]);
	/* Each is where it is said to be. */
	iommufd_unmap(self->iommufd, self->ioas, iova[0], self->page);
	iommufd_unmap(self->iommufd, self->ioas, iova[1], self->page);
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
}

CTS_TEST_F(bare, descriptor_that_only_names,
	   .title = "A descriptor opened with O_PATH, which gives no access to what it names, is EBADF",
	   .requirements = { "MFILE-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	char path[64];
	int fd;

	MAP_FILE_OR_SKIP(self->iommufd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->memfd);
	fd = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, map(self, fd, 0, self->page));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
	cts_close(&fd);
}

CTS_TEST_F(bare, what_is_mapped_is_held,
	   .title = "A mapping of a file holds the file, not the descriptor, until it is unmapped",
	   .requirements = { "MFILE-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	int ends[2];
	char byte;

	MAP_FILE_OR_SKIP(self->iommufd);
	/* That the writing end of a pipe is gone shows at the reading end. */
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	EXPECT_EQ(0, map(self, ends[1], 0, self->page));
	cts_close(&ends[1]);
	EXPECT_EQ(-1, read(ends[0], &byte, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, self->page));
	EXPECT_EQ(0, read(ends[0], &byte, 1));
	cts_close(&ends[0]);
}

/* A dma-buf of two pages that another driver than vfio exports; -1 where there is none. */
static int foreign_dmabuf(size_t page)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = 2 * page };
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("ioas", MFD_CLOEXEC | MFD_ALLOW_SEALING), fd = -1;

	if (udmabuf >= 0 && memfd >= 0 && !ftruncate(memfd, (off_t)(2 * page)) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		create.memfd = (uint32_t)memfd;
		fd = ioctl(udmabuf, UDMABUF_CREATE, &create);
	}
	if (memfd >= 0)
		close(memfd);
	if (udmabuf >= 0)
		close(udmabuf);
	return fd;
}

CTS_TEST_F(bare, foreign,
	   .title = "A dma-buf of another exporter than vfio's is EOPNOTSUPP, and EINVAL beyond its end; it is not taken for a file",
	   .requirements = { "MFILE-007", "MFILE-008" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
	int fd;

	MAP_FILE_OR_SKIP(self->iommufd);
	fd = foreign_dmabuf(self->page);
	if (fd < 0)
		CTS_SKIP(NO_TEST_SUPPORT, "/dev/udmabuf (CONFIG_UDMABUF)");
	EXPECT_EQ(-EOPNOTSUPP, map(self, fd, 0, self->page));
	EXPECT_EQ(-EOPNOTSUPP, map(self, fd, self->page, self->page));
	EXPECT_EQ(-EINVAL, map(self, fd, 0, 2 * self->page + 1));
	EXPECT_EQ(-EINVAL, map(self, fd, 2 * self->page, 1));
	EXPECT_EQ(-EINVAL, map(self, fd, self->page, 2 * self->page));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
	cts_close(&fd);
}

CTS_MAIN
