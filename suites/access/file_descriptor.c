// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel does for files of every kind, without asking the driver: locks, leases, signals,
 * attributes of the node, requests that every file answers. A vfio device file has no method of its
 * own for any of it, so it answers as a file that hasn't; and none of it changes what a file may
 * do: parked it stays parked, bound it stays bound.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "file.h"
#include "memory.h"
#include "sysfs.h"

/* 0 or -errno of a call that returns -1 when it fails. */
#define RESULT(call) ((call) < 0 ? -errno : 0)

/* Skips what the kernel was built without. */
#define SKIP_WITHOUT(result, what)                                            \
	do {                                                                  \
		if ((result) == -ENOSYS)                                      \
			CTS_SKIP(KERNEL_LACKS, "the kernel has no %s", what); \
	} while (0)

CTS_TEST_F(file, flock_is_generic,
	   .title = "flock works between files of the device, and keeps nobody from anything",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	int other = vfio_open();
	int result = RESULT(flock(self->device, LOCK_EX | LOCK_NB));

	SKIP_WITHOUT(result, "flock");
	EXPECT_EQ(0, result);
	EXPECT_EQ(-EWOULDBLOCK, RESULT(flock(other, LOCK_EX | LOCK_NB)));
	EXPECT_EQ(-EINVAL, gate_read.probe(other, &self->layout));
	EXPECT_STILL();
	/* The lock is no claim on the device. */
	if (!variant->bound) {
		EXPECT_EQ(0, __vfio_bind(other, self->iommufd, NULL));
	}
	EXPECT_EQ(0, RESULT(flock(self->device, LOCK_UN)));
}

CTS_TEST_F(file, record_locks_are_generic,
	   .title = "Record locks work between files of the device, and keep nobody from anything",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int other = vfio_open();

	SKIP_WITHOUT(RESULT(flock(self->device, LOCK_UN)), "file locks");
	EXPECT_EQ(0, RESULT(fcntl(self->device, F_OFD_SETLK, &lock)));
	EXPECT_EQ(-EAGAIN, RESULT(fcntl(other, F_OFD_SETLK, &lock)));
	EXPECT_STILL();
	if (!variant->bound) {
		EXPECT_EQ(0, __vfio_bind(other, self->iommufd, NULL));
	}
}

CTS_TEST_F(file, no_lease,
	   .title = "A vfio device file can't be leased, nor watched as a directory",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EINVAL, RESULT(fcntl(self->device, F_SETLEASE, F_RDLCK)));
	EXPECT_EQ(-EINVAL, RESULT(fcntl(self->device, F_SETLEASE, F_WRLCK)));
	EXPECT_GT(0, RESULT(fcntl(self->device, F_NOTIFY, DN_ACCESS)));
	EXPECT_STILL();
}

CTS_TEST_F(file, no_signals,
	   .title = "A vfio device file sends no SIGIO: O_ASYNC doesn't stick and FIOASYNC is ENOTTY",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	int flags = fcntl(self->device, F_GETFL), on = 1;

	EXPECT_EQ(0, RESULT(fcntl(self->device, F_SETOWN, getpid())));
	EXPECT_EQ(0, RESULT(fcntl(self->device, F_SETSIG, SIGRTMIN)));
	EXPECT_EQ(0, RESULT(fcntl(self->device, F_SETFL, flags | O_ASYNC)));
	EXPECT_EQ(flags, fcntl(self->device, F_GETFL));
	EXPECT_EQ(-ENOTTY, RESULT(ioctl(self->device, FIOASYNC, &on)));
	EXPECT_STILL();
}

CTS_TEST_F(file, status_flags,
	   .title = "O_APPEND and O_NONBLOCK stick to the file, O_DIRECT is refused, none opens a gate",
	   .requirements = { "PARK-017" },
	   .needs = CTS_NEED_CDEV)
{
	int flags = fcntl(self->device, F_GETFL);

	EXPECT_EQ(-EINVAL, RESULT(fcntl(self->device, F_SETFL, flags | O_DIRECT)));
	EXPECT_EQ(flags, fcntl(self->device, F_GETFL));
	EXPECT_EQ(0, RESULT(fcntl(self->device, F_SETFL, flags | O_APPEND | O_NONBLOCK)));
	EXPECT_EQ(flags | O_APPEND | O_NONBLOCK, fcntl(self->device, F_GETFL));
	EXPECT_STILL();
}

CTS_TEST_F(file, requests_of_every_file,
	   .title = "Requests that every file answers manage the descriptor and open no gate",
	   .requirements = { "PARK-028" },
	   .needs = CTS_NEED_CDEV)
{
	int on = 1, off = 0, size;
	loff_t bytes;

	EXPECT_EQ(0, RESULT(ioctl(self->device, FIONCLEX)));
	EXPECT_EQ(0, fcntl(self->device, F_GETFD));
	EXPECT_EQ(0, RESULT(ioctl(self->device, FIOCLEX)));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->device, F_GETFD));
	EXPECT_EQ(0, RESULT(ioctl(self->device, FIONBIO, &on)));
	EXPECT_EQ(O_NONBLOCK, fcntl(self->device, F_GETFL) & O_NONBLOCK);
	EXPECT_STILL();
	EXPECT_EQ(0, RESULT(ioctl(self->device, FIONBIO, &off)));
	EXPECT_EQ(-ENOTTY, RESULT(ioctl(self->device, FIOQSIZE, &bytes)));
	/* These two are no other file's: vfio gets to see them. */
	EXPECT_EQ(variant->bound ? -ENOTTY : -EINVAL, RESULT(ioctl(self->device, FIONREAD, &size)));
	EXPECT_EQ(variant->bound ? -ENOTTY : -EINVAL, RESULT(ioctl(self->device, FIBMAP, &size)));
	EXPECT_STILL();
}

CTS_TEST_F(file, no_clone,
	   .title = "No range of a vfio device file can be cloned or deduplicated",
	   .requirements = { "PARK-013" },
	   .needs = CTS_NEED_CDEV)
{
	struct file_clone_range range = { .src_fd = self->device, .src_length = page_size() };
	int memory = memfd_create("cts", MFD_CLOEXEC);

	ASSERT_LE(0, memory);
	ASSERT_EQ(0, ftruncate(memory, (off_t)page_size()));
	EXPECT_GT(0, RESULT(ioctl(memory, FICLONE, self->device)));
	EXPECT_GT(0, RESULT(ioctl(memory, FICLONERANGE, &range)));
	range.src_fd = memory;
	EXPECT_GT(0, RESULT(ioctl(self->device, FICLONE, memory)));
	EXPECT_GT(0, RESULT(ioctl(self->device, FICLONERANGE, &range)));
	EXPECT_STILL();
}

CTS_TEST_F(file, no_other_kind,
	   .title = "A vfio device file is no directory, no socket and no pipe",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	EXPECT_EQ(-1, openat(self->device, "x", O_RDONLY));
	EXPECT_EQ(ENOTDIR, errno);
	EXPECT_EQ(-ENOTDIR, RESULT(fchdir(self->device)));
	EXPECT_EQ(-ENOTSOCK, RESULT(send(self->device, "x", 1, 0)));
	EXPECT_EQ(-EBADF, RESULT(fcntl(self->device, F_GETPIPE_SZ)));
	EXPECT_EQ(-EINVAL, RESULT(fcntl(self->device, F_ADD_SEALS, F_SEAL_WRITE)));
	EXPECT_EQ(-EINVAL, RESULT(tee(self->device, ends[1], 1, SPLICE_F_NONBLOCK)));
	EXPECT_EQ(-EBADF, RESULT(vmsplice(self->device, &iov, 1, SPLICE_F_NONBLOCK)));
	EXPECT_STILL();
}

CTS_TEST_F(file, advice,
	   .title = "Advice on a vfio device file reads nothing ahead",
	   .requirements = { "PARK-029" },
	   .needs = CTS_NEED_CDEV)
{
	static const int advice[] = {
		POSIX_FADV_NORMAL,  POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
		POSIX_FADV_NOREUSE, POSIX_FADV_WILLNEED,   POSIX_FADV_DONTNEED
	};
	off_t config = (off_t)vfio_config_offset(&self->layout);
	size_t i;

	EXPECT_EQ(-EINVAL, RESULT(readahead(self->device, config, page_size())));
	SKIP_WITHOUT(-posix_fadvise(self->device, config, 0, POSIX_FADV_NORMAL), "posix_fadvise");
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(0, posix_fadvise(self->device, config, (off_t)page_size(), advice[i]));
	}
	EXPECT_STILL();
}

CTS_TEST_F(file, attributes_are_the_nodes,
	   .title = "fstat, fchmod and fchown of the file are those of its node, and open no gate",
	   .requirements = { "PARK-030" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	struct stat node, file;

	ASSERT_EQ(0, stat(sysfs_cdev_path(), &node));
	ASSERT_EQ(0, fstat(self->device, &file));
	EXPECT_TRUE(S_ISCHR(file.st_mode));
	EXPECT_EQ(node.st_rdev, file.st_rdev);
	EXPECT_EQ(node.st_ino, file.st_ino);
	EXPECT_EQ(0, file.st_size);

	/* What they are already. */
	EXPECT_EQ(0, RESULT(fchmod(self->device, node.st_mode & 07777)));
	EXPECT_EQ(0, RESULT(fchown(self->device, node.st_uid, node.st_gid)));
	EXPECT_STILL();
	ASSERT_EQ(0, fstat(self->device, &file));
	EXPECT_EQ(node.st_mode, file.st_mode);
	EXPECT_EQ(node.st_uid, file.st_uid);
	EXPECT_EQ(node.st_gid, file.st_gid);
}

CTS_MAIN
