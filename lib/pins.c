// SPDX-License-Identifier: GPL-2.0-only
#include <sched.h>
#include <stdio.h>

#include "check.h"
#include "measure.h"
#include "pins.h"
#include "sysfs.h"

/* How long the kernel may take to let go of what was closed. */
#define PATIENCE_NS 10000000000ULL

long pins_now(void)
{
	long taken = -1, given = -1, value;
	char name[64];
	FILE *file;

	/* Each processor counts for itself until it is asked. */
	cts_lab_require(!__sysfs_write("/proc/sys/vm/stat_refresh", "1"),
			"/proc/sys/vm/stat_refresh");
	file = fopen("/proc/vmstat", "re");
	cts_lab_require(file, "/proc/vmstat");
	while (fscanf(file, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			taken = value;
		if (!strcmp(name, "nr_foll_pin_released"))
			given = value;
	}
	fclose(file);
	cts_lab_require(taken >= 0 && given >= 0, "/proc/vmstat counts no pins");
	return taken - given;
}

bool pins_become(long pins)
{
	uint64_t deadline = measure_now() + PATIENCE_NS;
	long now;

	do {
		now = pins_now();
		if (now == pins)
			return true;
		sched_yield();
	} while (measure_now() < deadline);
	fprintf(stderr, "# %ld pages are pinned, not %ld\n", now, pins);
	return false;
}
