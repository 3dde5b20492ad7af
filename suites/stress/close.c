// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors that are closed while calls on them are under way: the calls end as they would have,
 * and everything goes with the last of them.
 */
#include <poll.h>
#include <sched.h>

#include "beside.h"
#include "crew.h"
#include "gates.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

#define ROUNDS 8

FIXTURE(close)
{
	struct vfio_layout layout;
	struct half_map half;
	long pins;
	int iommufd;
	int device;
	uint32_t ioas;
};

FIXTURE_SETUP(close)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	vfio_attach(self->device, self->ioas);
	self->pins = pins_now();
}

FIXTURE_TEARDOWN(close)
{
	held_free(&self->half.held);
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

static void start_half_map(FIXTURE_DATA(close) * self)
{
	uint64_t iova =
		iommufd_usable_iova(self->iommufd, self->ioas, self->half.held.size, page_size());

	half_map_start(&self->half, self->iommufd, self->ioas, iova);
}

static bool is_free(void)
{
	int iommufd = iommufd_open(), device = vfio_open();
	bool bound = !__vfio_bind(device, iommufd, NULL);

	cts_close(&device);
	cts_close(&iommufd);
	return bound;
}

CTS_TEST_F(close, iommufd_in_a_map,
	   .title = "An iommufd can be closed while it maps: that succeeds, and goes with the device's last close",
	   .requirements = { "CONC-006" },
	   .needs = NEEDS)
{
	HALF_MAP_OR_SKIP(&self->half);
	start_half_map(self);
	ASSERT_EQ(0, close(self->iommufd));
	self->iommufd = -1;
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_TRUE(pins_become(self->pins + HALF_PAGES));
	cts_close(&self->device);
	EXPECT_TRUE(pins_become(self->pins));
	EXPECT_TRUE(is_free());
}

static int close_device(void *argument)
{
	return close(*(int *)argument) ? -errno : 0;
}

CTS_TEST_F(close, device_in_a_map,
	   .title = "A device can be closed while its iommufd maps: that succeeds, and pins nothing without the device",
	   .requirements = { "CONC-006" },
	   .needs = NEEDS)
{
	struct call call;

	HALF_MAP_OR_SKIP(&self->half);
	start_half_map(self);
	call_start(&call, close_device, &self->device);
	call_settle(&call);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(0, call_finish(&call));
	self->device = -1;
	EXPECT_TRUE(pins_become(self->pins));
	EXPECT_TRUE(is_free());
	EXPECT_EQ(self->half.held.size, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(close, both_in_a_map,
	   .title = "iommufd and device can be closed while a map is under way, and nothing is left when it ends",
	   .requirements = { "CONC-006" },
	   .needs = NEEDS)
{
	struct call call;

	HALF_MAP_OR_SKIP(&self->half);
	start_half_map(self);
	ASSERT_EQ(0, close(self->iommufd));
	self->iommufd = -1;
	call_start(&call, close_device, &self->device);
	call_settle(&call);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(0, call_finish(&call));
	self->device = -1;
	EXPECT_TRUE(pins_become(self->pins));
	EXPECT_TRUE(is_free());
}

/* A fault queue that is looked at while it is closed. */
struct queue {
	int iommufd;
	uint32_t id;
	int fd;
	atomic_int busy; /* threads that look */
};

/* Polls and reads until the descriptor is gone. */
static void look(struct hand *hand)
{
	struct queue *queue = hand->scene;
	char room[1];
	int rc;

	do {
		struct pollfd pollfd = { .fd = queue->fd, .events = POLLIN };

		rc = poll(&pollfd, 1, 1);
		atomic_fetch_or(&queue->busy, 1 << hand->number);
		note(hand, rc == 0 || (rc == 1 && pollfd.revents == POLLNVAL), rc);
		/* Nothing is there to be read: it is looked for all the same. */
		rc = (int)read(queue->fd, room, 0);
		rc = rc < 0 ? -errno : rc;
		note(hand, !rc || rc == -EBADF, rc);
	} while (rc != -EBADF);
}

static void close_queue(struct hand *hand)
{
	struct queue *queue = hand->scene;
	int rc;

	while (atomic_load(&queue->busy) != 0x3)
		sched_yield();
	rc = close(queue->fd) ? -errno : 0;
	note(hand, !rc, rc);
	/* Who still looks has the file, and that the queue. */
	do
		rc = __iommufd_destroy(queue->iommufd, queue->id);
	while (rc == -EBUSY && !sched_yield());
	note(hand, !rc, rc);
	rc = __iommufd_destroy(queue->iommufd, queue->id);
	note(hand, rc == -ENOENT, rc);
}

CTS_TEST_F(close, queue_in_poll_and_read,
	   .title = "A fault queue can be closed while threads poll and read it, and goes when they have ended",
	   .requirements = { "CONC-006", "CONC-003" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { look, look, close_queue };
	struct queue queue = { .iommufd = self->iommufd };
	struct crew crew = { 0 };
	int round, rc;

	for (round = 0; round < ROUNDS; round++) {
		atomic_store(&queue.busy, 0);
		rc = __iommufd_fault_queue_alloc(self->iommufd, &queue.id, &queue.fd);
		if (rc == -ENOTTY)
			CTS_SKIP(KERNEL_LACKS, "no IOMMU_FAULT_QUEUE_ALLOC");
		ASSERT_EQ(0, rc);
		run_crew(&crew, &queue, works, ARRAY_SIZE(works));
		EXPECT_NONE_WRONG(&crew);
	}
}

/* A bound device that is used until its descriptor is gone. */
struct user {
	const struct vfio_layout *layout;
	int iommufd;
	int device;
	uint32_t ioas;
	atomic_int busy;
};

static void read_until_closed(struct hand *hand)
{
	struct user *user = hand->scene;
	uint32_t ids;
	int rc;

	do {
		rc = (int)pread(user->device, &ids, sizeof(ids),
				(off_t)vfio_config_offset(user->layout));
		rc = rc < 0 ? -errno : rc;
		note(hand, rc == -EBADF || (rc == 4 && ids == user->layout->ids), rc);
		atomic_fetch_or(&user->busy, 1 << hand->number);
	} while (rc == 4);
}

/* Maps and unmaps until the other descriptor is gone. */
static void map_until_closed(struct hand *hand)
{
	struct user *user = hand->scene;
	char *memory = guarded_page();
	uint64_t iova = iommufd_usable_iova(user->iommufd, user->ioas, page_size(), page_size());
	uint64_t length;
	int rc;

	do {
		rc = __iommufd_map(user->iommufd, user->ioas, memory, page_size(), iova);
		atomic_fetch_or(&user->busy, 1 << hand->number);
		length = page_size();
		if (!rc)
			rc = __iommufd_unmap(user->iommufd, user->ioas, iova, &length);
		note(hand, !rc || rc == -EBADF, rc);
	} while (!rc);
}

static void close_both(struct hand *hand)
{
	struct user *user = hand->scene;
	int first = random_below(hand, 2) ? user->iommufd : user->device;

	while (atomic_load(&user->busy) != 0x3)
		sched_yield();
	note(hand, !close(first), errno);
	note(hand, !close(user->iommufd + user->device - first), errno);
}

CTS_TEST_F(close, both_in_use,
	   .title = "iommufd and device can be closed while threads map and read, and nothing is left",
	   .requirements = { "CONC-006" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { read_until_closed, map_until_closed, close_both };
	struct user user = { .layout = &self->layout };
	struct crew crew = { 0 };
	int round;

	cts_close(&self->device);
	cts_close(&self->iommufd);
	for (round = 0; round < ROUNDS; round++) {
		user.iommufd = iommufd_open();
		user.device = vfio_open();
		ASSERT_EQ(0, __vfio_bind(user.device, user.iommufd, NULL));
		user.ioas = iommufd_ioas_alloc(user.iommufd);
		vfio_attach(user.device, user.ioas);
		atomic_store(&user.busy, 0);
		run_crew(&crew, &user, works, ARRAY_SIZE(works));
		EXPECT_NONE_WRONG(&crew);
		EXPECT_TRUE(pins_become(self->pins));
	}
	EXPECT_TRUE(is_free());
}

CTS_MAIN
