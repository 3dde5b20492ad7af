/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting the calls of a function of the kernel that this thread makes: a kprobe that belongs to a
 * descriptor and goes with it (perf_event_open(2), the format of the PMU "kprobe" in sysfs).
 */
#ifndef COHERENCY_PROBE_H
#define COHERENCY_PROBE_H

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

/*
 * A descriptor that counts from now on; -ENOENT where the kernel has no such probes, or no such
 * function; -EACCES or -EPERM where it may not be probed.
 */
static inline int __probe_open(const char *function)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.kprobe_func = (uintptr_t)function,
	};
	FILE *type = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	int fd;

	if (!type)
		return -errno;
	cts_lab_require(fscanf(type, "%u", &attr.type) == 1, "the type of kprobe's PMU");
	fclose(type);
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* How often the function was called since. */
static inline uint64_t probe_count(int probe)
{
	uint64_t count = 0;

	cts_lab_require(read(probe, &count, sizeof(count)) == sizeof(count), "a probe's count");
	return count;
}

#endif
