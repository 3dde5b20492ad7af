/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of fault queues: a mock device, attached to a table whose page requests
 * go to the queue `queue`, the file of which is `fd`.
 */
#ifndef FAULT_QUEUE_H
#define FAULT_QUEUE_H

#include "calls.h"
#include "hwpt.h"
#include "mock_fixture.h"

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

#endif
