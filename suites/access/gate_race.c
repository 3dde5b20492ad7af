// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access that races with what opens and shuts the gate is all or nothing: each call either finds
 * the gate shut or reaches a device that is wholly open. Each race is run a fixed number of times.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "gate.h"
#include "refused_binds.h"

#define ROUNDS 8
#define THREADS 3

struct race {
	const struct gate *gate;
	const struct vfio_layout *layout;
	pthread_barrier_t start;
	int device;
	atomic_int done;  /* what the calls race with is over */
	atomic_int wrong; /* the last result that is neither shut nor open; 0 if there is none */
	atomic_int late;  /* calls that were refused though bind had returned before they began */
};

/* Lets @racer run in THREADS threads, of which each is on its way when this returns. */
static void start_race(struct race *race, pthread_t threads[THREADS], void *(*racer)(void *))
{
	int i;

	cts_lab_require(!pthread_barrier_init(&race->start, NULL, THREADS + 1),
			"pthread_barrier_init");
	for (i = 0; i < THREADS; i++)
		cts_lab_require(!pthread_create(&threads[i], NULL, racer, race), "pthread_create");
	pthread_barrier_wait(&race->start);
}

/* Tells the racers that it is over, and waits for them. */
static void end_race(struct race *race, pthread_t threads[THREADS])
{
	int i;

	atomic_store(&race->done, 1);
	for (i = 0; i < THREADS; i++)
		cts_require(!pthread_join(threads[i], NULL), "pthread_join");
	pthread_barrier_destroy(&race->start);
}

/* Goes at the gate until it opens. */
static void *race_bind(void *argument)
{
	struct race *race = argument;
	int result, bound_before;

	pthread_barrier_wait(&race->start);
	do {
		bound_before = atomic_load(&race->done);
		result = race->gate->use(race->device, race->layout);
		if (result == -EINVAL && bound_before)
			atomic_fetch_add(&race->late, 1);
		if (result && result != -EINVAL)
			atomic_store(&race->wrong, result);
	} while (result == -EINVAL && !bound_before);
	return NULL;
}

CTS_TEST_F(gate, race_with_bind,
	   .title = "A call that races with bind is refused or succeeds; later ones succeed",
	   .requirements = { "PARK-026" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	int round;

	/*
	 * On a kernel without the gate the race would be a storm on a driver that was never
	 * opened.
	 */
	ASSERT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	cts_close(&self->device);

	for (round = 0; round < ROUNDS; round++) {
		struct race race = { .gate = variant->gate, .layout = &self->layout };
		pthread_t threads[THREADS];
		int error;

		race.device = vfio_open();
		start_race(&race, threads, race_bind);
		error = __vfio_bind(race.device, self->iommufd, NULL);
		end_race(&race, threads);

		EXPECT_EQ(0, error);
		EXPECT_EQ(0, atomic_load(&race.wrong));
		EXPECT_EQ(0, atomic_load(&race.late));
		cts_close(&race.device);
	}
}

/* Asks at the gate as long as binds are refused. */
static void *race_refused_binds(void *argument)
{
	struct race *race = argument;
	int result;

	pthread_barrier_wait(&race->start);
	do {
		result = race->gate->probe(race->device, race->layout);
		if (result != -EINVAL)
			atomic_store(&race->wrong, result ?: 1);
	} while (!atomic_load(&race->done));
	return NULL;
}

CTS_TEST_F(gate, race_with_refused_binds,
	   .title = "While binds are tried and refused, no call finds the gate open",
	   .requirements = { "PARK-026", "PARK-025" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	struct race race = {
		.gate = variant->gate,
		.layout = &self->layout,
		.device = self->device,
	};
	pthread_t threads[THREADS];
	int round;
	size_t i;

	ASSERT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	start_race(&race, threads, race_refused_binds);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
			EXPECT_TRUE(is_refused(&refused_binds[i], self->device, self->iommufd))
			TH_LOG("%s", refused_binds[i].name);
		}
	end_race(&race, threads);
	EXPECT_EQ(0, atomic_load(&race.wrong));
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_OPEN(self->device);
}

/* Goes through the open gate until the descriptor is gone. */
static void *race_close(void *argument)
{
	struct race *race = argument;
	int result;

	/* What the route needs for itself is opened now, lest it get the number that becomes free. */
	result = race->gate->use(race->device, race->layout);
	pthread_barrier_wait(&race->start);
	while (!result)
		result = race->gate->use(race->device, race->layout);
	if (result != -EBADF)
		atomic_store(&race->wrong, result);
	return NULL;
}

/*
 * Binds @race's file to @iommufd, with no call on any other file of the device under way. What a
 * worker of a ring did last it lets go of a moment later: only for that the file is waited for.
 */
static int bind_again(const struct race *race, int iommufd)
{
	bool by_ring = race->gate == &route_uring_read || race->gate == &route_uring_write;
	int rc;

	do {
		rc = __vfio_bind(race->device, iommufd, NULL);
	} while (by_ring && rc == -EINVAL && !sched_yield());
	return rc;
}

CTS_TEST_F(gate, race_with_close,
	   .title = "A call that races with the last close succeeds or finds no file, and frees all",
	   .requirements = { "PARK-026", "LIFE-001" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	int round;

	cts_close(&self->device);
	for (round = 0; round < ROUNDS; round++) {
		struct race race = { .gate = variant->gate, .layout = &self->layout };
		pthread_t threads[THREADS];

		race.device = vfio_open();
		/* No call of the last round kept the device. */
		ASSERT_EQ(0, bind_again(&race, self->iommufd));
		start_race(&race, threads, race_close);
		ASSERT_EQ(0, close(race.device));
		end_race(&race, threads);
		EXPECT_EQ(0, atomic_load(&race.wrong));
	}
	self->device = vfio_open();
	EXPECT_SHUT(self->device);
}

CTS_MAIN
