// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors of anything but vfio: a VM takes none of them for a device's, and keeps none. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"
#include "sysfs.h"

FIXTURE(stranger)
{
	struct vm vm;
	int device; /* that was added */
	int fd;
};

FIXTURE_VARIANT(stranger)
{
	int (*open)(const struct vm *vm);
	int add; /* what FILE_ADD ends in, and FILE_DEL */
	int del;
};

FIXTURE_SETUP(stranger)
{
	CTS_CHECK_NEEDS();
	vm_create(&self->vm);
	self->device = vfio_open();
	vm_add(&self->vm, self->device);
	self->fd = variant->open(&self->vm);
}

FIXTURE_TEARDOWN(stranger)
{
	vm_close(&self->vm);
	cts_close(&self->device);
	cts_close(&self->fd);
}

static int open_iommufd(const struct vm *vm)
{
	(void)vm;
	return iommufd_open();
}

static int open_container(const struct vm *vm)
{
	(void)vm;
	return open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
}

static int open_kvm(const struct vm *vm)
{
	(void)vm;
	return open("/dev/kvm", O_RDWR | O_CLOEXEC);
}

static int open_vm(const struct vm *vm)
{
	return dup(vm->fd);
}

static int open_vfio_device_of_vm(const struct vm *vm)
{
	return dup(vm->files);
}

static int open_memfd(const struct vm *vm)
{
	(void)vm;
	return memfd_create("stranger", MFD_CLOEXEC);
}

static int open_null(const struct vm *vm)
{
	(void)vm;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_folder(const struct vm *vm)
{
	(void)vm;
	return open("/dev/vfio", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_eventfd(const struct vm *vm)
{
	(void)vm;
	return eventfd(0, EFD_CLOEXEC);
}

static int open_epoll(const struct vm *vm)
{
	(void)vm;
	return epoll_create1(EPOLL_CLOEXEC);
}

static int open_socket(const struct vm *vm)
{
	(void)vm;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A place in the file system, not an open file. */
static int open_path(const struct vm *vm)
{
	(void)vm;
	return open(sysfs_cdev_path(), O_PATH | O_CLOEXEC);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(stranger, iommufd) { .open = open_iommufd, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, container) { .open = open_container, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, kvm) { .open = open_kvm, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, vm) { .open = open_vm, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, vfio_device_of_vm) { .open = open_vfio_device_of_vm, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, memfd) { .open = open_memfd, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, null) { .open = open_null, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, folder) { .open = open_folder, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, eventfd) { .open = open_eventfd, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, epoll) { .open = open_epoll, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, socket) { .open = open_socket, .add = -EINVAL, .del = -ENOENT };
FIXTURE_VARIANT_ADD(stranger, path) { .open = open_path, .add = -EBADF, .del = -EBADF };
/* clang-format on */

CTS_TEST_F(stranger, refused,
	   .title = "What is no vfio file is refused, is not there to be taken away, and disturbs nothing that was added",
	   .requirements = { "KVM-003", "KVM-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_KVM)
{
	if (self->fd < 0)
		CTS_SKIP(KERNEL_LACKS, "no such file can be opened: %s", strerror(errno));
	EXPECT_EQ(variant->add, __vm_add(&self->vm, self->fd));
	EXPECT_EQ(variant->del, __vm_del(&self->vm, self->fd));
	EXPECT_EQ(variant->add, __vm_add(&self->vm, self->fd));
	EXPECT_TRUE(is_added(&self->vm, self->device));
}

CTS_TEST_F(machine, not_open,
	   .title = "A number that isn't open is EBADF, also that of a file that was added and closed since",
	   .requirements = { "KVM-003" },
	   .needs = NEEDS)
{
	int closed = dup(self->device);

	ASSERT_LE(0, closed);
	vm_add(&self->vm, closed);
	ASSERT_EQ(0, close(closed));
	EXPECT_EQ(-EBADF, __vm_add(&self->vm, closed));
	EXPECT_EQ(-EBADF, __vm_add(&self->vm, -1));
	EXPECT_EQ(-EBADF, __vm_add(&self->vm, INT32_MAX));
	EXPECT_EQ(-EBADF, __vm_add(&self->vm, INT32_MIN));
	EXPECT_TRUE(is_added(&self->vm, self->device));
}

CTS_TEST_F(machine, refused_is_not_kept,
	   .title = "A file that was refused is not kept open",
	   .requirements = { "KVM-003" },
	   .needs = NEEDS)
{
	struct pollfd writer = { .events = POLLOUT };
	int pipe_fds[2];

	ASSERT_EQ(0, pipe2(pipe_fds, O_CLOEXEC));
	writer.fd = pipe_fds[1];
	EXPECT_EQ(-EINVAL, __vm_add(&self->vm, pipe_fds[0]));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, pipe_fds[0]));
	ASSERT_EQ(1, poll(&writer, 1, 0));
	EXPECT_EQ(POLLOUT, writer.revents);
	ASSERT_EQ(0, close(pipe_fds[0]));
	/* Whoever writes is told when nobody has it open to read. */
	ASSERT_EQ(1, poll(&writer, 1, 0));
	EXPECT_TRUE(writer.revents & POLLERR);
	ASSERT_EQ(0, close(pipe_fds[1]));
}

CTS_MAIN
