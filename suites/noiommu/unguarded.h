/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of most tests here: a device behind no IOMMU with a parked file, and memory. */
#ifndef NOIOMMU_UNGUARDED_H
#define NOIOMMU_UNGUARDED_H

#include "buffer.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "noiommu.h"
#include "test.h"
#include "vfio.h"

#define PAGES 16

FIXTURE(unguarded)
{
	struct vfio_layout layout;
	struct buffer buffer; /* PAGES pages */
	uint64_t iova;	      /* where they are mapped, if they are */
	int iommufd;
	uint32_t ioas;
	int device;
};

/* What vfio_survey finds of another device: a parked file can't be asked. */
static inline void survey(FIXTURE_DATA(unguarded) * self)
{
	int device = noiommu_open();

	vfio_bind(device, self->iommufd);
	vfio_regions(device, self->layout.region);
	cts_close(&device);
}

static inline void setup_unguarded(struct __test_metadata *_metadata,
				   FIXTURE_DATA(unguarded) * self)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	survey(self);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
	self->device = noiommu_open();
}

static inline void teardown_unguarded(FIXTURE_DATA(unguarded) * self)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* Maps the memory at a fixed IOVA of its own. */
static inline void map_buffer(FIXTURE_DATA(unguarded) * self)
{
	self->iova =
		iommufd_usable_iova(self->iommufd, self->ioas, 2 * self->buffer.size, page_size());
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, self->buffer.size, self->iova);
}

#define NEEDS (CTS_NEED_NOIOMMU | CTS_NEED_ROOT)

#endif
