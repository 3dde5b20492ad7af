// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors in processes that did not open them: received or inherited, they do all that they did
 * for the one that opened them, also when that has died.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "buffer.h"
#include "canary.h"
#include "child.h"
#include "dut.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

#define PAGES 4

/* What the opener and the heir both see. */
struct legacy {
	struct buffer buffer; /* shared, mapped at `iova` */
	uint64_t iova;
	uint32_t device_id;
	uint32_t ioas;
	const struct vfio_layout *layout;
	volatile bool sent;
	volatile bool orphaned; /* the opener has died */
	volatile bool done;	/* the heir has done what is asked of it, and it worked */
	int ends[2];		/* a pair of sockets */
};

FIXTURE(passed)
{
	struct vfio_layout layout;
	struct legacy *legacy;
};

FIXTURE_SETUP(passed)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->legacy = child_share(sizeof(*self->legacy));
	self->legacy->layout = &self->layout;
	buffer_alloc(&self->legacy->buffer, BUFFER_SHARED, PAGES * page_size());
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->legacy->ends));
}

FIXTURE_TEARDOWN(passed)
{
	buffer_free(&self->legacy->buffer);
}

/* Sends @fds over @socket, or receives them there. */
static void pass(int socket, int fds[2], bool receive)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (receive) {
		cts_lab_require(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
		memcpy(fds, CMSG_DATA(&control.header), 2 * sizeof(int));
		return;
	}
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, 2 * sizeof(int));
	cts_lab_require(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

/* Brings the device into use and maps the shared memory; fds become iommufd and device. */
static void take(struct legacy *legacy, int fds[2])
{
	struct iova_space space;

	fds[0] = iommufd_open();
	fds[1] = vfio_open();
	legacy->device_id = vfio_bind(fds[1], fds[0]);
	legacy->ioas = iommufd_ioas_alloc(fds[0]);
	vfio_attach(fds[1], legacy->ioas);
	iova_init(&space, fds[0], legacy->ioas, dma_highest_iova());
	legacy->iova = iova_alloc(&space, legacy->buffer.size, page_size());
	iova_exit(&space);
	iommufd_map(fds[0], legacy->ioas, legacy->buffer.memory, legacy->buffer.size, legacy->iova);
}

static void open_and_send(void *argument)
{
	struct legacy *legacy = argument;
	int fds[2];

	take(legacy, fds);
	pass(legacy->ends[0], fds, false);
	legacy->sent = true;
	for (;;)
		pause();
}

CTS_TEST_F(passed, received_from_the_dead,
	   .title = "Descriptors received from a process that has died do all, and what it mapped is reached by DMA",
	   .requirements = { "LIFE-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	unsigned int distrusted = dut_distrusted();
	struct legacy *legacy = self->legacy;
	struct buffer *buffer = &legacy->buffer;
	size_t rings = dma_rings_size(), length;
	struct dut dut = { 0 };
	long pins = pins_now();
	uint8_t *wrote;
	int fds[2] = { -1, -1 };
	pid_t child;

	child = child_start(open_and_send, legacy);
	child_await(child, &legacy->sent);
	pass(legacy->ends[1], fds, true);
	child_kill(child);

	dut = (struct dut){ .iommufd = fds[0],
			    .device = fds[1],
			    .device_id = legacy->device_id,
			    .ioas = legacy->ioas };
	EXPECT_TRUE(pins_become(pins + PAGES));
	iova_init(&dut.space, dut.iommufd, dut.ioas, dma_highest_iova());
	ASSERT_EQ(legacy->iova, iova_alloc(&dut.space, buffer->size, page_size()));
	dut.dma = dma_open(dut.device, rings ? iova_alloc(&dut.space, rings, page_size()) : 0);
	dma_map_rings(dut.dma, dut.iommufd, dut.ioas);
	dma_distrust(dut.dma, distrusted);
	length = dma_write_limits(dut.dma)->smallest;
	wrote = malloc(length);
	ASSERT_NE(NULL, wrote);
	canary_fill(buffer->memory, buffer->size, 0);
	EXPECT_EQ(0, dma_write(dut.dma, legacy->iova + page_size(), length, wrote));
	EXPECT_TRUE(canary_holds_only(buffer->memory, buffer->size, 0, page_size(), wrote, length));
	free(wrote);

	iommufd_unmap(dut.iommufd, dut.ioas, legacy->iova, buffer->size);
	EXPECT_EQ(0, __vfio_detach(dut.device));
	dut_close(&dut);
	EXPECT_TRUE(pins_become(pins));
}

/* The heir: a child of the opener, which it outlives. */
static void inherit(struct legacy *legacy, const int fds[2])
{
	uint64_t iova = legacy->iova, length = legacy->buffer.size;
	uint32_t pt = legacy->ioas, ioas;

	while (!legacy->orphaned)
		sched_yield();
	cts_require(!gate_read.use(fds[1], legacy->layout), "read");
	cts_require(!gate_ioctl.use(fds[1], legacy->layout), "ioctl");
	iommufd_map(fds[0], legacy->ioas, legacy->buffer.memory, page_size(),
		    iova + legacy->buffer.size);
	iommufd_unmap(fds[0], legacy->ioas, iova + legacy->buffer.size, page_size());
	cts_require(!__iommufd_unmap(fds[0], legacy->ioas, iova, &length), "unmap");
	cts_require(length == legacy->buffer.size, "unmap says %llu", (unsigned long long)length);
	/* Not before: memory of a process that has died can't be pinned anew. */
	vfio_detach(fds[1]);
	cts_require(!__vfio_attach(fds[1], &pt), "attach");
	ioas = iommufd_ioas_alloc(fds[0]);
	cts_require(!__vfio_attach(fds[1], &ioas), "attach to another");
	legacy->done = true;
}

/* The opener: leaves an heir behind and dies. */
static void open_and_die(void *argument)
{
	struct legacy *legacy = argument;
	int fds[2];

	take(legacy, fds);
	if (!fork()) {
		inherit(legacy, fds);
		_exit(0);
	}
	raise(SIGKILL);
}

CTS_TEST_F(passed, inherited_from_the_dead,
	   .title = "A child that outlives the process that opened them uses its descriptors on",
	   .requirements = { "LIFE-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	struct legacy *legacy = self->legacy;
	long pins = pins_now();
	int iommufd, device, status;
	pid_t child;

	/* The heir becomes a child of the test, which so sees its end. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	child = child_start(open_and_die, legacy);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_TRUE(pins_become(pins + PAGES));
	legacy->orphaned = true;
	ASSERT_LT(0, wait(&status));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(legacy->done);

	EXPECT_TRUE(pins_become(pins));
	iommufd = iommufd_open();
	device = vfio_open();
	EXPECT_EQ(0, __vfio_bind(device, iommufd, NULL));
}

CTS_MAIN
