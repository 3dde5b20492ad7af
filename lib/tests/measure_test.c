// SPDX-License-Identifier: GPL-2.0-only
/* Series of samples, on a host that measures time and on one that counts instructions. */
#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <time.h>

#include "measure.h"
#include "unit.h"

static uint64_t tick(void)
{
	struct timespec now;

	CHECK(!clock_gettime(CLOCK_MONOTONIC_COARSE, &now));
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void wait_for_ticks(int ticks)
{
	while (ticks--) {
		const uint64_t before = tick();

		while (tick() == before)
			;
	}
}

/* A series of which every third sample holds @ticks ticks. Returns how many were tried. */
static unsigned int take(struct measure_series *series, int ticks)
{
	unsigned int tries = 0;

	*series = (struct measure_series){ 0 };
	while (measure_wants(series)) {
		measure_begin(series);
		if (tries++ % 3 == 0)
			wait_for_ticks(ticks);
		measure_end(series);
	}
	return tries;
}

int main(void)
{
	struct measure_series series;
	unsigned int tries;
	int argument = 0;

	/* Every sample is kept behind those that warm up. */
	CHECK(take(&series, 1) == MEASURE_WARM_UP + MEASURE_SAMPLES);
	CHECK(series.count == MEASURE_SAMPLES && series.ticks >= MEASURE_SAMPLES / 3);

	/* What a tick fell into is taken again, and is in no sample: unless it can't be otherwise. */
	CHECK(!setenv("CTS_INSTRUCTIONS", "1", 1));
	CHECK(measure_counts_instructions());
	tries = take(&series, 1);
	CHECK(tries > MEASURE_WARM_UP_COUNTED + MEASURE_SAMPLES_COUNTED);
	CHECK(series.count == MEASURE_SAMPLES_COUNTED && !series.ticks);
	series = (struct measure_series){ 0 };
	while (measure_wants(&series)) {
		measure_begin(&series);
		wait_for_ticks(2);
		measure_end(&series);
	}
	CHECK(series.count == MEASURE_SAMPLES_COUNTED && series.ticks == series.count);

	CHECK(measure_ioctl(-1, FIGETBSZ, &argument) == -EBADF);
	return 0;
}
