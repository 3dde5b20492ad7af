// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach and detach are for files that are bound. A parked file can do neither, nor can it touch
 * what a bound file has attached.
 */
#include "attach.h"

CTS_TEST_F(attach, parked_file_attaches_nothing,
	   .title = "Attach through a file that isn't bound ends in EINVAL, whatever its argument",
	   .requirements = { "ATT-003" },
	   .needs = CTS_NEED_CDEV)
{
	int parked = vfio_open();

	EXPECT_EQ(-EINVAL, try_attach(parked, self->ioas));
	EXPECT_EQ(-EINVAL, try_attach(parked, self->id));
	EXPECT_EQ(-EINVAL, try_attach(parked, 0));
	EXPECT_EQ(-EINVAL, attach_raw(parked, inaccessible_page()));
	EXPECT_UNUSED(self->ioas);
	cts_close(&parked);
}

CTS_TEST_F(attach, parked_file_replaces_nothing,
	   .title = "A file that isn't bound can't replace what a bound one has attached",
	   .requirements = { "ATT-003" },
	   .needs = CTS_NEED_CDEV)
{
	int parked = vfio_open();

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EINVAL, try_attach(parked, self->other_ioas));
	EXPECT_IN_USE(self->ioas);
	EXPECT_UNUSED(self->other_ioas);
	cts_close(&parked);
}

CTS_TEST_F(attach, parked_file_detaches_nothing,
	   .title = "Detach through a file that isn't bound ends in EINVAL and detaches nothing",
	   .requirements = { "DET-004" },
	   .needs = CTS_NEED_CDEV)
{
	int parked = vfio_open();

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EINVAL, __vfio_detach(parked));
	EXPECT_EQ(-EINVAL, detach_raw(parked, inaccessible_page()));
	EXPECT_IN_USE(self->ioas);
	/* Nor when it is closed: it never had a part in it. */
	cts_close(&parked);
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, close_detaches,
	   .title = "Closing the file detaches the device: IOAS and HWPT are free, its id is gone",
	   .requirements = { "DET-006" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->other_ioas);
	uint32_t automatic = vfio_attach(self->device, self->ioas);

	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, self->id));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, automatic));
	EXPECT_UNUSED(self->ioas);

	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(hwpt, vfio_attach(self->device, hwpt));
	cts_close(&self->device);
	EXPECT_UNUSED(hwpt);
	EXPECT_UNUSED(self->other_ioas);
}

CTS_TEST_F(attach, descriptors_share_the_attachment,
	   .title = "Any descriptor of the file attaches and detaches, and only the last one's close",
	   .requirements = { "DET-006" },
	   .needs = CTS_NEED_CDEV)
{
	int copy = dup(self->device);

	ASSERT_LE(0, copy);
	vfio_attach(copy, self->ioas);
	cts_close(&copy);
	EXPECT_IN_USE(self->ioas);
	copy = dup(self->device);
	cts_close(&self->device);
	EXPECT_IN_USE(self->ioas);
	vfio_detach(copy);
	EXPECT_UNUSED(self->ioas);
	cts_close(&copy);
}

CTS_TEST_F(attach, outlives_the_iommufd,
	   .title = "A bound file attaches and detaches on after the iommufd was closed",
	   .requirements = { "ATT-023" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = vfio_attach(self->device, self->ioas);

	cts_close(&self->iommufd);
	EXPECT_EQ(hwpt, vfio_attach(self->device, hwpt));
	EXPECT_EQ(0, try_attach(self->device, self->other_ioas));
	EXPECT_EQ(-ENOENT, try_attach(self->device, hwpt));
	EXPECT_EQ(-EINVAL, try_attach(self->device, self->id));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
}

CTS_MAIN
