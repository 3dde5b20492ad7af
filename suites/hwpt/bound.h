/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of tests on a real device: bound to a new iommufd, attached to nothing, and an IOAS. */
#ifndef HWPT_BOUND_H
#define HWPT_BOUND_H

#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"

FIXTURE(bound)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	uint32_t id; /* of the device */
	uint32_t ioas;
	uint32_t next; /* id that the next object has */
};

FIXTURE_SETUP(bound)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(bound)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/* Nothing came into being, nothing holds the IOAS, and the right call works. */
#define EXPECT_NOTHING_LEFT()                                                 \
	do {                                                                  \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));         \
		EXPECT_EQ(0, __iommufd_find_device(self->iommufd, self->id)); \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));   \
	} while (0)

#endif
