// SPDX-License-Identifier: GPL-2.0-only
/*
 * The id that bind returns names the device in the iommufd that it was bound to: there only, as
 * long as it is bound, and not for user space to destroy.
 */
#include "bind.h"
#include "gates.h"

CTS_TEST_F(bind, id_names_the_device,
	   .title = "The id is accepted where a device is wanted, in the iommufd that it came from",
	   .requirements = { "BIND-021" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
	EXPECT_EQ(0, __iommufd_hw_info(self->iommufd, id));
}

CTS_TEST_F(bind, id_is_unknown_elsewhere,
	   .title = "Another iommufd doesn't know the id",
	   .requirements = { "BIND-021" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);
	int other = iommufd_open();

	EXPECT_EQ(-ENOENT, __iommufd_find_device(other, id));
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(other, id));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(bind, id_ends_with_the_file,
	   .title = "The id is gone when the bound file is closed",
	   .requirements = { "BIND-021", "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	ASSERT_EQ(0, __iommufd_find_device(self->iommufd, id));
	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(bind, id_cannot_be_destroyed,
	   .title = "IOMMU_DESTROY of a bound device ends in EBUSY and leaves it working",
	   .requirements = { "BIND-022" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, id));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, id));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));

	/*
	 * The refused attempts took no reference away: the device goes with its file, and can be
	 * bound again.
	 */
	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id));
	self->device = vfio_open();
	EXPECT_BINDABLE();
}

CTS_MAIN
