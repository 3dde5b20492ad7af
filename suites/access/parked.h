/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the parked_*.c tests: a parked file of the device, that is one that was opened and
 * never bound.
 *
 * Two situations, because what a gate forgets to refuse shows itself only by what lies behind it.
 * `alone`: no other file of the device is bound, so its driver is closed. `beside_bound`: another
 * file of the same device is bound, so whatever slips through reaches a working device.
 */
#ifndef ACCESS_PARKED_H
#define ACCESS_PARKED_H

#include "gates.h"
#include "iommufd.h"
#include "test.h"
#include "vfio.h"

FIXTURE(parked)
{
	struct vfio_layout layout;
	int iommufd;
	int bound;
	int device;
};

FIXTURE_VARIANT(parked)
{
	bool beside_bound;
};

FIXTURE_VARIANT_ADD(parked, alone)
{
	.beside_bound = false,
};
FIXTURE_VARIANT_ADD(parked, beside_bound)
{
	.beside_bound = true,
};

FIXTURE_SETUP(parked)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->bound = -1;
	if (variant->beside_bound) {
		self->bound = vfio_open();
		vfio_bind(self->bound, self->iommufd);
	}
	self->device = vfio_open();
}

FIXTURE_TEARDOWN(parked)
{
	cts_close(&self->device);
	cts_close(&self->bound);
	cts_close(&self->iommufd);
}

#endif
