// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event queues of a vIOMMU: events come whole, in order, numbered; what there was no room for
 * leaves a gap in the numbers, and at the end a mark.
 */
#include <fcntl.h>

#include "veventq.h"

CTS_TEST_F(veventq, in_order,
	   .title = "Events are read in order, several at once, and poll tells of them",
	   .requirements = { "VEVQ-002" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[3];

	EXPECT_EQ(0, ready(self->fd));
	EXPECT_EQ(0, read_events(self->fd, events, sizeof(events)));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(POLLIN, ready(self->fd));
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(0, &events[0]);
	EXPECT_EQ(0, ready(self->fd));

	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(2 * sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(1, &events[0]);
	EXPECT_EVENT(2, &events[1]);
	EXPECT_EQ(0, read_events(self->fd, events, sizeof(events)));
}

CTS_TEST_F(veventq, too_little_room,
	   .title = "Without room for an event the read is EINVAL, where it can't be written EFAULT, and the event stays",
	   .requirements = { "VEVQ-002" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[2];
	char *end = (char *)guarded_page() + page_size();

	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(-EINVAL, read_events(self->fd, events, 0));
	EXPECT_EQ(-EINVAL, read_events(self->fd, events, HEADER - 1));
	EXPECT_EQ(-EINVAL, read_events(self->fd, events, HEADER));
	EXPECT_EQ(-EINVAL, read_events(self->fd, events, sizeof(events[0]) - 1));
	EXPECT_EQ(-EFAULT, read_events(self->fd, end, sizeof(events)));
	EXPECT_EQ(-EFAULT, read_events(self->fd, end - HEADER, sizeof(events)));
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events) - 1));
	EXPECT_EVENT(0, &events[0]);
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(1, &events[0]);
}

CTS_TEST_F(veventq, lost,
	   .title = "What there is no room for leaves a mark at the end, and a gap before the next event",
	   .requirements = { "VEVQ-003" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[DEPTH + 2];
	int i;

	for (i = 0; i < DEPTH + 3; i++) {
		EXPECT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	}
	EXPECT_EQ(DEPTH * sizeof(events[0]) + HEADER,
		  read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(0, &events[0]);
	EXPECT_EVENT(1, &events[1]);
	EXPECT_EQ(LOST, events[2].flags);
	EXPECT_EQ(DEPTH + 2, events[2].sequence);
	EXPECT_EQ(0, read_events(self->fd, events, sizeof(events)));

	EXPECT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(DEPTH + 3, &events[0]);
}

CTS_TEST_F(veventq, lost_then_room,
	   .title = "When there is room again before the mark was read, the next event takes its place",
	   .requirements = { "VEVQ-003" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[DEPTH + 2];
	int i;

	for (i = 0; i < DEPTH + 1; i++) {
		EXPECT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	}
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events[0])));
	EXPECT_EVENT(0, &events[0]);
	EXPECT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(2 * sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_EVENT(1, &events[0]);
	EXPECT_EVENT(DEPTH + 1, &events[1]);
}

CTS_TEST_F(veventq, busy,
	   .title = "A queue is EBUSY while its file is open, holds the vIOMMU, and makes room for another when it goes",
	   .requirements = { "VEVQ-004", "VIOMMU-003" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	uint32_t next = next_object_id(self->iommufd), other;
	int fd;

	EXPECT_EQ(-EEXIST, __veventq_alloc(self->iommufd, self->viommu, type, DEPTH, &other, &fd));
	EXPECT_EQ(next, next_object_id(self->iommufd));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->queue));
	cts_close(&self->fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->queue));
	ASSERT_EQ(0, __veventq_alloc(self->iommufd, self->viommu, type, DEPTH, &self->queue,
				     &self->fd));
	EXPECT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(POLLIN, ready(self->fd));
}

CTS_TEST_F(veventq, wrong_arguments,
	   .title = "No depth or too much is EINVAL, what is no vIOMMU ENOENT",
	   .requirements = { "VEVQ-001" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t type = IOMMU_VEVENTQ_TYPE_SELFTEST;
	uint32_t next = next_object_id(self->iommufd), none;
	int fd;

	EXPECT_EQ(-EINVAL, __veventq_alloc(self->iommufd, NOBODY, type, 0, &none, &fd));
	EXPECT_EQ(-EINVAL,
		  __veventq_alloc(self->iommufd, NOBODY, type, (1U << 19) + 1, &none, &fd));
	EXPECT_EQ(-EINVAL, __veventq_alloc(self->iommufd, NOBODY, type, UINT32_MAX, &none, &fd));
	EXPECT_EQ(-ENOENT, __veventq_alloc(self->iommufd, NOBODY, type, 1, &none, &fd));
	EXPECT_EQ(-ENOENT, __veventq_alloc(self->iommufd, NOBODY, type, 1U << 19, &none, &fd));
	EXPECT_EQ(-ENOENT, __veventq_alloc(self->iommufd, self->ioas, type, 1, &none, &fd));
	EXPECT_EQ(next, next_object_id(self->iommufd));
}

CTS_TEST_F(veventq, its_file,
	   .title = "Its descriptor is closed on exec, can't be written, and is never ready to be",
	   .requirements = { "VEVQ-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t word = 0;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(-1, write(self->fd, &word, sizeof(word)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, ready(self->fd) & POLLOUT);
}

CTS_MAIN
