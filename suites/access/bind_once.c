// SPDX-License-Identifier: GPL-2.0-only
/* A device is bound through one file, once. */
#include <limits.h>
#include <pthread.h>

#include "bind.h"
#include "gates.h"

#define ROUNDS 8
#define THREADS 4

CTS_TEST_F(bind, returns_an_id,
	   .title = "A correct bind returns 0, stores an id and changes nothing else",
	   .requirements = { "BIND-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = self->iommufd };

	ASSERT_EQ(0, __vfio_bind_raw(self->device, &args));
	EXPECT_NE(0, args.out_devid);
	EXPECT_EQ(sizeof(args), args.argsz);
	EXPECT_EQ(0, args.flags);
	EXPECT_EQ(self->iommufd, args.iommufd);
}

CTS_TEST_F(bind, second_bind,
	   .title = "A bound file refuses to be bound again and keeps its binding",
	   .requirements = { "BIND-012" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);
	int other = iommufd_open();

	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, other, NULL));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));

	/* It is still the first iommufd that the file closes, and gives back. */
	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(bind, second_bind_precedes_the_iommufd,
	   .title = "A bound file refuses to be bound again before it looks for the iommufd",
	   .requirements = { "BIND-012" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, INT_MAX, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->device, NULL));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(bind, second_file,
	   .title = "While a device is bound no other file of it can be; afterwards one can",
	   .requirements = { "BIND-013" },
	   .needs = CTS_NEED_CDEV)
{
	int other = iommufd_open();
	int second = vfio_open();
	uint32_t id;

	id = vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(second, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(second, other, NULL));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));

	cts_close(&self->device);
	EXPECT_EQ(0, __vfio_bind(second, other, NULL));
	cts_close(&second);
	cts_close(&other);
}

/* Files that are all to be bound at the same moment; a file may be there more than once. */
struct contest {
	pthread_barrier_t start;
	int iommufd;
};

struct contestant {
	struct contest *contest;
	pthread_t thread;
	int device;
	int result;
};

static void *contend(void *argument)
{
	struct contestant *self = argument;

	pthread_barrier_wait(&self->contest->start);
	self->result = __vfio_bind(self->device, self->contest->iommufd, NULL);
	return NULL;
}

/*
 * Lets @contestants bind together; how many succeeded. *@others: how many were refused
 * with EINVAL.
 */
static int run_contest(struct contestant *contestants, int iommufd, int *others)
{
	struct contest contest = { .iommufd = iommufd };
	int i, winners = 0;

	cts_lab_require(!pthread_barrier_init(&contest.start, NULL, THREADS),
			"pthread_barrier_init");
	for (i = 0; i < THREADS; i++) {
		contestants[i].contest = &contest;
		cts_lab_require(!pthread_create(&contestants[i].thread, NULL, contend,
						&contestants[i]),
				"pthread_create");
	}
	*others = 0;
	for (i = 0; i < THREADS; i++) {
		cts_require(!pthread_join(contestants[i].thread, NULL), "pthread_join");
		winners += contestants[i].result == 0;
		*others += contestants[i].result == -EINVAL;
	}
	pthread_barrier_destroy(&contest.start);
	return winners;
}

CTS_TEST_F(bind, concurrent_files,
	   .title = "Of several files of a device that are bound at the same time one is bound",
	   .requirements = { "BIND-024" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	int round, i, others;

	for (round = 0; round < ROUNDS; round++) {
		struct contestant contestants[THREADS] = { 0 };

		for (i = 0; i < THREADS; i++)
			contestants[i].device = vfio_open();
		EXPECT_EQ(1, run_contest(contestants, self->iommufd, &others));
		EXPECT_EQ(THREADS - 1, others);
		for (i = 0; i < THREADS; i++) {
			if (!contestants[i].result) {
				EXPECT_EQ(0, gate_ioctl.use(contestants[i].device, &self->layout));
			}
			cts_close(&contestants[i].device);
		}
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, concurrent_threads,
	   .title = "Of several threads that bind the same file at the same time one succeeds",
	   .requirements = { "BIND-024" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	int round, i, others;

	for (round = 0; round < ROUNDS; round++) {
		struct contestant contestants[THREADS] = { 0 };

		for (i = 0; i < THREADS; i++)
			contestants[i].device = self->device;
		EXPECT_EQ(1, run_contest(contestants, self->iommufd, &others));
		EXPECT_EQ(THREADS - 1, others);
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
		cts_close(&self->device);
		self->device = vfio_open();
	}
}

CTS_MAIN
