/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests that ask for a device's table and not for its DMA: the device is bound,
 * and a table (HWPT) made for it on an IOAS pins what is mapped there, attached or not.
 */
#ifndef IOAS_BOUND_H
#define IOAS_BOUND_H

#include <stdlib.h>

#include "buffer.h"
#include "calls.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"

/* Pages of memory that a test has, and room for at least four times as much at .iova. */
#define BOUND_PAGES 16

FIXTURE(bound)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	uint32_t device_id;
	uint32_t ioas; /* without a table */
	size_t page;
	uint64_t iova; /* the device's tables can have it, attached or not */
	struct buffer buffer;
	char *memory;
};

/*
 * The IOMMU_OPTION_RLIMIT_MODE of the context. It has to be set before there is any object, so a
 * file whose tests ask for another says so before it includes this.
 */
#ifndef BOUND_MODE
#define BOUND_MODE 0
#endif

FIXTURE_SETUP(bound)
{
	uint32_t ioas;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	if (BOUND_MODE) {
		ASSERT_EQ(0, set_option(self->iommufd, IOMMU_OPTION_RLIMIT_MODE, 0, BOUND_MODE));
	}
	self->device = vfio_open();
	self->device_id = vfio_bind(self->device, self->iommufd);
	ioas = iommufd_ioas_alloc(self->iommufd);
	self->page = page_size();
	vfio_attach(self->device, ioas);
	self->iova =
		iommufd_usable_iova(self->iommufd, ioas, 4 * BOUND_PAGES * self->page, self->page);
	vfio_detach(self->device);
	iommufd_destroy(self->iommufd, ioas);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	buffer_alloc(&self->buffer, BUFFER_MEMFD, BOUND_PAGES * self->page);
	self->memory = self->buffer.memory;
}

FIXTURE_TEARDOWN(bound)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* A table for the device on @ioas. */
static inline uint32_t table_on(const FIXTURE_DATA(bound) * self, uint32_t ioas)
{
	return iommufd_hwpt_alloc(self->iommufd, self->device_id, ioas);
}

/* The same where it may be refused: 0 and *@hwpt, or -errno. */
static inline int try_table(const FIXTURE_DATA(bound) * self, uint32_t *hwpt)
{
	return __iommufd_hwpt_alloc(self->iommufd, self->device_id, self->ioas, hwpt);
}

/* The ranges of the IOAS as they are now. */
static inline struct iommu_iova_range *ranges_of(const FIXTURE_DATA(bound) * self, uint32_t *count,
						 uint64_t *alignment)
{
	return iommufd_iova_ranges(self->iommufd, self->ioas, count, alignment);
}

/* Does the IOAS offer all there is, at every byte? */
static inline bool is_wide(const FIXTURE_DATA(bound) * self)
{
	uint64_t alignment;
	uint32_t count;
	struct iommu_iova_range *ranges = ranges_of(self, &count, &alignment);
	bool wide = count == 1 && !ranges->start && ranges->last == UINT64_MAX && alignment == 1;

	free(ranges);
	return wide;
}

#endif
