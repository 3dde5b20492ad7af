// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "measure.h"
#include "placement.h"

/* Samples of nothing, of which the cheapest is what a clock costs. */
#define CLOCK_TRIALS 64
/* How often a sample that a tick fell into is taken again. What lasts longer than a tick has one. */
#define AGAIN 6

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	cts_lab_require(!clock_gettime(clock, &now), "clock %d", (int)clock);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t measure_now(void)
{
	return clock_ns(CLOCK_MONOTONIC_RAW);
}

/* Changes with each tick, and not in between. */
static uint64_t tick(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE);
}

bool measure_counts_instructions(void)
{
	return getenv("CTS_INSTRUCTIONS");
}

static unsigned int wanted(void)
{
	return measure_counts_instructions() ? MEASURE_SAMPLES_COUNTED : MEASURE_SAMPLES;
}

static unsigned int warm_up(void)
{
	return measure_counts_instructions() ? MEASURE_WARM_UP_COUNTED : MEASURE_WARM_UP;
}

uint64_t measure_clock_cost(void)
{
	static bool known;
	static uint64_t cost;
	uint64_t least = UINT64_MAX;
	int i;

	if (known)
		return cost;
	placement_record();
	known = true; /* for the samples here, of which nothing is to be taken off */
	for (i = 0; i < CLOCK_TRIALS; i++) {
		struct measure_series nothing = { .warm = warm_up() };

		measure_begin(&nothing);
		measure_end(&nothing);
		if (nothing.count && nothing.samples[0] < least)
			least = nothing.samples[0];
	}
	cts_lab_require(least != UINT64_MAX, "%d samples of nothing", CLOCK_TRIALS);
	cost = least;
	return cost;
}

bool measure_wants(const struct measure_series *series)
{
	return series->count < wanted();
}

void measure_begin(struct measure_series *series)
{
	(void)measure_clock_cost();
	series->tick = tick();
	/* What may last nearly as long as a tick begins with one. */
	if (series->again) {
		const uint64_t before = series->tick;

		while (series->tick == before)
			series->tick = tick();
	}
	series->begin = measure_now();
}

void measure_end(struct measure_series *series)
{
	const uint64_t end = measure_now();
	const bool ticked = tick() != series->tick;
	const uint64_t taken = end - series->begin, cost = measure_clock_cost();

	if (series->warm < warm_up()) {
		series->warm++;
		return;
	}
	if (!measure_wants(series))
		return;
	if (ticked && measure_counts_instructions() && series->again < AGAIN) {
		series->again++;
		return;
	}
	series->ticks += ticked;
	series->again = 0;
	series->samples[series->count++] = taken > cost ? taken - cost : 0;
}

int measure_ioctl(int fd, unsigned long request, void *argument)
{
	return syscall(SYS_ioctl, fd, request, argument) < 0 ? -errno : 0;
}

void measure_record(const struct measure_series *series, const char *measure,
		    const struct cts_param *params)
{
	if (measure_counts_instructions() && series->ticks)
		printf("# %u of %u samples of %s hold ticks of the timer\n", series->ticks,
		       series->count, measure);
	cts_record_row(measure, "ns", params, series->samples, series->count);
}
