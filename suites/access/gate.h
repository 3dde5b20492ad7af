/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the gate_*.c tests: a parked file, alone with its device, and one of the four
 * gates or one of the other ways there. Each test runs once for each of them, so that a hole in one
 * leaves what is promised of the others green.
 */
#ifndef ACCESS_GATE_H
#define ACCESS_GATE_H

#include "gates.h"
#include "iommufd.h"
#include "routes.h"
#include "test.h"
#include "vfio.h"

FIXTURE(gate)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
};

FIXTURE_VARIANT(gate)
{
	const struct gate *gate;
};

FIXTURE_VARIANT_ADD(gate, read)
{
	.gate = &gate_read,
};
FIXTURE_VARIANT_ADD(gate, write)
{
	.gate = &gate_write,
};
FIXTURE_VARIANT_ADD(gate, mmap)
{
	.gate = &gate_mmap,
};
FIXTURE_VARIANT_ADD(gate, ioctl)
{
	.gate = &gate_ioctl,
};
FIXTURE_VARIANT_ADD(gate, uring_read)
{
	.gate = &route_uring_read,
};
FIXTURE_VARIANT_ADD(gate, uring_write)
{
	.gate = &route_uring_write,
};
FIXTURE_VARIANT_ADD(gate, compat_ioctl)
{
	.gate = &route_compat_ioctl,
};

FIXTURE_SETUP(gate)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	if (variant->gate == &gate_mmap && !vfio_mappable_region(&self->layout))
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
	ROUTE_OR_SKIP(variant->gate);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
}

FIXTURE_TEARDOWN(gate)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/* The gate of @device refuses. */
#define EXPECT_SHUT(device) EXPECT_EQ(-EINVAL, variant->gate->probe(device, &self->layout))

/* The gate of @device lets through to the device. */
#define EXPECT_OPEN(device) EXPECT_EQ(0, variant->gate->use(device, &self->layout))

#endif
