/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the tests that need no DMA: a device bound to an iommufd with two empty IOASes. */
#ifndef ATTACH_ATTACH_H
#define ATTACH_ATTACH_H

#include "calls.h"
#include "device_fixture.h"

FIXTURE(attach)
{
	DEVICE_FIELDS;
	uint32_t other_ioas;
};

FIXTURE_SETUP(attach)
{
	DEVICE_SETUP_OR_SKIP(self);
	self->other_ioas = iommufd_ioas_alloc(self->iommufd);
}

FIXTURE_TEARDOWN(attach)
{
	DEVICE_TEARDOWN(self);
}

/*
 * What the device is attached to, seen by what IOMMU_DESTROY says: an IOAS or HWPT in use is busy.
 * One that is not in use is gone afterwards, so these come last, or before the test gives up.
 */
#define EXPECT_IN_USE(pt_id) EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, pt_id))
#define EXPECT_UNUSED(pt_id) EXPECT_EQ(0, __iommufd_destroy(self->iommufd, pt_id))

#endif
