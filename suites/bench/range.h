/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the measurements of ranges have in common: one call puts a range somewhere, another takes it
 * away again, both with arguments that are made beforehand; and which sizes are measured.
 */
#ifndef BENCH_RANGE_H
#define BENCH_RANGE_H

#include <stdlib.h>

#include "buffer.h"
#include "counters.h"
#include "even.h"
#include "iommufd.h"
#include "measure.h"
#include "memory.h"
#include "test.h"

/* A range: @times pieces of @size bytes, in one call. */
struct bench_size {
	size_t size;
	unsigned int times;
};

/*
 * The two calls. The kernel leaves their arguments as they are where all is well, so that they
 * serve again; but where it chooses the IOVA, *@chosen is to become *@taken before the second.
 */
struct bench_pair {
	int fd;
	unsigned long put_request, take_request;
	void *put, *take;
	const uint64_t *chosen;
	uint64_t *taken;
	const char *put_name, *take_name; /* what they are called as measures */
};

#define BENCH_TIMES 256U
/* The largest range of the usual set, bytes. */
#define BENCH_USUAL ((size_t)16 << 20)

/* Does whoever runs this want all sizes, and not just the usual ones? */
static inline bool bench_wants_all(void)
{
	return getenv("CTS_BENCH_ALL");
}

/*
 * Where instructions are counted each row is measured so often, with other memory: some calls take
 * half a dozen more with some of the kernel's objects than with others. That is much where a call
 * takes few, so those are measured more often, until one of them was given what costs least.
 */
#define BENCH_ROUNDS_COUNTED 3
#define BENCH_ROUNDS_CHEAP 12
#define BENCH_CHEAP ((size_t)256 << 10) /* the largest range that is cheap, bytes */

#define BENCH_SIZES 160 /* there are fewer, in all rounds */

/* How often a row is measured that is not cheap. */
static inline int bench_rounds(void)
{
	return measure_counts_instructions() ? BENCH_ROUNDS_COUNTED : 1;
}

/*
 * The sizes for pages of @page bytes, ending with 0: of one piece, and of BENCH_TIMES pages.
 * Usually up to 16 MiB (or to one page, if that is larger) and not every one.
 */
static inline void bench_sizes(size_t page, struct bench_size sizes[BENCH_SIZES])
{
	const size_t last = bench_wants_all()	 ? (size_t)1 << 30
			    : page > BENCH_USUAL ? page
						 : BENCH_USUAL;
	const size_t step = bench_wants_all() ? 2 : 8;
	const int rounds = bench_rounds();
	unsigned int n = 0;
	size_t size;
	int round;

	for (round = rounds; measure_counts_instructions() && round < BENCH_ROUNDS_CHEAP; round++)
		for (size = page; size <= BENCH_CHEAP; size *= step)
			sizes[n++] = (struct bench_size){ size, 1 };
	for (round = 0; round < rounds; round++) {
		for (size = page; size < last; size *= step)
			sizes[n++] = (struct bench_size){ size, 1 };
		sizes[n++] = (struct bench_size){ last, 1 };
		if (BENCH_TIMES * page <= last)
			sizes[n++] = (struct bench_size){ page, BENCH_TIMES };
	}
	sizes[n] = (struct bench_size){ 0, 0 };
}

/* Says that the kernel refused a call. */
static inline bool bench_refused(const char *name, int error)
{
	if (error)
		printf("# %s: error %d\n", name, error);
	return error;
}

/*
 * Measures both calls, what they take and then what the processor counts meanwhile, and records
 * that under @params. False if the kernel refused one.
 */
static inline bool bench_pair_run(const struct bench_pair *pair, const struct cts_param *params)
{
	struct counters_series put_counts = { 0 }, take_counts = { 0 };
	struct measure_series put = { 0 }, take = { 0 };
	int error;

	while (measure_wants(&put) || measure_wants(&take)) {
		measure_begin(&put);
		error = measure_ioctl(pair->fd, pair->put_request, pair->put);
		measure_end(&put);
		if (bench_refused(pair->put_name, error))
			return false;
		if (pair->chosen)
			*pair->taken = *pair->chosen;
		measure_begin(&take);
		error = measure_ioctl(pair->fd, pair->take_request, pair->take);
		measure_end(&take);
		if (bench_refused(pair->take_name, error))
			return false;
	}
	while (counters_want(&put_counts) || counters_want(&take_counts)) {
		counters_begin(&put_counts);
		error = measure_ioctl(pair->fd, pair->put_request, pair->put);
		counters_end(&put_counts);
		if (bench_refused(pair->put_name, error))
			return false;
		if (pair->chosen)
			*pair->taken = *pair->chosen;
		counters_begin(&take_counts);
		error = measure_ioctl(pair->fd, pair->take_request, pair->take);
		counters_end(&take_counts);
		if (bench_refused(pair->take_name, error))
			return false;
	}
	measure_record(&put, pair->put_name, params);
	measure_record(&take, pair->take_name, params);
	counters_record(&put_counts, pair->put_name, params);
	counters_record(&take_counts, pair->take_name, params);
	return true;
}

/* What fills the kernel's caches: a range of so many pages, and as many ranges of one page. */
#define BENCH_FILLING 512U

/*
 * Where instructions are counted: has the kernel's allocators as even.h says, and @buffer the memory
 * of BENCH_FILLING pages, which the caller maps, unmaps and frees. False if there is nothing to do.
 */
static inline bool bench_even_begin(struct buffer *buffer)
{
	if (!measure_counts_instructions())
		return false;
	even_blocks();
	return !__buffer_alloc_scattered(buffer, BUFFER_BASE, BENCH_FILLING * page_size());
}

/*
 * Where instructions are counted, which are to be the same in each boot: has the kernel's caches of
 * small objects full, of the objects of many ranges that are mapped in @ioas and unmapped again. A
 * cache that is neither full nor empty may run out within each call that is measured, and be
 * refilled, for good.
 */
static inline void bench_even(int iommufd, uint32_t ioas)
{
	const size_t page = page_size();
	struct buffer buffer;
	uint64_t iova;
	unsigned int i;

	if (!bench_even_begin(&buffer))
		return;
	iova = iommufd_usable_iova(iommufd, ioas, buffer.size, page);
	iommufd_map(iommufd, ioas, buffer.memory, buffer.size, iova);
	iommufd_unmap(iommufd, ioas, iova, buffer.size);
	for (i = 0; i < BENCH_FILLING; i++)
		iommufd_map(iommufd, ioas, (char *)buffer.memory + i * page, page, iova + i * page);
	(void)iommufd_unmap_all(iommufd, ioas);
	buffer_free(&buffer);
}

/* IOMMU_IOAS_MAP, or IOMMU_IOAS_MAP_FILE of a memfd, and IOMMU_IOAS_UNMAP of it. */
struct bench_map {
	struct iommu_ioas_map map;
#ifdef IOMMU_IOAS_MAP_FILE
	struct iommu_ioas_map_file file;
#endif
	struct iommu_ioas_unmap unmap;
};

/* Of the first @length bytes of @buffer, at @iova of @ioas. -EOPNOTSUPP without MAP_FILE. */
static inline int bench_map_init(struct bench_map *args, struct bench_pair *pair, int iommufd,
				 uint32_t ioas, const struct buffer *buffer, size_t length,
				 uint64_t iova)
{
	const uint32_t flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			       IOMMU_IOAS_MAP_WRITEABLE;

	*args = (struct bench_map){
		.map = { .size = sizeof(args->map),
			 .flags = flags,
			 .ioas_id = ioas,
			 .user_va = (uintptr_t)buffer->memory,
			 .length = length,
			 .iova = iova },
		.unmap = { .size = sizeof(args->unmap),
			   .ioas_id = ioas,
			   .iova = iova,
			   .length = length },
	};
	*pair = (struct bench_pair){
		.fd = iommufd,
		.put_request = IOMMU_IOAS_MAP,
		.put = &args->map,
		.put_name = "map",
		.take_request = IOMMU_IOAS_UNMAP,
		.take = &args->unmap,
		.take_name = "unmap",
	};
	if (buffer->fd < 0)
		return 0;
#ifdef IOMMU_IOAS_MAP_FILE
	args->file = (struct iommu_ioas_map_file){
		.size = sizeof(args->file),
		.flags = flags,
		.ioas_id = ioas,
		.fd = buffer->fd,
		.length = length,
		.iova = iova,
	};
	pair->put_request = IOMMU_IOAS_MAP_FILE;
	pair->put = &args->file;
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/* The most parameters of a caller's own. */
#define BENCH_ABOUT 3

/*
 * Measures map and unmap at @ioas for memory of the kind @kind and all of its sizes; those of
 * @about, which end with one without a name, say what else there is to say. Returns how many
 * sizes there was memory for, -1 if a call was refused.
 */
static inline int bench_map_unmap(int iommufd, uint32_t ioas, enum buffer_kind kind,
				  const struct cts_param *about)
{
	struct bench_size sizes[BENCH_SIZES], *size;

	bench_even(iommufd, ioas);
	bench_sizes(buffer_page(kind), sizes);
	for (size = sizes; size->size; size++) {
		struct cts_param params[3 + BENCH_ABOUT + 1] = {
			{ .name = "size", .number = size->size },
			{ .name = "times", .number = size->times },
			{ .name = "pages", .word = buffer_kind_name(kind) },
		};
		const size_t length = size->size * size->times;
		struct bench_pair pair;
		struct bench_map args;
		struct buffer buffer;
		uint64_t iova;
		unsigned int i;
		bool ok;

		for (i = 0; i < BENCH_ABOUT && about[i].name; i++)
			params[3 + i] = about[i];
		if (__buffer_alloc_scattered(&buffer, kind, length))
			break;
		iova = iommufd_usable_iova(iommufd, ioas, length, length);
		ok = !bench_map_init(&args, &pair, iommufd, ioas, &buffer, length, iova) &&
		     bench_pair_run(&pair, params);
		buffer_free(&buffer);
		if (!ok)
			return -1;
	}
	return (int)(size - sizes);
}

#endif
