/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the bind_*.c tests: an iommufd and a parked file of a device that can be bound. */
#ifndef ACCESS_BIND_H
#define ACCESS_BIND_H

#include "iommufd.h"
#include "test.h"
#include "vfio.h"

FIXTURE(bind)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
};

FIXTURE_SETUP(bind)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
}

FIXTURE_TEARDOWN(bind)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/*
 * That a refused bind left nothing behind: a correct one succeeds now. Had the file been bound all
 * the same, or the device not been closed again, it would be refused with EINVAL.
 */
#define EXPECT_BINDABLE() EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL))

#endif
