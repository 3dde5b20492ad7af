// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parked is a property of the open file, not of the descriptor or the process: every descriptor of
 * one open file is parked until any of them is used to bind, and is usable from then on.
 */
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "gate.h"

/* A message of one byte with room for one descriptor. */
struct parcel {
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov;
	struct msghdr message;
};

static struct msghdr *parcel_message(struct parcel *parcel)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->iov = (struct iovec){ .iov_base = &parcel->byte, .iov_len = 1 };
	parcel->message = (struct msghdr){
		.msg_iov = &parcel->iov,
		.msg_iovlen = 1,
		.msg_control = &parcel->control,
		.msg_controllen = sizeof(parcel->control),
	};
	return &parcel->message;
}

/* Puts descriptor @fd into the socket @socket: it is in flight then. */
static void send_descriptor(int socket, int fd)
{
	struct parcel parcel;
	struct msghdr *message = parcel_message(&parcel);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	*header = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	cts_require(sendmsg(socket, message, 0) == 1, "sendmsg");
}

static int receive_descriptor(int socket)
{
	struct parcel parcel;
	struct msghdr *message = parcel_message(&parcel);
	struct cmsghdr *header;
	int received;

	cts_require(recvmsg(socket, message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
	header = CMSG_FIRSTHDR(message);
	cts_require(header && header->cmsg_type == SCM_RIGHTS, "no descriptor was received");
	memcpy(&received, CMSG_DATA(header), sizeof(int));
	return received;
}

static void socket_pair(int ends[2])
{
	cts_require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
}

/* Runs @action in a child, which inherits everything; what it returned, 0 to -255. */
static int in_child(int (*action)(int device, int iommufd), int device, int iommufd)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
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
	int ends[2], received;

	socket_pair(ends);
	send_descriptor(ends[0], self->device);
	received = receive_descriptor(ends[1]);
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

CTS_TEST_F(gate, bound_while_in_flight,
	   .title = "A descriptor that was in flight during the bind arrives with its gate open",
	   .requirements = { "PARK-019" },
	   .needs = CTS_NEED_CDEV)
{
	int ends[2];

	socket_pair(ends);
	send_descriptor(ends[0], self->device);
	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	self->device = receive_descriptor(ends[1]);
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, flight_keeps_it_bound,
	   .title = "A bound file that is only in flight stays bound, until its message is dropped",
	   .requirements = { "LIFE-004" },
	   .needs = CTS_NEED_CDEV)
{
	int other = vfio_open();
	int ends[2];

	socket_pair(ends);
	vfio_bind(self->device, self->iommufd);
	send_descriptor(ends[0], self->device);
	cts_close(&self->device);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	EXPECT_SHUT(other);
	cts_close(&ends[0]);
	cts_close(&ends[1]);
	ASSERT_EQ(0, __vfio_bind(other, self->iommufd, NULL));
	EXPECT_OPEN(other);
}

/* IORING_OP_FIXED_FD_INSTALL of file 0 of @uring: a new descriptor or -errno. */
static int __install_descriptor(struct uring *uring)
{
	const struct io_uring_sqe sqe = {
		.opcode = 54, /* younger than the oldest headers that this suite is built with */
		.flags = IOSQE_FIXED_FILE,
	};

	return uring_run(uring, &sqe);
}

CTS_TEST_F(gate, ring_shares_the_state,
	   .title = "A file that a ring holds is parked, bound and kept bound like any other",
	   .requirements = { "PARK-019", "LIFE-004" },
	   .needs = CTS_NEED_CDEV)
{
	int other = vfio_open();
	struct uring uring;
	int installed;

	URING_OR_SKIP(&uring, 0);
	uring_register_file(&uring, self->device);
	installed = __install_descriptor(&uring);
	if (installed == -EINVAL)
		CTS_SKIP(KERNEL_LACKS, "no IORING_OP_FIXED_FD_INSTALL");
	ASSERT_LE(0, installed);
	EXPECT_SHUT(installed);
	vfio_bind(installed, self->iommufd);
	EXPECT_OPEN(self->device);

	/* The ring holds the last reference. */
	cts_close(&installed);
	cts_close(&self->device);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	self->device = __install_descriptor(&uring);
	ASSERT_LE(0, self->device);
	EXPECT_OPEN(self->device);

	/* When a ring lets a file go is up to the ring: that it does ends the test. */
	cts_close(&self->device);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, uring.fd, IORING_UNREGISTER_FILES, NULL, 0));
	while (__vfio_bind(other, self->iommufd, NULL) == -EINVAL)
		sched_yield();
	EXPECT_OPEN(other);
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
