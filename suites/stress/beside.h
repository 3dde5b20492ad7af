/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A map that has stopped half way, at a page that the kernel waits for (held.h), and a call in a
 * thread of its own beside it.
 */
#ifndef STRESS_BESIDE_H
#define STRESS_BESIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "check.h"
#include "held.h"
#include "iommufd.h"
#include "measure.h"

/* How long it is watched whether a call ends. Too short can't make a test fail. */
#define WATCHED_NS 200000000ULL

/* A call in a thread. */
struct call {
	int (*make)(void *argument);
	void *argument;
	int result;
	atomic_bool ended;
	pthread_t thread;
};

static inline void *make_call(void *argument)
{
	struct call *call = argument;

	call->result = call->make(call->argument);
	atomic_store(&call->ended, true);
	return NULL;
}

static inline void call_start(struct call *call, int (*make)(void *argument), void *argument)
{
	call->make = make;
	call->argument = argument;
	atomic_store(&call->ended, false);
	cts_lab_require(!pthread_create(&call->thread, NULL, make_call, call), "pthread_create");
}

/* Gives the call time to be where it waits, or to end. */
static inline void call_settle(const struct call *call)
{
	uint64_t deadline = measure_now() + WATCHED_NS;

	while (!atomic_load(&call->ended) && measure_now() < deadline)
		sched_yield();
}

/* Waits for the end of the call: its result. */
static inline int call_finish(struct call *call)
{
	cts_lab_require(!pthread_join(call->thread, NULL), "pthread_join");
	return call->result;
}

#define HALF_PAGES 8

/* A map of HALF_PAGES pages at `iova`, which has pinned some of them. */
struct half_map {
	struct held held;
	struct call call;
	int iommufd;
	uint32_t ioas;
	uint64_t iova;
};

static inline int half_map_call(void *argument)
{
	const struct half_map *half = argument;

	return __iommufd_map(half->iommufd, half->ioas, half->held.memory, half->held.size,
			     half->iova);
}

/* Starts it, into an IOAS with a table. Returns when it has stopped. */
static inline void half_map_start(struct half_map *half, int iommufd, uint32_t ioas, uint64_t iova)
{
	half->iommufd = iommufd;
	half->ioas = ioas;
	half->iova = iova;
	call_start(&half->call, half_map_call, half);
	held_await(&half->held);
}

/* Lets it go on to its end: its result. */
static inline int half_map_finish(struct half_map *half)
{
	held_release(&half->held);
	return call_finish(&half->call);
}

/* In a test: gets its memory ready, or skips the test. */
#define HALF_MAP_OR_SKIP(half) HELD_OR_SKIP(__held_alloc(&(half)->held, HALF_PAGES, HALF_PAGES / 2))

#endif
