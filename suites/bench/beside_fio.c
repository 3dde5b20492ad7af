// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a map and an unmap cost beside a disk that the kernel itself uses at the same time: behind
 * the same IOMMU the two share its queue of invalidations, and the processors.
 */
#include <sched.h>

#include "device_fixture.h"
#include "fio.h"
#include "medium.h"
#include "range.h"

#define LENGTH ((size_t)64 << 10)
#define PATIENCE_NS 60000000000ULL

FIXTURE(beside_fio)
{
	DEVICE_FIELDS;
	struct medium medium;
	struct fio fio;
	struct buffer memory;
	uint64_t iova;
};

FIXTURE_SETUP(beside_fio)
{
	CTS_CHECK_NEEDS();
	FIO_OR_SKIP();
	MEDIUM_OPEN_OR_SKIP(&self->medium);
	DEVICE_SETUP_OR_SKIP(self);
	vfio_attach(self->device, self->ioas);
	buffer_alloc(&self->memory, BUFFER_BASE, LENGTH);
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, LENGTH, LENGTH);
}

FIXTURE_TEARDOWN(beside_fio)
{
	fio_stop(&self->fio);
	medium_close(&self->medium);
	DEVICE_TEARDOWN(self);
	buffer_free(&self->memory);
}

/* Waits until the disk has done some more of the work. */
static void await_load(const struct fio *fio, const struct medium *medium)
{
	const uint64_t deadline = measure_now() + PATIENCE_NS, enough = 100;
	const uint64_t before = medium_completed(medium);

	while (medium_completed(medium) < before + enough) {
		cts_lab_require(fio_goes_on(fio) && measure_now() < deadline, "fio at work");
		sched_yield();
	}
}

CTS_TEST_F(beside_fio, map_unmap,
	   .title = "Map and unmap while fio reads from an NVMe disk of the kernel's, and while that is at rest",
	   .requirements = { "MEASURE-041" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE | CTS_NEED_ROOT | CTS_NEED_SCRATCH |
		    CTS_NEED_TIME,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	/* For longer than it takes: it is ended when all is measured. */
	static const char *const load[] = {
		"--rw=randread",  "--bs=4k", "--iodepth=32", "--norandommap", "--time_based",
		"--runtime=3600", NULL
	};
	const struct cts_param rest[] = { { .name = "disk", .word = "at-rest" },
					  { .name = "size", .number = LENGTH },
					  { 0 } };
	const struct cts_param busy[] = { { .name = "disk", .word = "read-by-fio" },
					  { .name = "size", .number = LENGTH },
					  { 0 } };
	struct bench_pair pair;
	struct bench_map args;

	ASSERT_EQ(0, bench_map_init(&args, &pair, self->iommufd, self->ioas, &self->memory, LENGTH,
				    self->iova));
	ASSERT_TRUE(bench_pair_run(&pair, rest));
	fio_start(&self->fio, &self->medium, load);
	await_load(&self->fio, &self->medium);
	ASSERT_TRUE(bench_pair_run(&pair, busy));
	/* It has not ended, or stuck, meanwhile. */
	await_load(&self->fio, &self->medium);
}

CTS_MAIN
