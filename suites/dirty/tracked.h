/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of dirty tracking: a mock device and a table that tracks, with PAGES
 * pages of memory mapped at IOVA, each of which is one IO page. The smallest IO page of the mock,
 * `unit`, is less than a page of memory: so each IO page is a large one, and what is written of it
 * makes all its units dirty.
 */
#ifndef DIRTY_TRACKED_H
#define DIRTY_TRACKED_H

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "mock.h"
#include "test.h"

/* The lowest IOVA that a mock table has. */
#define IOVA ((uint64_t)MOCK_APERTURE_START)
#define PAGES 256
#define BITMAP (PAGES / 8)

/* One by one, so that pages that happen to adjoin in memory are IO pages of their own all the same.
 */
static inline void map_pages(int iommufd, uint32_t ioas, const struct buffer *buffer)
{
	size_t at;

	for (at = 0; at < buffer->size; at += page_size())
		iommufd_map(iommufd, ioas, (char *)buffer->memory + at, page_size(), IOVA + at);
}

FIXTURE(tracked)
{
	int iommufd;
	uint32_t ioas, hwpt;
	struct mock mock;
	struct buffer buffer;
	size_t page;   /* of memory */
	size_t unit;   /* bytes; 2 * unit <= page */
	uint64_t size; /* of what is mapped */
};

FIXTURE_SETUP(tracked)
{
	uint32_t ranges;
	uint64_t unit;

	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &self->mock);
	self->hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	free(iommufd_iova_ranges(self->iommufd, self->ioas, &ranges, &unit));
	self->unit = unit;
	self->page = page_size();
	self->size = PAGES * self->page;
	if (2 * self->unit > self->page)
		cts_lab_error("the mock has pages of %zu bytes", self->unit);
	buffer_alloc(&self->buffer, BUFFER_BASE, self->size);
	map_pages(self->iommufd, self->ioas, &self->buffer);
	dirty_tracking(self->iommufd, self->hwpt, true);
}

FIXTURE_TEARDOWN(tracked)
{
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* Makes page number @number of what is mapped dirty in @hwpt. */
static inline void write_page(int iommufd, uint32_t hwpt, size_t number)
{
	const uint64_t one = 1;

	mock_dirty(iommufd, hwpt, IOVA + number * page_size(), page_size(), page_size(), &one);
}

/* The dirty pages among all that is mapped, a bit each, to the zeroed @bits; read with @flags. */
static inline void read_pages(int iommufd, uint32_t hwpt, uint32_t flags, uint8_t bits[BITMAP])
{
	memset(bits, 0, BITMAP);
	dirty_bitmap(iommufd, hwpt, flags, IOVA, PAGES * page_size(), page_size(), bits);
}

/* Is not one bit of @length bytes set? */
static inline bool no_bits(const uint8_t *bits, size_t length)
{
	size_t i;

	for (i = 0; i < length && !bits[i]; i++)
		;
	return i == length;
}

#endif
