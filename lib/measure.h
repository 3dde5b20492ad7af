/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking times. Every raw sample is kept and reported; what they amount to is decided later, by the
 * runner.
 */
#ifndef CTS_MEASURE_H
#define CTS_MEASURE_H

#include <stdint.h>

/*
 * Nanoseconds of CLOCK_MONOTONIC_RAW, which nothing steers. On a virtual host that counts
 * instructions it advances by them.
 */
uint64_t measure_now(void);

#endif
