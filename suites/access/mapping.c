// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapped region is a reference to the bound file like a descriptor: it keeps the device bound
 * when the last descriptor is closed, and the bind ends with it. The memory behind it is the
 * device's and no page of the kernel's: whatever wants pages of it is refused.
 *
 * Nothing here touches the mapping, since a register may change by being read.
 */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "uring.h"
#include "vfio.h"

FIXTURE(mapping)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	void *memory; /* the first page of a region, mapped through the bound file */
};

FIXTURE_SETUP(mapping)
{
	const struct vfio_region_info *region;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	region = vfio_mappable_region(&self->layout);
	if (!region)
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	self->memory =
		mmap(NULL, page_size(), PROT_READ, MAP_SHARED, self->device, (off_t)region->offset);
	ASSERT_NE(MAP_FAILED, self->memory);
}

FIXTURE_TEARDOWN(mapping)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/* What binding the device through another file ends in; one that succeeds is closed again. */
static int bind_another(int iommufd)
{
	int device = vfio_open();
	int rc = __vfio_bind(device, iommufd, NULL);

	cts_close(&device);
	return rc;
}

CTS_TEST_F(mapping, keeps_the_binding,
	   .title = "A mapping keeps the device bound after close, and frees it when it goes",
	   .requirements = { "LIFE-004" },
	   .needs = CTS_NEED_CDEV)
{
	cts_close(&self->device);
	EXPECT_EQ(-EINVAL, bind_another(self->iommufd));
	ASSERT_EQ(0, munmap(self->memory, page_size()));
	EXPECT_EQ(0, bind_another(self->iommufd));
}

CTS_TEST_F(mapping, keeps_the_binding_moved,
	   .title = "A mapping that was moved keeps the device bound like the one before",
	   .requirements = { "LIFE-004" },
	   .needs = CTS_NEED_CDEV)
{
	void *moved = mremap(self->memory, page_size(), page_size(), MREMAP_MAYMOVE | MREMAP_FIXED,
			     guarded_page());

	ASSERT_NE(MAP_FAILED, moved);
	cts_close(&self->device);
	EXPECT_EQ(-EINVAL, bind_another(self->iommufd));
	ASSERT_EQ(0, munmap(moved, page_size()));
	EXPECT_EQ(0, bind_another(self->iommufd));
}

CTS_TEST_F(mapping, keeps_the_binding_in_a_child,
	   .title = "A child that inherited a mapping keeps the device bound until it ends",
	   .requirements = { "LIFE-004" },
	   .needs = CTS_NEED_CDEV)
{
	int ends[2], closed[2], status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(closed, O_CLOEXEC));
	fflush(NULL);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* The mapping is all that is left, until the parent closes its end. */
		close(self->device);
		close(ends[1]);
		_exit(write(closed[1], "", 1) != 1 || read(ends[0], &byte, 1) != 0);
	}
	cts_close(&closed[1]);
	ASSERT_EQ(1, read(closed[0], &byte, 1));
	cts_close(&self->device);
	ASSERT_EQ(0, munmap(self->memory, page_size()));
	EXPECT_EQ(-EINVAL, bind_another(self->iommufd));
	cts_close(&ends[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, bind_another(self->iommufd));
}

CTS_TEST_F(mapping, reopened_file_is_parked,
	   .title = "Opening what is mapped, by /proc/self/map_files, gives a parked file",
	   .requirements = { "PARK-020" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	uintptr_t start = (uintptr_t)self->memory;
	char path[96];
	int again;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", start, start + page_size());
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0 && (errno == ENOENT || errno == EPERM))
		CTS_SKIP(KERNEL_LACKS, "%s: %s", path, strerror(errno));
	ASSERT_LE(0, again);
	EXPECT_EQ(-EINVAL, gate_read.probe(again, &self->layout));
	EXPECT_EQ(-EINVAL, gate_write.probe(again, &self->layout));
	EXPECT_EQ(-EINVAL, gate_mmap.probe(again, &self->layout));
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(again, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(mapping, gives_no_pages,
	   .title = "What wants pages of a mapped region is refused and reads nothing",
	   .requirements = { "BIND-029" },
	   .needs = CTS_NEED_CDEV)
{
	struct iovec remote = { .iov_base = self->memory, .iov_len = 4 };
	uint32_t value = 0x5a5a5a5a;
	struct iovec local = { .iov_base = &value, .iov_len = sizeof(value) };
	struct uring uring;
	int ends[2], memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, memory);
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	EXPECT_EQ(-1, pread(memory, &value, sizeof(value), (off_t)(uintptr_t)self->memory));
	EXPECT_EQ(EIO, errno);
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_TRUE(errno == EFAULT || errno == ENOSYS);
	EXPECT_EQ(-1, vmsplice(ends[1], &remote, 1, SPLICE_F_NONBLOCK));
	EXPECT_EQ(EFAULT, errno);
	if (!__uring_setup(&uring, 0)) {
		remote.iov_len = page_size();
		EXPECT_EQ(-1, syscall(SYS_io_uring_register, uring.fd, IORING_REGISTER_BUFFERS,
				      &remote, 1));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(0x5a5a5a5a, value);
}

CTS_TEST_F(mapping, takes_no_advice,
	   .title = "A mapped region can't be grown, dropped, populated or synced",
	   .requirements = { "BIND-029" },
	   .needs = CTS_NEED_CDEV)
{
	static const int advice[] = { MADV_DONTNEED, MADV_REMOVE,	 MADV_FREE,
				      MADV_DOFORK,   MADV_DODUMP,	 MADV_MERGEABLE,
				      MADV_COLD,     MADV_POPULATE_READ, MADV_POPULATE_WRITE };
	struct iovec iov = { .iov_base = self->memory, .iov_len = page_size() };
	int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
	size_t i;

	if (madvise(self->memory, page_size(), MADV_NORMAL) && errno == ENOSYS)
		CTS_SKIP(KERNEL_LACKS, "the kernel has no madvise");
	EXPECT_EQ(-1, syscall(SYS_process_madvise, own, &iov, 1, MADV_PAGEOUT, 0));
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		EXPECT_EQ(-1, madvise(self->memory, page_size(), advice[i]))
		TH_LOG("advice %d", advice[i]);
	}
	EXPECT_EQ(MAP_FAILED, mremap(self->memory, page_size(), 2 * page_size(), MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, msync(self->memory, page_size(), MS_SYNC));
	EXPECT_EQ(EINVAL, errno);

	/* The mapping is what it was, and holds the binding. */
	cts_close(&self->device);
	EXPECT_EQ(-EINVAL, bind_another(self->iommufd));
	ASSERT_EQ(0, munmap(self->memory, page_size()));
	EXPECT_EQ(0, bind_another(self->iommufd));
}

CTS_MAIN
