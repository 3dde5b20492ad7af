/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the parked_*.c tests: a parked file of the device, in each of the situations in
 * which a file is one. What a gate forgets to refuse shows itself by what lies behind it, and what
 * a bind or a close forgets to undo by what it leaves open.
 */
#ifndef ACCESS_PARKED_H
#define ACCESS_PARKED_H

#include "gates.h"
#include "iommufd.h"
#include "refused_binds.h"
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
	bool beside_bound; /* another file of the device is bound */
	bool tried;	   /* every bind that has to be refused was tried on the file */
	bool reopened;	   /* the device was bound before, and closed since */
};

/* The device's driver is closed. */
FIXTURE_VARIANT_ADD(parked, alone)
{
	.beside_bound = false,
};
/* Whatever slips through reaches a working device. */
FIXTURE_VARIANT_ADD(parked, beside_bound)
{
	.beside_bound = true,
};
FIXTURE_VARIANT_ADD(parked, after_failed_binds)
{
	.tried = true,
};
FIXTURE_VARIANT_ADD(parked, after_lost_bind)
{
	.beside_bound = true,
	.tried = true,
};
FIXTURE_VARIANT_ADD(parked, after_close)
{
	.reopened = true,
};

/*
 * Tries on @device every bind that has to be refused. Whether they are is judged elsewhere
 * (gate_states.c, bind_*.c): a file that got bound is replaced, so that one refusal that is missing
 * doesn't redden all that is promised of parked files.
 */
static inline void try_refused_binds(int *device, int iommufd, bool device_is_bound)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
		const struct refused_bind *refused = &refused_binds[i];

		if (refused->possible && !refused->possible())
			continue;
		if (!refused->bind(*device, iommufd)) {
			cts_close(device);
			*device = vfio_open();
		}
	}
	if (device_is_bound)
		(void)__vfio_bind(*device, iommufd, NULL);
}

FIXTURE_SETUP(parked)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->bound = -1;
	if (variant->beside_bound || variant->reopened) {
		self->bound = vfio_open();
		vfio_bind(self->bound, self->iommufd);
	}
	if (variant->reopened)
		cts_close(&self->bound);
	self->device = vfio_open();
	if (variant->tried)
		try_refused_binds(&self->device, self->iommufd, variant->beside_bound);
}

FIXTURE_TEARDOWN(parked)
{
	cts_close(&self->device);
	cts_close(&self->bound);
	cts_close(&self->iommufd);
}

#endif
