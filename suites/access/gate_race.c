// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access that races with bind is all or nothing: each call either finds the gate shut or reaches a
 * device that is wholly open. The race is run a fixed number of times; each round ends when bind
 * has returned and every racing thread has seen the gate open.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "gate.h"

#define ROUNDS 8
#define THREADS 3

struct race {
	const struct gate *gate;
	const struct vfio_layout *layout;
	pthread_barrier_t start;
	int device;
	atomic_int bound; /* bind has returned 0 */
	atomic_int wrong; /* the first result that is neither shut nor open */
	atomic_int late;  /* calls that were refused though bind had returned before they began */
};

/* Goes at the gate until it opens. */
static void *go_at_gate(void *argument)
{
	struct race *race = argument;
	int result, bound_before;

	pthread_barrier_wait(&race->start);
	do {
		bound_before = atomic_load(&race->bound);
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
	int round, i;

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
		ASSERT_EQ(0, pthread_barrier_init(&race.start, NULL, THREADS + 1));
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, go_at_gate, &race));
		}

		pthread_barrier_wait(&race.start);
		error = __vfio_bind(race.device, self->iommufd, NULL);
		atomic_store(&race.bound, 1);
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(threads[i], NULL));
		}

		EXPECT_EQ(0, error);
		EXPECT_EQ(0, atomic_load(&race.wrong));
		EXPECT_EQ(0, atomic_load(&race.late));
		pthread_barrier_destroy(&race.start);
		cts_close(&race.device);
	}
}

CTS_MAIN
