// SPDX-License-Identifier: GPL-2.0-only
/*
 * What threads cost each other that map and unmap at the same time: each its own memory at its own
 * IOVA, in one address space or each in one of its own, without a table. And what a device costs
 * that writes meanwhile.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "dut.h"
#include "range.h"

#define THREADS_MAX 64U
#define LENGTH ((size_t)64 << 10)

/* One thread: it measures @pair between two meetings of all. */
struct worker {
	pthread_t thread;
	pthread_barrier_t *meeting;
	int processor;
	struct buffer memory;
	struct bench_map args;
	struct bench_pair pair;
	struct measure_series put, take;
	int error;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	const struct bench_pair *pair = &worker->pair;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->processor, &set);
	/* Where it may not: then they are where the scheduler has them. */
	(void)sched_setaffinity(0, sizeof(set), &set);
	pthread_barrier_wait(worker->meeting);
	while (!worker->error && (measure_wants(&worker->put) || measure_wants(&worker->take))) {
		measure_begin(&worker->put);
		worker->error = measure_ioctl(pair->fd, pair->put_request, pair->put);
		measure_end(&worker->put);
		if (worker->error)
			break;
		measure_begin(&worker->take);
		worker->error = measure_ioctl(pair->fd, pair->take_request, pair->take);
		measure_end(&worker->take);
	}
	pthread_barrier_wait(worker->meeting);
	return NULL;
}

FIXTURE(threads)
{
	int iommufd;
	cpu_set_t processors;
	struct worker workers[THREADS_MAX];
};

FIXTURE_VARIANT(threads)
{
	bool apart;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(threads, one_ioas) { false };
FIXTURE_VARIANT_ADD(threads, each_its_own) { true };
/* clang-format on */

FIXTURE_SETUP(threads)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	cts_lab_require(!sched_getaffinity(0, sizeof(self->processors), &self->processors),
			"sched_getaffinity");
}

FIXTURE_TEARDOWN(threads)
{
	cts_close(&self->iommufd);
}

/* The processor number @n of @set, counted from 0. */
static int processor(const cpu_set_t *set, unsigned int n)
{
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && !n--)
			return cpu;
	return -1;
}

static void record(const struct worker *workers, unsigned int count, bool apart)
{
	const struct cts_param params[] = {
		{ .name = "threads", .number = count },
		{ .name = "ioas", .word = apart ? "each" : "one" },
		{ 0 },
	};
	unsigned int i;

	for (i = 0; i < count; i++) {
		measure_record(&workers[i].put, "map", params);
		measure_record(&workers[i].take, "unmap", params);
	}
}

CTS_TEST_F(threads, map_unmap,
	   .title = "Map and unmap by 1, 2, 4, ... threads, as many as there are processors",
	   .requirements = { "MEASURE-011" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_TIME,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const unsigned int most = (unsigned int)CPU_COUNT(&self->processors);
	unsigned int count, i;

	(void)measure_clock_cost(); /* found once, and not by all of them at a time */
	for (count = 1; count <= most && count <= THREADS_MAX; count *= 2) {
		uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
		pthread_barrier_t meeting;
		uint64_t iova;

		iova = iommufd_usable_iova(self->iommufd, ioas, LENGTH * THREADS_MAX, LENGTH);
		ASSERT_EQ(0, pthread_barrier_init(&meeting, NULL, count));
		for (i = 0; i < count; i++) {
			struct worker *worker = &self->workers[i];

			*worker = (struct worker){ .meeting = &meeting };
			worker->processor = processor(&self->processors, i);
			if (variant->apart && i)
				ioas = iommufd_ioas_alloc(self->iommufd);
			buffer_alloc(&worker->memory, BUFFER_BASE, LENGTH);
			ASSERT_EQ(0,
				  bench_map_init(&worker->args, &worker->pair, self->iommufd, ioas,
						 &worker->memory, LENGTH, iova + i * LENGTH));
		}
		for (i = 0; i < count; i++) {
			struct worker *worker = &self->workers[i];

			ASSERT_EQ(0, pthread_create(&worker->thread, NULL, work, worker));
		}
		for (i = 0; i < count; i++) {
			pthread_join(self->workers[i].thread, NULL);
			buffer_free(&self->workers[i].memory);
			ASSERT_EQ(0, self->workers[i].error);
		}
		pthread_barrier_destroy(&meeting);
		record(self->workers, count, variant->apart);
	}
}

FIXTURE(beside)
{
	struct dut dut;
	struct buffer target, memory;
	uint64_t target_iova, iova;
};

FIXTURE_SETUP(beside)
{
	const size_t page = page_size();

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	buffer_alloc(&self->target, BUFFER_BASE, page);
	buffer_alloc(&self->memory, BUFFER_BASE, LENGTH);
	self->target_iova = iova_alloc(&self->dut.space, page, page);
	self->iova = iova_alloc(&self->dut.space, LENGTH, LENGTH);
	iommufd_map(self->dut.iommufd, self->dut.ioas, self->target.memory, page,
		    self->target_iova);
}

FIXTURE_TEARDOWN(beside)
{
	dut_close(&self->dut);
	buffer_free(&self->target);
	buffer_free(&self->memory);
}

CTS_TEST_F(beside, storm,
	   .title = "Map and unmap while the device writes elsewhere, and while it is at rest",
	   .requirements = { "MEASURE-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM | CTS_NEED_TIME,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const struct cts_param rest[] = { { .name = "device", .word = "at-rest" }, { 0 } };
	const struct cts_param busy[] = { { .name = "device", .word = "writing" }, { 0 } };
	/* A page, or what the device writes at most. */
	const size_t largest = dma_write_limits(self->dut.dma)->largest;
	const size_t length = largest < self->target.size ? largest : self->target.size;
	struct bench_pair pair;
	struct bench_map args;

	ASSERT_EQ(0, bench_map_init(&args, &pair, self->dut.iommufd, self->dut.ioas, &self->memory,
				    LENGTH, self->iova));
	ASSERT_TRUE(bench_pair_run(&pair, rest));
	dma_storm_start(self->dut.dma, self->target_iova, length);
	ASSERT_TRUE(bench_pair_run(&pair, busy));
	dma_storm_go_on(self->dut.dma);
	ASSERT_EQ(0, dma_storm_stop(self->dut.dma));
}

CTS_MAIN
