/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of a device start from: the device, attached and not yet believed, and memory that
 * it may read and write. That memory is the oracle: canaries, the same ones that suites trust.
 */
#ifndef GROUND_H
#define GROUND_H

#include <stdlib.h>

#include "buffer.h"
#include "canary.h"
#include "check.h"
#include "dut.h"
#include "iommufd.h"
#include "measure.h"
#include "memory.h"

/* How long a device that works may take at most, on a slow virtual host too; nothing is judged by
 * it. */
#define PATIENCE_NS 10000000000ULL

struct ground {
	struct dut dut;
	struct buffer buffer; /* mapped at `iova`; has room for an access at every place_at() */
	uint64_t iova;
	uint8_t *bytes; /* as many as the longest access has */
};

/* What an access that keeps both limits can be. */
static inline struct dma_limits limits_of_both(const struct dma_limits *a,
					       const struct dma_limits *b)
{
	return (struct dma_limits){
		.smallest = a->smallest > b->smallest ? a->smallest : b->smallest,
		.largest = a->largest < b->largest ? a->largest : b->largest,
		.step = a->step > b->step ? a->step : b->step,
		.align = a->align > b->align ? a->align : b->align,
		.boundary = !a->boundary || (b->boundary && b->boundary < a->boundary)
				    ? b->boundary
				    : a->boundary,
	};
}

/* Where an access lies in the buffer, bytes. */
struct place {
	size_t offset;
	size_t length;
};

#define PLACES 7

/*
 * Place number @index of PLACES for accesses within @limits: the smallest and the largest, at the
 * start, in the middle, at the end and across the edge of a page.
 */
static inline struct place place_at(const struct dma_limits *limits, int index)
{
	size_t page = page_size(), align = limits->align, smallest = limits->smallest;
	size_t few = smallest + 2 * limits->step;
	const struct place places[PLACES] = {
		{ page, smallest },
		{ page + align, smallest },
		{ (2 * page - smallest) & ~(align - 1), smallest },
		{ 2 * page - align, smallest + align },
		{ page + 3 * align, few },
		{ page, limits->largest },
		{ page + align, limits->largest },
	};
	struct place place = places[index];

	if (limits->boundary && place.length > limits->boundary - place.offset % limits->boundary)
		place.length = limits->boundary - place.offset % limits->boundary;
	if (place.length > limits->largest)
		place.length = limits->largest;
	place.length -= place.length % limits->step;
	if (place.length < limits->smallest)
		place = (struct place){ page, smallest };
	return place;
}

static inline void ground_map(struct ground *ground, uint32_t access)
{
	iommufd_map_access(ground->dut.iommufd, ground->dut.ioas, access, ground->buffer.memory,
			   ground->buffer.size, ground->iova);
}

static inline void ground_unmap(struct ground *ground)
{
	iommufd_unmap(ground->dut.iommufd, ground->dut.ioas, ground->iova, ground->buffer.size);
}

#define GROUND_READ_WRITE (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

/* The first page and the last one stay free on both sides of every place. */
static inline void ground_open(struct ground *ground)
{
	size_t write, read, largest, page = page_size();

	dut_open(&ground->dut);
	dma_distrust(ground->dut.dma, 0);
	write = dma_write_limits(ground->dut.dma)->largest;
	read = dma_read_limits(ground->dut.dma)->largest;
	largest = write > read ? write : read;
	buffer_alloc(&ground->buffer, BUFFER_BASE, ((largest + page - 1) & ~(page - 1)) + 4 * page);
	ground->bytes = malloc(largest);
	cts_lab_require(ground->bytes, "memory for %zu bytes", largest);
	ground->iova = iova_alloc(&ground->dut.space, ground->buffer.size, page);
	ground_map(ground, GROUND_READ_WRITE);
}

static inline void ground_close(struct ground *ground)
{
	dut_close(&ground->dut);
	buffer_free(&ground->buffer);
	free(ground->bytes);
}

/* In a setup: skips the test on a host where no device can be bound at all. */
#define GROUND_OPEN_OR_SKIP(ground)             \
	do {                                    \
		struct vfio_layout __layout;    \
                                                \
		VFIO_SURVEY_OR_SKIP(&__layout); \
		ground_open(ground);            \
	} while (0)

/* Does @dma say of an access that was refused what dma.h promises? */
static inline bool says_refused(const struct dma *dma, int status)
{
	return status == -EIO || status == -ETIMEDOUT || (!status && !dma_tells_refusal(dma));
}

/* How often to repeat an access so that it takes some seconds on the slowest device. */
static inline unsigned int repetitions(const struct dma *dma)
{
	uint64_t fit = 2000000000ULL / dma_access_ns(dma);

	return fit < 3 ? 3 : fit > 500 ? 500 : (unsigned int)fit;
}

#endif
