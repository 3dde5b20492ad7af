// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mark that an event queue ends with when events were lost: it stays until it was read, and
 * costs no room of an event. And the queue's file: it wakes who waits, and holds what it is of.
 */
#include <sys/ioctl.h>

#include "../fault/watch.h"
#include "memory.h"
#include "veventq.h"

/* The fields of a mark, which has no data. */
struct mark {
	uint32_t flags;
	uint32_t sequence;
};

/* Fills the queue and loses @lost events more. */
static void overflow(struct __test_metadata *_metadata, int iommufd, const struct mock *mock,
		     int lost)
{
	int i;

	for (i = 0; i < DEPTH + lost; i++) {
		ASSERT_EQ(0, __mock_vevent(iommufd, mock));
	}
}

CTS_TEST_F(veventq, mark_stays,
	   .title = "A mark for which there is no room, or that can't be written, is read by the next read",
	   .requirements = { "VEVQ-003" },
	   .needs = CTS_NEED_MOCK)
{
	char *end = (char *)guarded_page() + page_size();
	struct event events[DEPTH];
	struct mark mark = { 0 };

	overflow(_metadata, self->iommufd, &self->mock, 2);
	/* To the byte for the events alone. */
	ASSERT_EQ(sizeof(events), read_events(self->fd, events, sizeof(events)));
	EXPECT_EQ(POLLIN, ready(self->fd));
	EXPECT_EQ(-EFAULT, read_events(self->fd, end, sizeof(mark)));
	EXPECT_EQ(-EINVAL, read_events(self->fd, &mark, sizeof(mark) - 1));
	EXPECT_EQ(POLLIN, ready(self->fd));
	ASSERT_EQ(sizeof(mark), read_events(self->fd, &mark, sizeof(mark)));
	EXPECT_EQ(LOST, mark.flags);
	EXPECT_EQ(DEPTH + 1, mark.sequence);
	EXPECT_EQ(0, ready(self->fd));
	EXPECT_EQ(0, read_events(self->fd, events, sizeof(events)));
}

CTS_TEST_F(veventq, as_deep_as_before,
	   .title = "After a mark was read the queue takes as many events as before, and loses the next",
	   .requirements = { "VEVQ-003" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[DEPTH + 3];
	int round;

	for (round = 0; round < 3; round++) {
		overflow(_metadata, self->iommufd, &self->mock, 1);
		EXPECT_EQ(DEPTH * sizeof(events[0]) + HEADER,
			  read_events(self->fd, events, sizeof(events)))
		TH_LOG("round %d", round);
		EXPECT_EVENT(round * (DEPTH + 1), &events[0]);
		EXPECT_EQ(LOST, events[DEPTH].flags);
		EXPECT_EQ(round * (DEPTH + 1) + DEPTH, events[DEPTH].sequence);
	}
}

CTS_TEST_F(veventq, wakes,
	   .title = "An event wakes who waits for the queue, the first one and a later one",
	   .requirements = { "VEVQ-002" },
	   .needs = CTS_NEED_MOCK)
{
	struct event events[DEPTH];
	int watcher = watch(self->fd);

	EXPECT_FALSE(woken(watcher));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_TRUE(woken(watcher));
	EXPECT_EQ(sizeof(events[0]), read_events(self->fd, events, sizeof(events)));
	EXPECT_FALSE(woken(watcher));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_TRUE(woken(watcher));
	cts_close(&watcher);
}

CTS_TEST_F(veventq, answer_lost,
	   .title = "An event queue whose id can't be stored is EFAULT: there is no queue, no descriptor, and its type is free",
	   .requirements = { "ABI-011", "VEVQ-004" },
	   .needs = CTS_NEED_MOCK)
{
#ifdef IOMMU_VEVENTQ_ALLOC
	const struct iommu_veventq_alloc args = {
		.size = sizeof(args),
		.viommu_id = self->viommu,
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST,
		.veventq_depth = DEPTH,
	};
	uint32_t next, other;
	int lowest, after, fd;

	cts_close(&self->fd);
	ASSERT_EQ(0, __iommufd_destroy(self->iommufd, self->queue));
	self->queue = 0;
	next = next_object_id(self->iommufd);
	lowest = dup(self->iommufd);
	cts_close(&lowest);
	lowest = dup(self->iommufd);
	EXPECT_EQ(-1,
		  ioctl(self->iommufd, IOMMU_VEVENTQ_ALLOC, read_only_page(&args, sizeof(args))));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(next, next_object_id(self->iommufd));
	/* The lowest descriptor that is free is still the next one. */
	after = dup(self->iommufd);
	EXPECT_EQ(lowest + 1, after);
	cts_close(&after);
	cts_close(&lowest);
	ASSERT_EQ(0, __veventq_alloc(self->iommufd, self->viommu, IOMMU_VEVENTQ_TYPE_SELFTEST,
				     DEPTH, &other, &fd));
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_EQ(POLLIN, ready(fd));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_VEVENTQ_ALLOC");
#endif
}

CTS_TEST_F(veventq, outlives_file,
	   .title = "An open event queue keeps what hangs on its file, and is read on; its close lets go of all",
	   .requirements = { "OBJ-008", "OBJ-007" },
	   .needs = CTS_NEED_MOCK)
{
	char *memory = guarded_page();
	int other = iommufd_open();
	struct event event;

	memory[0] = 1;
	iommufd_map(self->iommufd, self->ioas, memory, page_size(), MOCK_APERTURE_START);
	ASSERT_EQ(0, __mock_vevent(self->iommufd, &self->mock));
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 1));
	cts_close(&self->iommufd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 1));
	EXPECT_EQ(sizeof(event), read_events(self->fd, &event, sizeof(event)));
	EXPECT_EVENT(0, &event);
	cts_close(&self->fd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 0));
	cts_close(&other);
}

CTS_MAIN
