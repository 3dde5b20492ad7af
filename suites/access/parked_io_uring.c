// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring reaches a file's methods by ways of its own. On a parked file it gets no further than
 * the system calls do: reads and writes complete with EINVAL, whatever memory they use and
 * whichever thread runs them, and what else it offers is no way to the device.
 *
 * Each test first asks the gate with a read or write of no bytes, which is harmless behind it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "memory.h"
#include "parked.h"
#include "ring.h"

#define CANARY 0x5a5a5a5a

/*
 * Submits @opcode, a read or write of @length bytes (or vectors) at @offset, by descriptor, by
 * registered file, and by a worker thread; all must be refused with @error.
 */
static void expect_refused(struct __test_metadata *_metadata, struct uring *uring, int device,
			   unsigned int opcode, const void *memory, unsigned int length,
			   uint64_t offset, int error)
{
	struct io_uring_sqe sqe = {
		.opcode = (__u8)opcode,
		.fd = device,
		.addr = (uintptr_t)memory,
		.len = length,
		.off = offset,
	};

	EXPECT_EQ(error, uring_run(uring, &sqe)) TH_LOG("opcode %u", opcode);
	sqe.flags = IOSQE_ASYNC;
	EXPECT_EQ(error, uring_run(uring, &sqe)) TH_LOG("opcode %u by a worker", opcode);
	sqe.fd = 0;
	sqe.flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(error, uring_run(uring, &sqe)) TH_LOG("opcode %u, registered file", opcode);
}

/* Reads and writes of every kind at the start of configuration space. */
static void expect_all_refused(struct __test_metadata *_metadata, struct uring *uring, int device,
			       const struct vfio_layout *layout, int error)
{
	uint64_t config = vfio_config_offset(layout);
	uint32_t memory = CANARY, ids = layout->ids;
	struct iovec in = { .iov_base = &memory, .iov_len = sizeof(memory) };
	struct iovec out = { .iov_base = &ids, .iov_len = sizeof(ids) };

	uring_register_file(uring, device);
	ASSERT_EQ(-EINVAL, gate_read.probe(device, layout));
	ASSERT_EQ(-EINVAL, gate_write.probe(device, layout));
	expect_refused(_metadata, uring, device, IORING_OP_READ, &memory, 4, config, error);
	expect_refused(_metadata, uring, device, IORING_OP_READV, &in, 1, config, error);
	expect_refused(_metadata, uring, device, IORING_OP_WRITE, &ids, 4, config, error);
	expect_refused(_metadata, uring, device, IORING_OP_WRITEV, &out, 1, config, error);
	EXPECT_EQ(CANARY, memory);
}

CTS_TEST_F(parked, uring_transfer,
	   .title = "io_uring reads and writes of a parked file complete with EINVAL",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	struct uring uring;

	URING_OR_SKIP(&uring, 0);
	expect_all_refused(_metadata, &uring, self->device, &self->layout, -EINVAL);
}

CTS_TEST_F(parked, uring_every_region,
	   .title = "io_uring reads of every region of a parked file complete with EINVAL",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t memory = CANARY;
	struct uring uring;
	int i;

	URING_OR_SKIP(&uring, 0);
	uring_register_file(&uring, self->device);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		uint64_t offset = self->layout.region[i].offset;

		ASSERT_EQ(-1, pread(self->device, &memory, 0, (off_t)offset));
		expect_refused(_metadata, &uring, self->device, IORING_OP_READ, &memory, 4, offset,
			       -EINVAL);
	}
	EXPECT_EQ(CANARY, memory);
}

CTS_TEST_F(parked, uring_kernel_thread,
	   .title = "A ring that is served by a kernel thread gets no further",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	struct uring uring;

	URING_OR_SKIP(&uring, IORING_SETUP_SQPOLL);
	expect_all_refused(_metadata, &uring, self->device, &self->layout, -EINVAL);
}

CTS_TEST_F(parked, uring_polled,
	   .title = "A ring that polls for completions doesn't take a vfio device file",
	   .requirements = { "PARK-015" },
	   .needs = CTS_NEED_CDEV)
{
	struct uring uring;

	URING_OR_SKIP(&uring, IORING_SETUP_IOPOLL);
	expect_all_refused(_metadata, &uring, self->device, &self->layout, -EOPNOTSUPP);
}

/* Younger than the oldest headers that this suite is built with. */
#define OP_READ_MULTISHOT 49
#define OP_FTRUNCATE 55
#define OP_READV_FIXED 60
#define OP_WRITEV_FIXED 61

/* Does the kernel know @opcode? */
static bool has_opcode(const struct uring *uring, unsigned int opcode)
{
	static struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[256];
	} answer;

	memset(&answer, 0, sizeof(answer));
	cts_require(!syscall(SYS_io_uring_register, uring->fd, IORING_REGISTER_PROBE, &answer, 256),
		    "IORING_REGISTER_PROBE");
	return opcode <= answer.probe.last_op && (answer.ops[opcode].flags & IO_URING_OP_SUPPORTED);
}

CTS_TEST_F(parked, uring_registered_memory,
	   .title = "io_uring reads and writes with registered memory complete with EINVAL",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t config = vfio_config_offset(&self->layout);
	uint32_t *memory = guarded_page();
	struct iovec iov = { .iov_base = memory, .iov_len = page_size() };
	struct iovec in = { .iov_base = memory, .iov_len = 4 };
	struct iovec out = { .iov_base = memory + 1, .iov_len = 4 };
	struct uring uring;

	URING_OR_SKIP(&uring, 0);
	uring_register_file(&uring, self->device);
	ASSERT_EQ(0, syscall(SYS_io_uring_register, uring.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	memory[0] = CANARY;
	memory[1] = self->layout.ids;
	ASSERT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	expect_refused(_metadata, &uring, self->device, IORING_OP_READ_FIXED, memory, 4, config,
		       -EINVAL);
	expect_refused(_metadata, &uring, self->device, IORING_OP_WRITE_FIXED, memory + 1, 4,
		       config, -EINVAL);
	if (has_opcode(&uring, OP_WRITEV_FIXED)) {
		expect_refused(_metadata, &uring, self->device, OP_READV_FIXED, &in, 1, config,
			       -EINVAL);
		expect_refused(_metadata, &uring, self->device, OP_WRITEV_FIXED, &out, 1, config,
			       -EINVAL);
	}
	EXPECT_EQ(CANARY, memory[0]);
}

/* What io_uring can ask of a file beside reading and writing it. */
static const struct other {
	const char *name;
	int error;
	struct io_uring_sqe sqe;
} others[] = {
	{ "URING_CMD", -EOPNOTSUPP, { .opcode = IORING_OP_URING_CMD } },
	{ "FSYNC", -EINVAL, { .opcode = IORING_OP_FSYNC } },
	{ "SYNC_FILE_RANGE", -ESPIPE, { .opcode = IORING_OP_SYNC_FILE_RANGE } },
	/* The length of a FALLOCATE stands in addr. */
	{ "FALLOCATE", -ENODEV, { .opcode = IORING_OP_FALLOCATE, .addr = 4096 } },
	{ "SEND", -ENOTSOCK, { .opcode = IORING_OP_SEND } },
	{ "RECV", -ENOTSOCK, { .opcode = IORING_OP_RECV } },
	{ "ACCEPT", -ENOTSOCK, { .opcode = IORING_OP_ACCEPT } },
	{ "SHUTDOWN", -ENOTSOCK, { .opcode = IORING_OP_SHUTDOWN } },
	{ "READ_MULTISHOT", -EBADFD, { .opcode = OP_READ_MULTISHOT, .flags = IOSQE_BUFFER_SELECT } },
	{ "FTRUNCATE", -EINVAL, { .opcode = OP_FTRUNCATE } },
};

CTS_TEST_F(parked, uring_other_operations,
	   .title = "No other io_uring operation on a file is a way to the device",
	   .requirements = { "PARK-015" },
	   .needs = CTS_NEED_CDEV)
{
	struct uring uring;
	size_t i;

	URING_OR_SKIP(&uring, 0);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct io_uring_sqe sqe = others[i].sqe;

		if (!has_opcode(&uring, sqe.opcode))
			continue;
		sqe.fd = self->device;
		EXPECT_EQ(others[i].error, uring_run(&uring, &sqe)) TH_LOG("%s", others[i].name);
	}
	EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
}

CTS_TEST_F(parked, uring_splice,
	   .title = "io_uring splices nothing into or out of a vfio device file",
	   .requirements = { "PARK-013" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t config = vfio_config_offset(&self->layout);
	struct io_uring_sqe out = { .opcode = IORING_OP_SPLICE, .len = 1 };
	struct io_uring_sqe in = { .opcode = IORING_OP_SPLICE, .len = 1 };
	struct uring uring;
	char bytes[2];
	int ends[2];

	URING_OR_SKIP(&uring, 0);
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	ASSERT_EQ(1, write(ends[1], "x", 1));
	/* The target is in fd and off, the source in splice_fd_in and splice_off_in. */
	out.splice_fd_in = self->device;
	out.splice_off_in = config;
	out.fd = ends[1];
	out.off = (__u64)-1;
	in.splice_fd_in = ends[0];
	in.splice_off_in = (__u64)-1;
	in.fd = self->device;
	in.off = config;
	EXPECT_EQ(-EINVAL, uring_run(&uring, &out));
	EXPECT_EQ(-EINVAL, uring_run(&uring, &in));
	EXPECT_EQ(1, read(ends[0], bytes, sizeof(bytes)));
}

CTS_TEST_F(parked, uring_poll,
	   .title = "An io_uring poll of a vfio device file completes at once",
	   .requirements = { "PARK-015" },
	   .needs = CTS_NEED_CDEV)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_POLL_ADD,
		.fd = self->device,
		.poll32_events = POLLIN | POLLOUT,
	};
	struct uring uring;

	URING_OR_SKIP(&uring, 0);
	EXPECT_EQ(POLLIN | POLLOUT, uring_run(&uring, &sqe));
}

CTS_MAIN
