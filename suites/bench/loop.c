// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the measuring itself costs: the cheapest pair of calls that is measured, once as everywhere
 * here, each call between two readings of the clock, and once in a bare loop between two readings
 * for all of it. What the first has more is what each sample of the other programs has too much.
 */
#include "range.h"

/* Few enough that they fit between two ticks where instructions are counted. */
#define PAIRS 256U

FIXTURE(loop)
{
	int iommufd;
	struct buffer page;
	struct bench_map args;
	struct bench_pair pair;
};

FIXTURE_SETUP(loop)
{
	uint32_t ioas;
	uint64_t iova;

	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	ioas = iommufd_ioas_alloc(self->iommufd);
	bench_even(self->iommufd, ioas);
	buffer_alloc(&self->page, BUFFER_BASE, page_size());
	iova = iommufd_usable_iova(self->iommufd, ioas, page_size(), page_size());
	ASSERT_EQ(0, bench_map_init(&self->args, &self->pair, self->iommufd, ioas, &self->page,
				    page_size(), iova));
}

FIXTURE_TEARDOWN(loop)
{
	buffer_free(&self->page);
	cts_close(&self->iommufd);
}

/* The sums of PAIRS pairs whose calls are measured one by one. */
static void sum_up(const struct bench_pair *pair, struct measure_series *sums)
{
	struct measure_series put = { 0 }, take = { 0 };
	uint64_t sum = 0;
	unsigned int pairs = 0, i;

	while (measure_wants(sums)) {
		put.count = take.count = 0;
		while (measure_wants(&put) || measure_wants(&take)) {
			measure_begin(&put);
			(void)measure_ioctl(pair->fd, pair->put_request, pair->put);
			measure_end(&put);
			measure_begin(&take);
			(void)measure_ioctl(pair->fd, pair->take_request, pair->take);
			measure_end(&take);
		}
		for (i = 0; i < put.count && pairs < PAIRS; i++, pairs++)
			sum += put.samples[i] + take.samples[i];
		if (pairs == PAIRS) {
			sums->samples[sums->count++] = sum;
			pairs = 0;
			sum = 0;
		}
	}
}

CTS_TEST_F(loop, cost,
	   .title = "What the loop that measures costs beside a bare one",
	   .requirements = { "MEASURE-006" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const struct bench_pair *pair = &self->pair;
	const struct cts_param bare[] = { { .name = "loop", .word = "bare" }, { 0 } };
	const struct cts_param usual[] = { { .name = "loop", .word = "usual" }, { 0 } };
	const struct cts_param clock[] = { { 0 } };
	struct measure_series series = { 0 };
	const uint64_t cost = measure_clock_cost();

	/* The arguments are good, or else what is measured is how fast the kernel refuses. */
	ASSERT_EQ(0, measure_ioctl(pair->fd, pair->put_request, pair->put));
	ASSERT_EQ(0, measure_ioctl(pair->fd, pair->take_request, pair->take));
	while (measure_wants(&series)) {
		unsigned int i;

		measure_begin(&series);
		for (i = 0; i < PAIRS; i++) {
			(void)measure_ioctl(pair->fd, pair->put_request, pair->put);
			(void)measure_ioctl(pair->fd, pair->take_request, pair->take);
		}
		measure_end(&series);
	}
	measure_record(&series, "loop", bare);
	series = (struct measure_series){ 0 };
	sum_up(pair, &series);
	measure_record(&series, "loop", usual);
	cts_record_row("clock", "ns", clock, &cost, 1);
}

CTS_MAIN
