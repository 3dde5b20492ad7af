/* SPDX-License-Identifier: GPL-2.0-only */
/* What is read from a fault queue and written to it (include/uapi/linux/iommufd.h). */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "iommufd.h"

#define RECORD sizeof(struct iommu_hwpt_pgfault)
#define ANSWER sizeof(struct iommu_hwpt_page_response)

/* What read() of @size bytes returned, or -errno. */
static inline ssize_t read_faults(int fd, void *faults, size_t size)
{
	ssize_t length = read(fd, faults, size);

	return length < 0 ? -errno : length;
}

/* What write() of @size bytes returned, or -errno. */
static inline ssize_t write_answers(int fd, const void *answers, size_t size)
{
	ssize_t length = write(fd, answers, size);

	return length < 0 ? -errno : length;
}

static inline ssize_t answer(int fd, uint32_t cookie, uint32_t code)
{
	const struct iommu_hwpt_page_response response = { .cookie = cookie, .code = code };

	return write_answers(fd, &response, sizeof(response));
}

static inline short ready(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&poller, 1, 0) == 1 ? poller.revents : 0;
}

#endif
