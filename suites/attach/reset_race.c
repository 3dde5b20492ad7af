// SPDX-License-Identifier: GPL-2.0-only
/*
 * While a device is being reset nothing may be attached to it: it would not answer the IOMMU's
 * invalidations. The header promises EBUSY for that time.
 *
 * One thread resets the device, another attaches, replaces and detaches without pause. An attach
 * that began after the reset was asked for and ended before that returned lies within the reset, or
 * in the moments before and after it. A reset takes milliseconds by specification, so that a great
 * many do.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "attach.h"
#include "measure.h"

#define RESETS 8

/* How long that many resets may take, with those that find the device locked. */
#define PATIENCE_NS 60000000000ULL

struct race {
	int device;
	uint32_t targets[2];
	atomic_int resetting;
	atomic_bool stop;
	/* What the attaches within a reset ended in; and all that ended in something else. */
	unsigned int attached, busy, wrong;
};

static void *attach_on_and_on(void *argument)
{
	struct race *race = argument;
	unsigned int i;

	for (i = 0; !atomic_load(&race->stop); i++) {
		int before = atomic_load(&race->resetting);
		int rc = try_attach(race->device, race->targets[i % 2]);
		bool within = before % 2 && atomic_load(&race->resetting) == before;

		race->attached += within && !rc;
		race->busy += within && rc == -EBUSY;
		race->wrong += rc && rc != -EBUSY;
		/* Every other attach is a replace of the one before. */
		if (i % 2)
			race->wrong += __vfio_detach(race->device) != 0;
	}
	return NULL;
}

/* Resets the device @RESETS times beside the other thread. */
static void run_race(struct race *race)
{
	const uint64_t deadline = measure_now() + PATIENCE_NS;
	pthread_t thread;
	int done = 0;

	cts_lab_require(!pthread_create(&thread, NULL, attach_on_and_on, race), "pthread_create");
	while (done < RESETS) {
		int rc;

		if (measure_now() > deadline)
			cts_lab_error(
				"after a minute %d of %d resets have been done: somebody else keeps the device locked",
				done, RESETS);
		atomic_fetch_add(&race->resetting, 1); /* odd: in a reset */
		rc = ioctl(race->device, VFIO_DEVICE_RESET);
		atomic_fetch_add(&race->resetting, 1);
		/* EAGAIN: somebody else holds the device's lock, and nothing was done. */
		cts_require(!rc || errno == EAGAIN, "VFIO_DEVICE_RESET");
		done += !rc;
	}
	atomic_store(&race->stop, true);
	cts_require(!pthread_join(thread, NULL), "pthread_join");
}

CTS_TEST_F(attach, succeeds_or_is_busy,
	   .title = "An attach that races with resets succeeds or ends in EBUSY; later ones succeed",
	   .requirements = { "ATT-017" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	struct race race = { .device = self->device, .targets = { self->ioas, self->other_ioas } };

	if (!can_reset(self->device))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	run_race(&race);
	EXPECT_EQ(0, race.wrong);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_UNUSED(self->other_ioas);
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, is_busy_within_a_reset,
	   .title = "An attach while the device is being reset ends in EBUSY",
	   .requirements = { "ATT-025" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	struct race race = { .device = self->device, .targets = { self->ioas, self->other_ioas } };

	if (!can_reset(self->device))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	run_race(&race);
	/* Too few attaches to have hit a reset: the device resets in no time. */
	if (!race.busy && race.attached < 4 * RESETS)
		CTS_SKIP(DEVICE_LACKS, "only %u attaches fell within %d resets", race.attached,
			 RESETS);
	EXPECT_LT(0, race.busy)
	TH_LOG("%u attaches within %d resets succeeded", race.attached, RESETS);
}

CTS_MAIN
