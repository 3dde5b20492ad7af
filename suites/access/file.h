/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the file_*.c tests: a file of the device, parked or bound. What they show is the
 * same for both.
 */
#ifndef ACCESS_FILE_H
#define ACCESS_FILE_H

#include "gates.h"
#include "iommufd.h"
#include "test.h"
#include "vfio.h"

FIXTURE(file)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
};

FIXTURE_VARIANT(file)
{
	bool bound;
};

FIXTURE_VARIANT_ADD(file, parked)
{
	.bound = false,
};
FIXTURE_VARIANT_ADD(file, bound)
{
	.bound = true,
};

FIXTURE_SETUP(file)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	if (variant->bound)
		vfio_bind(self->device, self->iommufd);
}

FIXTURE_TEARDOWN(file)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/* The file is what it was: parked, or bound and at work. */
#define EXPECT_STILL()                                                                     \
	do {                                                                               \
		if (variant->bound) {                                                      \
			EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));         \
			EXPECT_EQ(0, gate_read.use(self->device, &self->layout));          \
		} else {                                                                   \
			EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout)); \
			EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));  \
			EXPECT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout)); \
		}                                                                          \
	} while (0)

#endif
