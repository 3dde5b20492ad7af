// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring reaches a file's methods by ways of its own. On a parked file it gets no further than
 * the system calls do: reads and writes complete with EINVAL, and what else it offers is no way to
 * the device.
 *
 * Each test first asks the gate with a read or write of no bytes, which is harmless behind it.
 */
#include <poll.h>
#include <sys/uio.h>

#include "parked.h"
#include "uring.h"

#define URING_OR_SKIP(uring)                                                              \
	do {                                                                              \
		int __error = __uring_setup(uring);                                       \
                                                                                          \
		if (__error == -ENOSYS || __error == -EPERM)                              \
			CTS_SKIP(KERNEL_LACKS, "io_uring_setup: %s", strerror(-__error)); \
		ASSERT_EQ(0, __error);                                                    \
	} while (0)

/*
 * Submits @opcode, a read or write of @length bytes (or vectors) at @offset, by descriptor and by
 * registered file; both must be refused.
 */
static void expect_refused(struct __test_metadata *_metadata, struct uring *uring, int device,
			   unsigned int opcode, const void *memory, unsigned int length,
			   uint64_t offset)
{
	struct io_uring_sqe sqe = {
		.opcode = (__u8)opcode,
		.fd = device,
		.addr = (uintptr_t)memory,
		.len = length,
		.off = offset,
	};

	EXPECT_EQ(-EINVAL, uring_run(uring, &sqe));
	sqe.fd = 0;
	sqe.flags = IOSQE_FIXED_FILE;
	EXPECT_EQ(-EINVAL, uring_run(uring, &sqe));
}

CTS_TEST_F(parked, uring_read,
	   .title = "io_uring reads of a parked file complete with EINVAL and without data",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t memory = 0x5a5a5a5a;
	struct iovec iov = { .iov_base = &memory, .iov_len = sizeof(memory) };
	struct uring uring;
	int i;

	URING_OR_SKIP(&uring);
	uring_register_file(&uring, self->device);
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		uint64_t offset = self->layout.region[i].offset;

		ASSERT_EQ(-1, pread(self->device, &memory, 0, (off_t)offset));
		expect_refused(_metadata, &uring, self->device, IORING_OP_READ, &memory, 4, offset);
		expect_refused(_metadata, &uring, self->device, IORING_OP_READV, &iov, 1, offset);
	}
	EXPECT_EQ(0x5a5a5a5a, memory);
}

CTS_TEST_F(parked, uring_write,
	   .title = "io_uring writes to a parked file complete with EINVAL",
	   .requirements = { "PARK-014" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t ids = self->layout.ids;
	struct iovec iov = { .iov_base = &ids, .iov_len = sizeof(ids) };
	uint64_t config = vfio_config_offset(&self->layout);
	struct uring uring;

	URING_OR_SKIP(&uring);
	uring_register_file(&uring, self->device);
	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	expect_refused(_metadata, &uring, self->device, IORING_OP_WRITE, &ids, 4, config);
	expect_refused(_metadata, &uring, self->device, IORING_OP_WRITEV, &iov, 1, config);
}

CTS_TEST_F(parked, uring_command,
	   .title = "A vfio device file takes no io_uring command",
	   .requirements = { "PARK-015" },
	   .needs = CTS_NEED_CDEV)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_URING_CMD, .fd = self->device };
	struct uring uring;

	URING_OR_SKIP(&uring);
	EXPECT_EQ(-EOPNOTSUPP, uring_run(&uring, &sqe));
}

CTS_TEST_F(parked, uring_sync_and_space,
	   .title = "io_uring can neither sync a vfio device file nor allocate in it",
	   .requirements = { "PARK-015" },
	   .needs = CTS_NEED_CDEV)
{
	struct io_uring_sqe sync = { .opcode = IORING_OP_FSYNC, .fd = self->device };
	/* The length of a FALLOCATE stands in addr. */
	struct io_uring_sqe allocate = { .opcode = IORING_OP_FALLOCATE,
					 .fd = self->device,
					 .addr = 4096 };
	struct uring uring;

	URING_OR_SKIP(&uring);
	EXPECT_EQ(-EINVAL, uring_run(&uring, &sync));
	EXPECT_EQ(-ENODEV, uring_run(&uring, &allocate));
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

	URING_OR_SKIP(&uring);
	EXPECT_EQ(POLLIN | POLLOUT, uring_run(&uring, &sqe));
}

CTS_MAIN
