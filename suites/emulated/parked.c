// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mediated device's file before it is bound. Its driver has its own read, write, mmap and ioctl
 * and has never heard of parked files: the core keeps them from it.
 */
#include "gates.h"
#include "iommufd.h"
#include "test.h"
#include "vfio.h"

FIXTURE(parked_mediated)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
};

FIXTURE_VARIANT(parked_mediated)
{
	const struct gate *gate;
};

FIXTURE_VARIANT_ADD(parked_mediated, read)
{
	.gate = &gate_read,
};
FIXTURE_VARIANT_ADD(parked_mediated, write)
{
	.gate = &gate_write,
};
FIXTURE_VARIANT_ADD(parked_mediated, mmap)
{
	.gate = &gate_mmap,
};
FIXTURE_VARIANT_ADD(parked_mediated, ioctl)
{
	.gate = &gate_ioctl,
};

FIXTURE_SETUP(parked_mediated)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	if (variant->gate == &gate_mmap && !vfio_mappable_region(&self->layout))
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
	self->iommufd = iommufd_open();
	self->device = vfio_open();
}

FIXTURE_TEARDOWN(parked_mediated)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

CTS_TEST_F(parked_mediated, refuses,
	   .title = "A mediated device's file refuses until it is bound, and again once it was closed",
	   .requirements = { "PARK-023" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_MEDIATED)
{
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0, variant->gate->use(self->device, &self->layout));
	cts_close(&self->device);
	self->device = vfio_open();
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
}

CTS_TEST_F(parked_mediated, refuses_beside_a_bound_file,
	   .title = "A mediated device's file refuses while another file of the device is bound",
	   .requirements = { "PARK-023" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_MEDIATED)
{
	int bound = vfio_open();

	vfio_bind(bound, self->iommufd);
	EXPECT_EQ(0, variant->gate->use(bound, &self->layout));
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	cts_close(&bound);
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
}

CTS_MAIN
