/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the processor counts while a call is under way, in kernel and user space: cycles,
 * instructions, and accesses to data that its TLB didn't have (perf_event_open(2)). Counted in
 * passes of their own, so that reading the counters is in no time that is measured. Where the clock
 * counts instructions, and where the processor or the kernel has no counters for this process,
 * nothing is wanted and nothing recorded; why is told once by each program, as the fact "counters".
 *
 *     struct counters_series map = { 0 };
 *
 *     while (counters_want(&map)) {
 *             counters_begin(&map);
 *             ... what is measured ...
 *             counters_end(&map);
 *             ... what takes it back ...
 *     }
 *     counters_record(&map, "map", params);
 */
#ifndef CTS_COUNTERS_H
#define CTS_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "measure.h"

enum counter {
	COUNTER_CYCLES,
	COUNTER_INSTRUCTIONS,
	COUNTER_DTLB_MISSES,
	COUNTERS,
};

struct counters_series {
	uint64_t samples[COUNTERS][MEASURE_SAMPLES]; /* without what reading them takes */
	unsigned int count;			     /* how many samples of each there are */
	unsigned int warm;			     /* how many were taken before them */
	unsigned int shared; /* how many were lost: others had the counters meanwhile */
	uint64_t begin[COUNTERS];
};

/* Is another sample wanted? Of the thread that asked first: the counters are its own. */
bool counters_want(const struct counters_series *series);

/* Around what is measured. */
void counters_begin(struct counters_series *series);
void counters_end(struct counters_series *series);

/*
 * Records the series under @params (record.h), each counter that there is by a name and a unit of
 * its own: "map-cycles" in "cycles", "map-instructions" in "instructions" and "map-dtlb-misses" in
 * "misses". Misses only where each sample has some: of none there is no ratio.
 */
void counters_record(const struct counters_series *series, const char *measure,
		     const struct cts_param *params);

#endif
