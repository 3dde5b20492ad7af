// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach, replace and detach of one device from several threads: each call takes effect wholly or
 * not at all, in some order. Whatever that order was, afterwards nothing is left but what the last
 * of them attached.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "attach.h"

#define ROUNDS 200
#define EVERYTHING 0, UINT64_MAX - 1

/* What the threads do to the device, and how often the kernel answered as it never should. */
struct storm {
	pthread_barrier_t start;
	int iommufd;
	int device;
	uint32_t targets[4];	   /* IOASes and HWPTs that last */
	_Atomic uint32_t fleeting; /* an IOAS that comes and goes, 0 while there is none */
	atomic_int wrong;
	atomic_int destroyed;
};

static void note(struct storm *storm, bool right)
{
	if (!right)
		atomic_fetch_add(&storm->wrong, 1);
}

static void *attach_around(void *argument)
{
	struct storm *storm = argument;
	unsigned int i;

	pthread_barrier_wait(&storm->start);
	for (i = 0; i < ROUNDS; i++)
		note(storm, !try_attach(storm->device, storm->targets[i % 4]));
	return NULL;
}

static void *attach_backwards(void *argument)
{
	struct storm *storm = argument;
	unsigned int i;

	pthread_barrier_wait(&storm->start);
	for (i = ROUNDS; i > 0; i--)
		note(storm, !try_attach(storm->device, storm->targets[i % 4]));
	return NULL;
}

static void *detach(void *argument)
{
	struct storm *storm = argument;
	unsigned int i;

	pthread_barrier_wait(&storm->start);
	for (i = 0; i < ROUNDS; i++)
		note(storm, !__vfio_detach(storm->device));
	return NULL;
}

/* Attaches to an IOAS that another thread destroys: to find it, or not. */
static void *attach_fleeting(void *argument)
{
	struct storm *storm = argument;
	unsigned int i;

	pthread_barrier_wait(&storm->start);
	for (i = 0; i < ROUNDS; i++) {
		int rc = try_attach(storm->device, atomic_load(&storm->fleeting));

		note(storm, !rc || rc == -ENOENT);
		note(storm, !__vfio_detach(storm->device));
	}
	return NULL;
}

static void *destroy_fleeting(void *argument)
{
	struct storm *storm = argument;
	unsigned int i;

	pthread_barrier_wait(&storm->start);
	for (i = 0; i < ROUNDS; i++) {
		int rc = __iommufd_destroy(storm->iommufd, atomic_load(&storm->fleeting));

		note(storm, !rc || rc == -EBUSY);
		if (!rc) {
			atomic_fetch_add(&storm->destroyed, 1);
			atomic_store(&storm->fleeting, iommufd_ioas_alloc(storm->iommufd));
		}
	}
	return NULL;
}

/* Runs @bodies, NULL at the end, together. */
static void run_storm(struct storm *storm, void *(*const bodies[])(void *))
{
	pthread_t threads[8];
	unsigned int count, i;

	for (count = 0; bodies[count]; count++)
		;
	cts_lab_require(!pthread_barrier_init(&storm->start, NULL, count), "pthread_barrier_init");
	for (i = 0; i < count; i++)
		cts_lab_require(!pthread_create(&threads[i], NULL, bodies[i], storm),
				"pthread_create");
	for (i = 0; i < count; i++)
		cts_require(!pthread_join(threads[i], NULL), "pthread_join");
	pthread_barrier_destroy(&storm->start);
}

CTS_TEST_F(attach, race_of_attach_and_detach,
	   .title = "Threads that attach, replace and detach one device all succeed, nothing leaks",
	   .requirements = { "ATT-024" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	void *(*const bodies[])(void *) = { attach_around, attach_backwards, detach, NULL };
	uint64_t before = iommufd_usable_bytes(self->iommufd, self->ioas, EVERYTHING);
	struct storm storm = { .iommufd = self->iommufd, .device = self->device };
	uint32_t hwpt = self->ioas;

	storm.targets[0] = self->ioas;
	storm.targets[1] = self->other_ioas;
	storm.targets[2] = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);
	storm.targets[3] = iommufd_hwpt_alloc(self->iommufd, self->id, self->other_ioas);
	run_storm(&storm, bodies);
	EXPECT_EQ(0, atomic_load(&storm.wrong));

	/* What was attached last, if anything, is all that is in use. */
	ASSERT_EQ(0, __vfio_attach(self->device, &hwpt));
	EXPECT_UNUSED(storm.targets[2]);
	EXPECT_UNUSED(storm.targets[3]);
	EXPECT_UNUSED(self->other_ioas);
	EXPECT_IN_USE(hwpt);
	vfio_detach(self->device);
	EXPECT_EQ(before, iommufd_usable_bytes(self->iommufd, self->ioas, EVERYTHING));
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, race_with_destroy,
	   .title = "An attach that races with the destruction of its IOAS finds it whole or ENOENT",
	   .requirements = { "ATT-024" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	void *(*const bodies[])(void *) = { attach_fleeting, destroy_fleeting, NULL };
	struct storm storm = { .iommufd = self->iommufd, .device = self->device };

	atomic_store(&storm.fleeting, iommufd_ioas_alloc(self->iommufd));
	run_storm(&storm, bodies);
	EXPECT_EQ(0, atomic_load(&storm.wrong));
	/* On a slow machine the two may never have met; then this says little. */
	printf("# destroyed %d times\n", atomic_load(&storm.destroyed));

	vfio_detach(self->device);
	EXPECT_UNUSED(atomic_load(&storm.fleeting));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
}

/* Goes on until the descriptor is gone. The file itself stays until the last call has returned. */
static void *attach_until_closed(void *argument)
{
	struct storm *storm = argument;
	unsigned int i = 0;
	int rc;

	pthread_barrier_wait(&storm->start);
	do {
		rc = i % 2 ? __vfio_detach(storm->device)
			   : try_attach(storm->device, storm->targets[i / 2 % 2]);
		i++;
	} while (!rc);
	note(storm, rc == -EBADF);
	return NULL;
}

static void *close_device(void *argument)
{
	struct storm *storm = argument;

	pthread_barrier_wait(&storm->start);
	note(storm, !try_attach(storm->device, storm->targets[0]));
	note(storm, !close(storm->device));
	return NULL;
}

CTS_TEST_F(attach, race_with_close,
	   .title = "A close that races with attach and detach leaves nothing attached",
	   .requirements = { "ATT-024", "DET-006" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	void *(*const bodies[])(void *) = { attach_until_closed, attach_until_closed, close_device,
					    NULL };
	struct storm storm = { .iommufd = self->iommufd, .device = self->device };
	int round;

	storm.targets[0] = self->ioas;
	storm.targets[1] = self->other_ioas;
	for (round = 0; round < 8; round++) {
		run_storm(&storm, bodies);
		EXPECT_EQ(0, atomic_load(&storm.wrong));
		EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, self->id));
		self->device = vfio_open();
		self->id = vfio_bind(self->device, self->iommufd);
		storm.device = self->device;
	}
	EXPECT_UNUSED(self->ioas);
	EXPECT_UNUSED(self->other_ioas);
}

CTS_MAIN
