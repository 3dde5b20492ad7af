/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of tests on a real device: bound to a new iommufd, attached to nothing, and an IOAS. */
#ifndef HWPT_BOUND_H
#define HWPT_BOUND_H

#include "device_fixture.h"
#include "hwpt.h"
#include "memory.h"

FIXTURE(bound)
{
	DEVICE_FIELDS;
	uint32_t next; /* id that the next object has */
};

FIXTURE_SETUP(bound)
{
	DEVICE_SETUP_OR_SKIP(self);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(bound)
{
	DEVICE_TEARDOWN(self);
}

/* Nothing came into being, nothing holds the IOAS, and the right call works. */
#define EXPECT_NOTHING_LEFT()                                                 \
	do {                                                                  \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));         \
		EXPECT_EQ(0, __iommufd_find_device(self->iommufd, self->id)); \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));   \
	} while (0)

#endif
