// SPDX-License-Identifier: GPL-2.0-only
/* A device behind no IOMMU is parked like any other until it is bound, though nothing protects it. */
#include <fcntl.h>

#include "unguarded.h"

FIXTURE_VARIANT(unguarded)
{
	const struct gate *gate;
};

FIXTURE_VARIANT_ADD(unguarded, read)
{ .gate = &gate_read };
FIXTURE_VARIANT_ADD(unguarded, write)
{ .gate = &gate_write };
FIXTURE_VARIANT_ADD(unguarded, mmap)
{ .gate = &gate_mmap };
FIXTURE_VARIANT_ADD(unguarded, ioctl)
{ .gate = &gate_ioctl };

FIXTURE_SETUP(unguarded)
{
	setup_unguarded(_metadata, self);
	if (_metadata->exit_code != KSFT_PASS)
		return; /* it was skipped there */
	if (variant->gate == &gate_mmap && !vfio_mappable_region(&self->layout))
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
}

FIXTURE_TEARDOWN(unguarded)
{
	teardown_unguarded(self);
}

CTS_TEST_F(unguarded, until_bind,
	   .title = "A gate of a file of such a device is shut until bind, and after a refused one",
	   .requirements = { "NOIOMMU-008" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, INT32_MAX, NULL));
	EXPECT_EQ(-EINVAL, variant->gate->probe(self->device, &self->layout));
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0, variant->gate->probe(self->device, &self->layout));
}

CTS_TEST_F(unguarded, beside_a_bound_file,
	   .title = "A second file of such a device is parked, and isn't bound beside the first",
	   .requirements = { "NOIOMMU-008" },
	   .needs = NEEDS)
{
	int second = noiommu_open();

	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, variant->gate->probe(second, &self->layout));
	EXPECT_EQ(-EINVAL, __vfio_bind(second, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, variant->gate->probe(second, &self->layout));
	EXPECT_EQ(0, variant->gate->probe(self->device, &self->layout));
	cts_close(&second);
}

CTS_MAIN
