// SPDX-License-Identifier: GPL-2.0-only
#include <time.h>

#include "check.h"
#include "measure.h"

uint64_t measure_now(void)
{
	struct timespec now;

	cts_lab_require(!clock_gettime(CLOCK_MONOTONIC_RAW, &now), "CLOCK_MONOTONIC_RAW");
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
