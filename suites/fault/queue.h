/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of fault queues: a mock device, attached to a table whose page requests
 * go to the queue `queue`, the file of which is `fd`.
 */
#ifndef FAULT_QUEUE_H
#define FAULT_QUEUE_H

#include <poll.h>
#include <unistd.h>

#include "hwpt.h"
#include "mock_fixture.h"

#define RECORD sizeof(struct iommu_hwpt_pgfault)
#define ANSWER sizeof(struct iommu_hwpt_page_response)
#define ADDRESS 0x12345000ULL

FIXTURE(queue)
{
	MOCK_FIELDS;
	uint32_t queue, hwpt;
	int fd;
};

FIXTURE_SETUP(queue)
{
	MOCK_SETUP_OR_SKIP(self);
	if (__iommufd_fault_queue_alloc(self->iommufd, &self->queue, &self->fd) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "IOMMU_FAULT_QUEUE_ALLOC");
	ASSERT_EQ(0, __iommufd_hwpt_alloc_fault(self->iommufd, self->mock.device, self->ioas,
						self->queue, &self->hwpt));
	mock_replace(self->iommufd, &self->mock, self->hwpt);
}

FIXTURE_TEARDOWN(queue)
{
	if (self->queue)
		cts_close(&self->fd);
	cts_close(&self->iommufd);
}

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
