// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parked is a property of the open file, not of the descriptor or the process: every descriptor of
 * one open file is parked until any of them is used to bind, and is usable from then on.
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include "gate.h"

/* Descriptor @fd, sent through a socket and received. */
static int sent_through_socket(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char byte = 'x';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2], received;

	*header = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	memcpy(CMSG_DATA(header), &fd, sizeof(int));

	cts_require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	cts_require(sendmsg(ends[0], &message, 0) == 1, "sendmsg");
	cts_require(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
	header = CMSG_FIRSTHDR(&message);
	cts_require(header && header->cmsg_type == SCM_RIGHTS, "no descriptor was received");
	memcpy(&received, CMSG_DATA(header), sizeof(int));
	cts_close(&ends[0]);
	cts_close(&ends[1]);
	return received;
}

/* Runs @action in a child, which inherits everything; what it returned, 0 to -255. */
static int in_child(int (*action)(int device, int iommufd), int device, int iommufd)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_require(child >= 0, "fork");
	if (!child)
		_exit(-action(device, iommufd));
	cts_require(waitpid(child, &status, 0) == child, "waitpid");
	cts_require(WIFEXITED(status), "the child ended with status %#x", status);
	return -WEXITSTATUS(status);
}

static int bind_here(int device, int iommufd)
{
	return __vfio_bind(device, iommufd, NULL);
}

/* Binds through descriptors that are fetched from the parent. */
static int bind_fetched(int device, int iommufd)
{
	int parent = (int)syscall(SYS_pidfd_open, getppid(), 0);
	int fetched = (int)syscall(SYS_pidfd_getfd, parent, device, 0);

	if (fetched < 0)
		return -errno;
	cts_close(&device);
	return __vfio_bind(fetched, iommufd, NULL);
}

CTS_TEST_F(gate, dup_shares_the_state,
	   .title = "A duplicate is parked with its original and bound with it",
	   .requirements = { "PARK-019" },
	   .needs = CTS_NEED_CDEV)
{
	int copy = dup(self->device);

	ASSERT_LE(0, copy);
	EXPECT_SHUT(copy);
	vfio_bind(copy, self->iommufd);
	EXPECT_OPEN(copy);
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, socket_shares_the_state,
	   .title = "A descriptor from a socket is parked with its original and bound with it",
	   .requirements = { "PARK-019" },
	   .needs = CTS_NEED_CDEV)
{
	int received = sent_through_socket(self->device);

	EXPECT_SHUT(received);
	vfio_bind(received, self->iommufd);
	EXPECT_OPEN(received);
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, fork_shares_the_state,
	   .title = "A bind by a child opens the gate for the parent",
	   .requirements = { "PARK-019" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_SHUT(self->device);
	ASSERT_EQ(0, in_child(bind_here, self->device, self->iommufd));
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, pidfd_getfd_shares_the_state,
	   .title = "A bind through a descriptor taken from another process opens the gate there",
	   .requirements = { "PARK-019" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	EXPECT_SHUT(self->device);
	ASSERT_EQ(0, in_child(bind_fetched, self->device, self->iommufd));
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, last_descriptor_keeps_it_open,
	   .title = "A bound file stays bound while one descriptor of it is left",
	   .requirements = { "PARK-019", "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	int copy = dup(self->device);

	ASSERT_LE(0, copy);
	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	EXPECT_OPEN(copy);
}

CTS_MAIN
