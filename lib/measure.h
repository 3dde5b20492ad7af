/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking times. Every raw sample is kept and reported; what they amount to is decided later, by the
 * runner.
 *
 * On a virtual host that counts instructions (CTS_INSTRUCTIONS is set) the clock advances by one
 * nanosecond for each of them, and a sample is worth as much as many. There a sample that a tick of
 * the kernel's timer fell into is not kept, but taken again: what a tick does is no part of what is
 * measured, and where it falls is chance. Elsewhere every sample is kept: one can't tell there what
 * else was in it.
 *
 *     struct measure_series map = { 0 };
 *
 *     while (measure_wants(&map)) {
 *             measure_begin(&map);
 *             ... what is measured ...
 *             measure_end(&map);
 *             ... what takes it back ...
 *     }
 *     measure_record(&map, "map", params);
 */
#ifndef CTS_MEASURE_H
#define CTS_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/*
 * Of each series, and what goes before them: where time is measured, and where instructions are
 * counted, which repeat; but it takes some calls there until the kernel's caches of objects have
 * what each call takes from them and gives back.
 */
#define MEASURE_SAMPLES 50
#define MEASURE_WARM_UP 4
#define MEASURE_SAMPLES_COUNTED 5
#define MEASURE_WARM_UP_COUNTED 20

struct measure_series {
	uint64_t samples[MEASURE_SAMPLES]; /* ns, without what reading the clock takes */
	unsigned int count;		   /* how many of them there are */
	unsigned int warm;		   /* how many were taken before them */
	unsigned int again;		   /* how many were not kept, since the last that was */
	unsigned int ticks;		   /* how many of them hold ticks */
	uint64_t tick, begin;
};

/*
 * Nanoseconds of CLOCK_MONOTONIC_RAW, which nothing steers. On a virtual host that counts
 * instructions it advances by them.
 */
uint64_t measure_now(void);

/* Does the host count instructions? */
bool measure_counts_instructions(void);

/*
 * What a sample of nothing takes, ns: the least of many. It is taken off every sample of a series.
 * It is found before the first of them, when placement_record() tells where all of them are taken.
 */
uint64_t measure_clock_cost(void);

/* Is another sample wanted? */
bool measure_wants(const struct measure_series *series);

/* Around what is measured. */
void measure_begin(struct measure_series *series);
void measure_end(struct measure_series *series);

/*
 * A call of the kernel with nothing around it: ioctl() without what makes allocations fail
 * (fail_nth.h), for an argument that is made beforehand. 0 or -errno.
 */
int measure_ioctl(int fd, unsigned long request, void *argument);

/* Records the series as @measure in "ns" under @params (record.h). */
void measure_record(const struct measure_series *series, const char *measure,
		    const struct cts_param *params);

#endif
