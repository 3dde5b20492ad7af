// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "uring.h"

static void *map(int fd, size_t size, off_t offset)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	cts_require(memory != MAP_FAILED, "mmap of the ring");
	return memory;
}

int __uring_setup(struct uring *uring, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags };
	char *ring;

	uring->fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (uring->fd < 0)
		return -errno;
	/* Every kernel that this suite is for puts both queues into one mapping. */
	cts_require(params.features & IORING_FEAT_SINGLE_MMAP,
		    "io_uring without IORING_FEAT_SINGLE_MMAP");

	uring->ring_size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	if (uring->ring_size < params.sq_off.array + params.sq_entries * sizeof(unsigned int))
		uring->ring_size = params.sq_off.array + params.sq_entries * sizeof(unsigned int);
	uring->ring = map(uring->fd, uring->ring_size, IORING_OFF_SQ_RING);
	uring->sqe = map(uring->fd, params.sq_entries * sizeof(*uring->sqe), IORING_OFF_SQES);

	ring = uring->ring;
	uring->sq_tail = (unsigned int *)(ring + params.sq_off.tail);
	uring->sq_mask = (unsigned int *)(ring + params.sq_off.ring_mask);
	uring->sq_array = (unsigned int *)(ring + params.sq_off.array);
	uring->cq_head = (unsigned int *)(ring + params.cq_off.head);
	uring->cq_tail = (unsigned int *)(ring + params.cq_off.tail);
	uring->cq_mask = (unsigned int *)(ring + params.cq_off.ring_mask);
	uring->cqes = (struct io_uring_cqe *)(ring + params.cq_off.cqes);
	return 0;
}

void uring_register_file(struct uring *uring, int fd)
{
	cts_require(!syscall(SYS_io_uring_register, uring->fd, IORING_REGISTER_FILES, &fd, 1),
		    "IORING_REGISTER_FILES");
}

int uring_run(struct uring *uring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *uring->sq_tail;
	unsigned int head = *uring->cq_head;
	/* The second of them is for a ring whose thread went to sleep. */
	const unsigned int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP;
	long rc;

	*uring->sqe = *sqe;
	uring->sq_array[tail & *uring->sq_mask] = 0;
	__atomic_store_n(uring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	do {
		rc = syscall(SYS_io_uring_enter, uring->fd, 1, 1, flags, NULL, 0);
	} while (rc < 0 && errno == EINTR);
	cts_require(rc == 1, "io_uring_enter");
	/* A ring that polls doesn't wait for what a worker does. */
	while (__atomic_load_n(uring->cq_tail, __ATOMIC_ACQUIRE) == head) {
		rc = syscall(SYS_io_uring_enter, uring->fd, 0, 1, flags, NULL, 0);
		cts_require(rc == 0 || errno == EINTR, "io_uring_enter");
	}

	rc = uring->cqes[head & *uring->cq_mask].res;
	__atomic_store_n(uring->cq_head, head + 1, __ATOMIC_RELEASE);
	return (int)rc;
}
