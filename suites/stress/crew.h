/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that begin together and do a counted number of things, and the random numbers of each. */
#ifndef STRESS_CREW_H
#define STRESS_CREW_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "check.h"

/* The same in each run, so that what was seen once is looked for again. */
#define CREW_SEED 0x2545f491U
#define CREW_LARGEST 6

struct crew {
	pthread_barrier_t start;
	unsigned int runs;
	atomic_int wrong; /* answers that the kernel never should give */
	atomic_int last;  /* one of them */
	atomic_bool over; /* for who goes on until another is done */
};

/* What one thread is handed. */
struct hand {
	struct crew *crew;
	void *scene; /* the test's own */
	void (*work)(struct hand *hand);
	uint32_t random;
	unsigned int number; /* from 0 */
	pthread_t thread;
};

/* A number below @limit (Marsaglia's xorshift). */
static inline uint32_t random_below(struct hand *hand, uint32_t limit)
{
	hand->random ^= hand->random << 13;
	hand->random ^= hand->random >> 17;
	hand->random ^= hand->random << 5;
	return hand->random % limit;
}

/* Counts @answer, 0 or -errno, as wrong unless @right. */
static inline void note(struct hand *hand, bool right, int answer)
{
	if (right)
		return;
	atomic_store(&hand->crew->last, answer);
	atomic_fetch_add(&hand->crew->wrong, 1);
}

static inline void *begin_work(void *argument)
{
	struct hand *hand = argument;

	pthread_barrier_wait(&hand->crew->start);
	hand->work(hand);
	return NULL;
}

/* Runs the @count functions in @works on @scene together until all have returned. */
static inline void run_crew(struct crew *crew, void *scene,
			    void (*const works[])(struct hand *hand), unsigned int count)
{
	struct hand hands[CREW_LARGEST];
	unsigned int i;

	if (!crew->runs++)
		printf("# seed %#x\n", CREW_SEED);
	atomic_store(&crew->over, false);
	cts_lab_require(count <= CREW_LARGEST, "a smaller crew");
	cts_lab_require(!pthread_barrier_init(&crew->start, NULL, count), "pthread_barrier_init");
	for (i = 0; i < count; i++) {
		hands[i] = (struct hand){ .crew = crew,
					  .scene = scene,
					  .work = works[i],
					  .random = CREW_SEED + CREW_LARGEST * crew->runs + i,
					  .number = i };
		cts_lab_require(!pthread_create(&hands[i].thread, NULL, begin_work, &hands[i]),
				"pthread_create");
	}
	for (i = 0; i < count; i++)
		cts_lab_require(!pthread_join(hands[i].thread, NULL), "pthread_join");
	pthread_barrier_destroy(&crew->start);
}

#define EXPECT_NONE_WRONG(crew)                   \
	EXPECT_EQ(0, atomic_load(&(crew)->wrong)) \
	TH_LOG("one of the wrong answers was %d", atomic_load(&(crew)->last))

#endif
