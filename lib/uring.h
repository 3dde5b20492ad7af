/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring (include/uapi/linux/io_uring.h), one request at a time and no library. */
#ifndef CTS_URING_H
#define CTS_URING_H

#include <linux/io_uring.h>
#include <stddef.h>

/* A ring of one request. The memory behind the pointers is shared with the kernel. */
struct uring {
	int fd;
	void *ring;
	size_t ring_size;
	struct io_uring_sqe *sqe;
	unsigned int *sq_tail;
	unsigned int *sq_mask;
	unsigned int *sq_array;
	unsigned int *cq_head;
	unsigned int *cq_tail;
	unsigned int *cq_mask;
	struct io_uring_cqe *cqes;
};

/*
 * Makes a ring with @flags (IORING_SETUP_*), which lasts until the process ends. 0 or -errno:
 * -ENOSYS where the kernel has no io_uring, -EPERM where the administrator switched it off, -EINVAL
 * where it doesn't know one of the flags.
 */
int __uring_setup(struct uring *uring, unsigned int flags);

/* IORING_REGISTER_FILES: makes @fd file 0 of the ring, for requests with IOSQE_FIXED_FILE. */
void uring_register_file(struct uring *uring, int fd);

/* Submits @sqe, waits for its end and returns its result: not negative, or -errno. */
int uring_run(struct uring *uring, const struct io_uring_sqe *sqe);

#endif
