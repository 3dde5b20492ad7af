// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two ways to a device, its own node and its group's, exclude one another: whoever holds the
 * group keeps every device of it from being bound, and a bound device keeps the group from being
 * opened.
 */
#include <sys/ioctl.h>

#include "bind.h"
#include "gates.h"
#include "memory.h"
#include "vfio_group.h"

CTS_TEST_F(bind, open_group_blocks_bind,
	   .title = "While the group is open bind ends in EBUSY; once it is closed bind succeeds",
	   .requirements = { "BIND-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group = vfio_group_open();

	EXPECT_EQ(-EBUSY, __vfio_bind(self->device, self->iommufd, NULL));
	/* No lasting refusal, and no lasting claim. */
	EXPECT_EQ(-EBUSY, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_TRUE(vfio_group_is_viable(group));
	cts_close(&group);
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, bound_device_blocks_group,
	   .title = "While a device is bound its group can't be opened; once it is closed it can",
	   .requirements = { "GROUP-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group;

	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));

	cts_close(&self->device);
	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_TRUE(vfio_group_is_viable(group));
}

CTS_TEST_F(bind, group_device_is_not_bound,
	   .title = "A device file from the group refuses to be bound, and works on",
	   .requirements = { "BIND-020" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int other = iommufd_open();
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));
	EXPECT_EQ(-EINVAL, __vfio_bind(device, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(device, other, NULL));
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));

	cts_close(&device);
	cts_close(&group);
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, group_device_argument_comes_first,
	   .title = "A device file from the group looks at bind's argument before it refuses",
	   .requirements = { "BIND-020" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	EXPECT_EQ(-EFAULT, __vfio_bind_raw(device, inaccessible_page()));
	cts_close(&device);
	cts_close(&group);
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, group_device_is_not_attached,
	   .title = "A device file from the group knows neither attach nor detach",
	   .requirements = { "GROUP-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	attach.pt_id = ioas;
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));
	/* Nothing holds the address space that was not attached. */
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, ioas));
	cts_close(&device);
	cts_close(&group);
}

CTS_TEST_F(bind, group_device_blocks_bind,
	   .title = "While the device is open through its group, its own node can't be bound",
	   .requirements = { "BIND-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int other = iommufd_open();
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	EXPECT_EQ(-EBUSY, __vfio_bind(self->device, other, NULL));
	EXPECT_EQ(-EBUSY, __vfio_bind(self->device, self->iommufd, NULL));
	cts_close(&device);
	cts_close(&group);
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, group_device_outlives_group,
	   .title = "A device that is open through a group that was closed since can't be bound",
	   .requirements = { "BIND-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	cts_close(&group);
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));

	cts_close(&device);
	EXPECT_BINDABLE();
}

CTS_MAIN
