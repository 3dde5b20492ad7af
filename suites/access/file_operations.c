// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vfio device file offers read, write, mmap and ioctl. Every other file operation answers as it
 * does for a file that doesn't have it, whether the file is parked or bound: none of them is a
 * second way to the device.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "file.h"
#include "memory.h"
#include "sysfs.h"

/* A file in memory, a page long. */
static int memory_file(void)
{
	int fd = memfd_create("cts", MFD_CLOEXEC);

	cts_require(fd >= 0, "memfd_create");
	cts_require(!ftruncate(fd, (off_t)page_size()), "ftruncate");
	return fd;
}

/* A pipe that holds one byte, and doesn't block. */
static void filled_pipe(int ends[2])
{
	cts_lab_require(!pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
	cts_require(write(ends[1], "x", 1) == 1, "write to a pipe");
}

/* How many bytes can be read from the pipe. They are gone then. */
static ssize_t drain(int pipe_end)
{
	char bytes[16];

	return read(pipe_end, bytes, sizeof(bytes));
}

CTS_TEST_F(file, poll_is_ready,
	   .title = "poll and select find a vfio device file readable and writable at once",
	   .requirements = { "PARK-010" },
	   .needs = CTS_NEED_CDEV)
{
	struct pollfd pollfd = { .fd = self->device, .events = POLLIN | POLLOUT | POLLPRI };
	struct timeval now = { 0 };
	fd_set readable, writable;

	EXPECT_EQ(1, poll(&pollfd, 1, 0));
	EXPECT_EQ(POLLIN | POLLOUT, pollfd.revents);

	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(self->device, &readable);
	FD_SET(self->device, &writable);
	EXPECT_EQ(2, select(self->device + 1, &readable, &writable, NULL, &now));
}

CTS_TEST_F(file, epoll_is_refused,
	   .title = "epoll doesn't take a vfio device file",
	   .requirements = { "PARK-011" },
	   .needs = CTS_NEED_CDEV)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epoll);
	EXPECT_EQ(-1, epoll_ctl(epoll, EPOLL_CTL_ADD, self->device, &event));
	EXPECT_EQ(EPERM, errno);
}

CTS_TEST_F(file, sync_and_space_are_refused,
	   .title = "A vfio device file can't be synced, allocated in or truncated",
	   .requirements = { "PARK-012" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-1, fsync(self->device));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fdatasync(self->device));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(self->device, 0, 0, 1));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ftruncate(self->device, 0));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(file, splice_is_refused,
	   .title = "splice moves nothing into or out of a vfio device file",
	   .requirements = { "PARK-013" },
	   .needs = CTS_NEED_CDEV)
{
	loff_t offset = (loff_t)vfio_config_offset(&self->layout);
	int ends[2];

	filled_pipe(ends);
	EXPECT_EQ(-1, splice(self->device, &offset, ends[1], NULL, 1, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(ends[0], NULL, self->device, &offset, 1, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ((loff_t)vfio_config_offset(&self->layout), offset);
	EXPECT_EQ(1, drain(ends[0]));
}

CTS_TEST_F(file, sendfile_is_refused,
	   .title = "sendfile takes a vfio device file neither as source nor as target",
	   .requirements = { "PARK-013" },
	   .needs = CTS_NEED_CDEV)
{
	off_t offset = (off_t)vfio_config_offset(&self->layout);
	int memory = memory_file();
	int ends[2];

	filled_pipe(ends);
	EXPECT_EQ(-1, sendfile(memory, self->device, &offset, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(ends[1], self->device, &offset, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, drain(ends[0]));
	offset = 0;
	EXPECT_EQ(-1, sendfile(self->device, memory, &offset, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, offset);
}

CTS_TEST_F(file, copy_file_range_is_refused,
	   .title = "copy_file_range takes a vfio device file neither as source nor as target",
	   .requirements = { "PARK-013" },
	   .needs = CTS_NEED_CDEV)
{
	loff_t config = (loff_t)vfio_config_offset(&self->layout), start = 0;
	int memory = memory_file();

	EXPECT_EQ(-1, copy_file_range(self->device, &config, memory, &start, 4, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, copy_file_range(memory, &start, self->device, &config, 4, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, start);
}

CTS_TEST_F(file, rwf_flags_are_refused,
	   .title = "A vfio device file offers no RWF flag but RWF_HIPRI",
	   .requirements = { "PARK-004" },
	   .needs = CTS_NEED_CDEV)
{
	static const int flags[] = { RWF_DSYNC, RWF_SYNC, RWF_NOWAIT, RWF_APPEND,
				     RWF_HIPRI | RWF_NOWAIT };
	off_t config = (off_t)vfio_config_offset(&self->layout);
	uint32_t ids = self->layout.ids, memory = ~ids;
	struct iovec in = { .iov_base = &memory, .iov_len = sizeof(memory) };
	struct iovec out = { .iov_base = &ids, .iov_len = sizeof(ids) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-1, preadv2(self->device, &in, 1, config, flags[i]));
		EXPECT_EQ(EOPNOTSUPP, errno) TH_LOG("read with flags %#x", flags[i]);
		EXPECT_EQ(-1, pwritev2(self->device, &out, 1, config, flags[i]));
		EXPECT_EQ(EOPNOTSUPP, errno) TH_LOG("write with flags %#x", flags[i]);
	}
	EXPECT_EQ(~ids, memory);
}

CTS_TEST_F(file, seek_is_refused,
	   .title = "A vfio device file can't be sought in",
	   .requirements = { "PARK-016" },
	   .needs = CTS_NEED_CDEV)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(whences); i++) {
		EXPECT_EQ(-1, lseek(self->device, 0, whences[i]));
		EXPECT_EQ(ESPIPE, errno);
	}
	/* Positions given with the call are another matter. */
	if (variant->bound) {
		EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	}
}

CTS_TEST_F(file, fdinfo_names_the_device,
	   .title = "fdinfo of a vfio device file names the device, and binds nothing",
	   .requirements = { "PARK-018" },
	   .needs = CTS_NEED_CDEV)
{
	static const char key[] = "vfio-device-syspath:";
	char path[64], line[512], real[SYSFS_PATH];
	char *value = NULL;
	FILE *fdinfo;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->device);
	fdinfo = fopen(path, "re");
	ASSERT_NE(NULL, fdinfo);
	while (!value && fgets(line, sizeof(line), fdinfo))
		if (!strncmp(line, key, strlen(key)))
			value = line + strlen(key);
	fclose(fdinfo);
	if (!value)
		CTS_SKIP(KERNEL_LACKS, "fdinfo has no line \"%s\"", key);

	value += strspn(value, " \t");
	value[strcspn(value, "\n")] = '\0';
	sysfs_real_path(real);
	EXPECT_STREQ(real, value);

	/* A file that had been bound would refuse to be bound again. */
	if (!variant->bound) {
		EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	}
}

CTS_MAIN
