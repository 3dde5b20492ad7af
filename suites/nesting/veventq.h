/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of event queues: a mock device, attached to a nested table of a vIOMMU
 * as vDEVICE VIRTUAL_ID, and a queue of the vIOMMU for DEPTH events.
 */
#ifndef NESTING_VEVENTQ_H
#define NESTING_VEVENTQ_H

#include <poll.h>
#include <unistd.h>

#include "nesting.h"

#define DEPTH 2

/* What a queue of the mock's delivers: header and data (struct iommu_viommu_event_selftest). */
struct event {
	uint32_t flags;
	uint32_t sequence;
	uint32_t virtual_id;
};

#define HEADER offsetof(struct event, virtual_id)
#define LOST 1 /* IOMMU_VEVENTQ_FLAG_LOST_EVENTS */
#define VIRTUAL_ID 0x77

FIXTURE(veventq)
{
	NESTING_FIELDS;
	uint32_t viommu, queue;
	int fd;
};

FIXTURE_SETUP(veventq)
{
	NESTING_SETUP_OR_SKIP(self);
	VIOMMU_OR_SKIP(self->iommufd, &self->mock, self->parent, &self->viommu);
	if (__veventq_alloc(self->iommufd, self->viommu, IOMMU_VEVENTQ_TYPE_SELFTEST, DEPTH,
			    &self->queue, &self->fd) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "IOMMU_VEVENTQ_ALLOC");
	vdevice_alloc(self->iommufd, self->viommu, &self->mock, VIRTUAL_ID);
	mock_replace(self->iommufd, &self->mock,
		     nested_alloc(self->iommufd, &self->mock, self->viommu, 0));
}

FIXTURE_TEARDOWN(veventq)
{
	if (self->queue)
		cts_close(&self->fd);
	cts_close(&self->iommufd);
}

/* What read() of @size bytes returned, or -errno; what it read is at @events. */
static inline ssize_t read_events(int fd, void *events, size_t size)
{
	ssize_t length = read(fd, events, size);

	return length < 0 ? -errno : length;
}

static inline short ready(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&poller, 1, 0) == 1 ? poller.revents : 0;
}

#define EXPECT_EVENT(expected_sequence, event)                   \
	do {                                                     \
		EXPECT_EQ(0, (event)->flags);                    \
		EXPECT_EQ(expected_sequence, (event)->sequence); \
		EXPECT_EQ(VIRTUAL_ID, (event)->virtual_id);      \
	} while (0)

#endif
