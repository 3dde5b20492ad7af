// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is pinned and is to be unmapped: the driver is told, and the unmapping waits until it has
 * let go. Until then the pages are the device's, and nobody gets new pins of them. A detach and a
 * replace tell it that all is to go.
 */
#include <pthread.h>
#include <sched.h>

#include "canary.h"
#include "mediated.h"

#define SEED 0x42

/* Maps pages 0 to 3, each by itself, and attaches the device. */
static void attach_to_four(FIXTURE_DATA(mediated) * self)
{
	size_t i;

	for (i = 0; i < 4; i++)
		MAP(self, self->ioas, i, 1);
	vfio_attach(self->device, self->ioas);
}

CTS_TEST_F(mediated, told_of_each_mapping,
	   .title = "An unmapping tells the driver the IOVAs of each mapping that has pins, and leaves others alone",
	   .requirements = { "MDEV-006" },
	   .needs = NEEDS)
{
	size_t i;

	PINS_OR_SKIP(self);
	attach_to_four(self);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, DO(self, PIN_WRITE, AT(self, i), self->page));
	}
	EXPECT_EQ(0, REGISTER(self, NOTICES));
	iommufd_unmap(self->iommufd, self->ioas, AT(self, 2), self->page);
	EXPECT_EQ(1, REGISTER(self, NOTICES));
	EXPECT_EQ(AT(self, 2), REGISTER(self, NOTICE_IOVA));
	EXPECT_EQ(self->page, REGISTER(self, NOTICE_LENGTH));
	EXPECT_EQ(3, REGISTER(self, PINNED));
	EXPECT_EQ(0, DO(self, READ_PINNED, AT(self, 1), self->page));

	iommufd_unmap(self->iommufd, self->ioas, AT(self, 0), 2 * self->page);
	EXPECT_EQ(3, REGISTER(self, NOTICES));
	EXPECT_EQ(AT(self, 1), REGISTER(self, NOTICE_IOVA));
	EXPECT_EQ(self->page, REGISTER(self, NOTICE_LENGTH));
	EXPECT_EQ(1, REGISTER(self, PINNED));
	EXPECT_EQ(0, DO(self, READ_PINNED, AT(self, 3), self->page));
}

CTS_TEST_F(mediated, told_again,
	   .title = "A driver that doesn't let go at once is told again, and the unmapping ends when it has",
	   .requirements = { "MDEV-006" },
	   .needs = NEEDS)
{
	const uint64_t times = 5;

	PINS_OR_SKIP(self);
	attach_to_four(self);
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, self->page));
	SET_REGISTER(self, IGNORE, times);
	iommufd_unmap(self->iommufd, self->ioas, self->iova, self->page);
	EXPECT_EQ(times + 1, REGISTER(self, NOTICES));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(-ENOENT, DO(self, PIN_READ, self->iova, 1));
}

/* An unmapping of the first page, by a thread. */
struct unmapping {
	int iommufd;
	uint32_t ioas;
	uint64_t iova, length;
	pthread_t thread;
	int result;
	bool ended;
};

static void *unmap(void *argument)
{
	struct unmapping *unmapping = argument;

	unmapping->result = __iommufd_unmap(unmapping->iommufd, unmapping->ioas, unmapping->iova,
					    &unmapping->length);
	__atomic_store_n(&unmapping->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Starts it, and returns when the driver, which HOLDs, has been told. */
static void start_unmap(const FIXTURE_DATA(mediated) * self, struct unmapping *unmapping)
{
	*unmapping = (struct unmapping){
		.iommufd = self->iommufd,
		.ioas = self->ioas,
		.iova = self->iova,
		.length = self->page,
	};
	cts_lab_require(!pthread_create(&unmapping->thread, NULL, unmap, unmapping), "a thread");
	while (!REGISTER(self, NOTICES) && !__atomic_load_n(&unmapping->ended, __ATOMIC_ACQUIRE))
		sched_yield();
}

CTS_TEST_F(mediated, waits,
	   .title = "An unmapping waits for the driver; meanwhile the pages are the device's, and are neither pinned anew nor copied",
	   .requirements = { "MDEV-006", "MDEV-010" },
	   .needs = NEEDS)
{
	struct unmapping unmapping;
	char byte = 0x5a;

	PINS_OR_SKIP(self);
	attach_to_four(self);
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, self->page));
	SET_REGISTER(self, HOLD, 1);
	start_unmap(self, &unmapping);

	canary_fill(self->memory, self->buffer.size, SEED);
	engine_load(self->device, &self->layout, &byte, 1);
	EXPECT_EQ(0, DO(self, WRITE_PINNED, self->iova, 1));
	EXPECT_TRUE(canary_holds_only(self->memory, self->buffer.size, SEED, 0, &byte, 1));
	EXPECT_EQ(-EINVAL, DO(self, PIN_READ, self->iova, 1));
	EXPECT_EQ(-EINVAL, DO(self, READ, self->iova, 1));
	EXPECT_EQ(1, REGISTER(self, PINNED));
	/* Other mappings are as they were. */
	EXPECT_EQ(0, DO(self, PIN_READ, AT(self, 1), 1));
	EXPECT_EQ(0, DO(self, UNPIN, AT(self, 1), 1));
	EXPECT_FALSE(__atomic_load_n(&unmapping.ended, __ATOMIC_ACQUIRE));

	SET_REGISTER(self, HOLD, 0);
	ASSERT_EQ(0, pthread_join(unmapping.thread, NULL));
	EXPECT_EQ(0, unmapping.result);
	EXPECT_EQ(self->page, unmapping.length);
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(-ENOENT, DO(self, PIN_READ, self->iova, 1));
}

static void *close_device(void *device)
{
	cts_close(device);
	return NULL;
}

/*
 * Has @thread ended within a time that is much longer than it takes, and much shorter than the
 * minute for which the kernel would wait for somebody who never lets go?
 */
static bool ends_soon(pthread_t thread)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 20;
	return !pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &deadline);
}

/* The driver takes its time to let go, so that the close meets it. */
CTS_TEST_F(mediated, close_ends_it,
	   .title = "The last close of the device lets an unmapping go on that waits for it, and returns after it",
	   .requirements = { "MDEV-012", "MDEV-011" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct unmapping unmapping;
	pthread_t closing;
	bool soon;

	PINS_OR_SKIP(self);
	attach_to_four(self);
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, self->page));
	SET_REGISTER(self, SLOW, 300);
	SET_REGISTER(self, HOLD, 1);
	start_unmap(self, &unmapping);
	EXPECT_FALSE(__atomic_load_n(&unmapping.ended, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, pthread_create(&closing, NULL, close_device, &self->device));
	ASSERT_EQ(0, pthread_join(unmapping.thread, NULL));
	EXPECT_EQ(0, unmapping.result);
	soon = ends_soon(closing);
	EXPECT_TRUE(soon);
	if (!soon)
		pthread_join(closing, NULL);
	EXPECT_EQ(3 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mediated, detach_tells_all,
	   .title = "A detach tells the driver all IOVAs, and what was pinned is not any more",
	   .requirements = { "MDEV-006" },
	   .needs = NEEDS)
{
	PINS_OR_SKIP(self);
	attach_to_four(self);
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, self->page));
	EXPECT_EQ(0, DO(self, PIN_READ, AT(self, 3), self->page));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(1, REGISTER(self, NOTICES));
	EXPECT_EQ(0, REGISTER(self, NOTICE_IOVA));
	EXPECT_LE(AT(self, 4), REGISTER(self, NOTICE_LENGTH));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(-ENOENT, DO(self, PIN_READ, self->iova, 1));
	EXPECT_EQ(4 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(1, REGISTER(self, NOTICES));
}

CTS_TEST_F(mediated, replace_tells_all,
	   .title = "A replace tells the driver all IOVAs; one that is refused, or to the same IOAS, nothing",
	   .requirements = { "MDEV-006", "MDEV-004" },
	   .needs = NEEDS)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	PINS_OR_SKIP(self);
	attach_to_four(self);
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, self->page));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-ENOENT, try_attach(self->device, NO_ID));
	EXPECT_EQ(0, REGISTER(self, NOTICES));
	EXPECT_EQ(1, REGISTER(self, PINNED));
	EXPECT_EQ(0, DO(self, READ_PINNED, self->iova, self->page));

	EXPECT_EQ(0, try_attach(self->device, other));
	EXPECT_EQ(1, REGISTER(self, NOTICES));
	EXPECT_EQ(0, REGISTER(self, NOTICE_IOVA));
	EXPECT_LE(AT(self, 4), REGISTER(self, NOTICE_LENGTH));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(4 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(1, REGISTER(self, NOTICES));
}

CTS_MAIN
