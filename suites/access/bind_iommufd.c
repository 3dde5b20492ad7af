// SPDX-License-Identifier: GPL-2.0-only
/* What the iommufd field of a bind may be: a descriptor of /dev/iommu, and nothing else. */
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "bind.h"

CTS_TEST_F(bind, iommufd_negative,
	   .title = "Bind to a negative number ends in EINVAL",
	   .requirements = { "BIND-009" },
	   .needs = CTS_NEED_CDEV)
{
	static const int numbers[] = { -1, -2, AT_FDCWD, INT_MIN };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-EINVAL, __vfio_bind(self->device, numbers[i], NULL))
		TH_LOG("%d", numbers[i]);
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, iommufd_not_open,
	   .title = "Bind to a number that is no open descriptor ends in EBADF",
	   .requirements = { "BIND-010" },
	   .needs = CTS_NEED_CDEV)
{
	int closed = dup(self->iommufd);

	ASSERT_LE(0, closed);
	ASSERT_EQ(0, close(closed));
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, closed, NULL));
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, INT_MAX, NULL));
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, iommufd_is_only_a_path,
	   .title = "Bind to an O_PATH descriptor of /dev/iommu ends in EBADF",
	   .requirements = { "BIND-010" },
	   .needs = CTS_NEED_CDEV)
{
	int path = open("/dev/iommu", O_PATH | O_CLOEXEC);

	ASSERT_LE(0, path);
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, path, NULL));
	EXPECT_BINDABLE();
}

/* Is @fd an iommufd by another name? Some kernels offer one as /dev/vfio/vfio. */
static bool is_iommufd(int fd)
{
	uint32_t ioas;

	return !__iommufd_ioas_alloc(fd, &ioas);
}

CTS_TEST_F(bind, iommufd_of_another_kind,
	   .title = "Bind to an open file that is no iommufd ends in EBADFD",
	   .requirements = { "BIND-011" },
	   .needs = CTS_NEED_CDEV)
{
	int pipe_ends[2], sockets[2];
	size_t i;

	ASSERT_EQ(0, pipe2(pipe_ends, O_CLOEXEC));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	const struct {
		const char *name;
		int fd;
	} files[] = {
		{ "this device file", self->device },
		{ "another file of the device", vfio_open() },
		{ "a memory file", memfd_create("cts", MFD_CLOEXEC) },
		{ "a directory", open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) },
		{ "/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC) },
		{ "a pipe", pipe_ends[0] },
		{ "a socket", sockets[0] },
		{ "an eventfd", eventfd(0, EFD_CLOEXEC) },
		{ "an epoll", epoll_create1(EPOLL_CLOEXEC) },
	};

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		ASSERT_LE(0, files[i].fd) TH_LOG("no %s", files[i].name);
		EXPECT_EQ(-EBADFD, __vfio_bind(self->device, files[i].fd, NULL))
		TH_LOG("%s", files[i].name);
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, iommufd_is_a_container,
	   .title = "Bind to a vfio container ends in EBADFD",
	   .requirements = { "BIND-011" },
	   .needs = CTS_NEED_CDEV)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (container < 0)
		CTS_SKIP(KERNEL_LACKS, "/dev/vfio/vfio: %s", strerror(errno));
	if (is_iommufd(container))
		CTS_SKIP(KERNEL_LACKS, "/dev/vfio/vfio is an iommufd here");
	EXPECT_EQ(-EBADFD, __vfio_bind(self->device, container, NULL));
	EXPECT_BINDABLE();
}

CTS_MAIN
