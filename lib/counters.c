// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "counters.h"

/* Samples of nothing, of which the least is what reading the counters costs. */
#define TRIALS 64
/* How often samples may be lost to others before there are no more. */
#define SHARED_MAX 200

static const struct {
	uint32_t type;
	uint64_t config;
	const char *name, *unit;
} kinds[COUNTERS] = {
	[COUNTER_CYCLES] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles", "cycles" },
	[COUNTER_INSTRUCTIONS] = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions",
				   "instructions" },
	[COUNTER_DTLB_MISSES] = { PERF_TYPE_HW_CACHE,
				  PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |
					  PERF_COUNT_HW_CACHE_RESULT_MISS << 16,
				  "dtlb-misses", "misses" },
};

/* The group: its leader, and which counter each of its numbers is. */
static struct {
	bool known;
	int fd;
	unsigned int count;
	enum counter which[COUNTERS];
	uint64_t cost[COUNTERS];
} group = { .fd = -1 };

/* As read() of a group gives it, with both times (perf_event_open(2)). */
struct reading {
	uint64_t count, enabled, running;
	uint64_t values[COUNTERS];
};

static int open_counter(enum counter which, int leader)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = kinds[which].type,
		.config = kinds[which].config,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

/* Reads the group. False if there was a time in which it didn't count. */
static bool read_group(uint64_t values[COUNTERS])
{
	const size_t size = (3 + group.count) * sizeof(uint64_t);
	struct reading reading;
	unsigned int i;

	cts_lab_require(read(group.fd, &reading, sizeof(reading)) == (ssize_t)size,
			"reading %u counters", group.count);
	for (i = 0; i < group.count; i++)
		values[group.which[i]] = reading.values[i];
	return reading.enabled == reading.running;
}

static void find_cost(void)
{
	uint64_t begin[COUNTERS], end[COUNTERS];
	unsigned int i, k;

	for (k = 0; k < group.count; k++)
		group.cost[group.which[k]] = UINT64_MAX;
	for (i = 0; i < TRIALS; i++) {
		if (!read_group(begin) || !read_group(end))
			continue;
		for (k = 0; k < group.count; k++) {
			const enum counter which = group.which[k];
			const uint64_t taken = end[which] - begin[which];

			if (taken < group.cost[which])
				group.cost[which] = taken;
		}
	}
}

/* Opens what there is of the counters, for this thread: the first is the leader. */
static void find_group(void)
{
	int error = 0, fd;
	unsigned int i;

	group.known = true;
	if (measure_counts_instructions())
		return;
	for (i = 0; i < COUNTERS; i++) {
		fd = open_counter(i, group.fd);
		if (fd < 0) {
			error = errno;
			continue;
		}
		if (group.fd < 0)
			group.fd = fd;
		group.which[group.count++] = i;
	}
	if (!group.count)
		cts_record_fact("counters", "this process has none of the processor's: %s",
				strerror(error));
	else
		find_cost();
}

bool counters_want(const struct counters_series *series)
{
	if (!group.known)
		find_group();
	return group.count && series->count < MEASURE_SAMPLES && series->shared < SHARED_MAX;
}

void counters_begin(struct counters_series *series)
{
	(void)read_group(series->begin);
}

void counters_end(struct counters_series *series)
{
	uint64_t end[COUNTERS];
	unsigned int i;

	if (!read_group(end)) {
		series->shared++;
		return;
	}
	if (series->warm < MEASURE_WARM_UP) {
		series->warm++;
		return;
	}
	if (!counters_want(series))
		return;
	for (i = 0; i < group.count; i++) {
		const enum counter which = group.which[i];
		const uint64_t taken = end[which] - series->begin[which];

		series->samples[which][series->count] =
			taken > group.cost[which] ? taken - group.cost[which] : 0;
	}
	series->count++;
}

static bool any_none(const uint64_t *samples, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && samples[i]; i++)
		;
	return i < count;
}

void counters_record(const struct counters_series *series, const char *measure,
		     const struct cts_param *params)
{
	unsigned int i;

	for (i = 0; i < group.count; i++) {
		const enum counter which = group.which[i];
		char name[64];

		if (any_none(series->samples[which], series->count))
			continue;
		snprintf(name, sizeof(name), "%s-%s", measure, kinds[which].name);
		cts_record_row(name, kinds[which].unit, params, series->samples[which],
			       series->count);
	}
}
