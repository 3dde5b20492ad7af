// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices of one group share an owner: whoever has one bound is the only one who can bind the
 * others, to the same iommufd, each by its own file. Having one is not having the others.
 */
#include "siblings.h"
#include "vfio_group.h"

FIXTURE_SETUP(siblings)
{
	setup_siblings(_metadata, self);
}

FIXTURE_TEARDOWN(siblings)
{
	teardown_siblings(self);
}

CTS_TEST_F(siblings, share_an_iommufd,
	   .title = "Two devices of a group can be bound to one iommufd, each with its own id",
	   .requirements = { "BIND-016" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t device = vfio_bind(self->device, self->iommufd), sibling = 0;

	ASSERT_EQ(0, __vfio_bind(self->sibling, self->iommufd, &sibling));
	EXPECT_NE(device, sibling);
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, device));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, sibling));
	EXPECT_WORKS(self->device);
	EXPECT_WORKS(self->sibling);

	/* Closing one is not closing the other. */
	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, device));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, sibling));
	EXPECT_WORKS(self->sibling);
}

CTS_TEST_F(siblings, share_no_gate,
	   .title = "A bound device leaves the file of its sibling parked",
	   .requirements = { "BIND-016", "PARK-020" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_PARKED(self->sibling);
	vfio_bind(self->device, self->iommufd);
	EXPECT_PARKED(self->sibling);
	EXPECT_WORKS(self->device);
	cts_close(&self->sibling);
	self->sibling = vfio_open_function(self->bdf[0]);
	EXPECT_PARKED(self->sibling);
}

CTS_TEST_F(siblings, share_no_other_iommufd,
	   .title = "The sibling of a bound device can't be bound to another iommufd: EPERM",
	   .requirements = { "BIND-016" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_EQ(-EPERM, __vfio_bind(self->sibling, self->other, NULL));
	EXPECT_EQ(-EPERM, __vfio_bind(self->sibling, self->other, NULL));
	EXPECT_PARKED(self->sibling);
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
	EXPECT_WORKS(self->device);

	/* It was the iommufd that was wrong, and nothing is left of the attempts. */
	ASSERT_EQ(0, __vfio_bind(self->sibling, self->iommufd, NULL));
	EXPECT_WORKS(self->sibling);
}

CTS_TEST_F(siblings, are_free_together,
	   .title = "Once the last device of a group was closed another iommufd can have them",
	   .requirements = { "BIND-016", "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_bind(self->device, self->iommufd);
	vfio_bind(self->sibling, self->iommufd);
	cts_close(&self->device);
	self->device = vfio_open();
	EXPECT_EQ(-EPERM, __vfio_bind(self->device, self->other, NULL));
	EXPECT_PARKED(self->device);
	cts_close(&self->sibling);
	ASSERT_EQ(0, __vfio_bind(self->device, self->other, NULL));
	EXPECT_WORKS(self->device);
}

CTS_TEST_F(siblings, closed_iommufd_stays_the_owner,
	   .title = "A group belongs to its iommufd also after that one's descriptor was closed",
	   .requirements = { "BIND-016" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_bind(self->device, self->iommufd);
	cts_close(&self->iommufd);
	EXPECT_EQ(-EPERM, __vfio_bind(self->sibling, self->other, NULL));
	EXPECT_WORKS(self->device);
	cts_close(&self->device);
	EXPECT_EQ(0, __vfio_bind(self->sibling, self->other, NULL));
}

CTS_TEST_F(siblings, both_keep_the_group,
	   .title = "The group can be opened when the last of its bound devices was closed",
	   .requirements = { "GROUP-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group;

	vfio_bind(self->device, self->iommufd);
	vfio_bind(self->sibling, self->iommufd);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	cts_close(&self->device);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	cts_close(&self->sibling);
	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_TRUE(vfio_group_is_viable(group));
	cts_close(&group);
}

CTS_TEST_F(siblings, group_device_blocks_the_sibling,
	   .title = "A device that is open through the group keeps its sibling from being bound",
	   .requirements = { "BIND-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group = vfio_group_open();
	int device = vfio_group_device(group, self->iommufd);

	EXPECT_EQ(-EBUSY, __vfio_bind(self->sibling, self->iommufd, NULL));
	EXPECT_EQ(-EBUSY, __vfio_bind(self->sibling, self->other, NULL));
	EXPECT_PARKED(self->sibling);
	cts_close(&device);
	cts_close(&group);
	EXPECT_EQ(0, __vfio_bind(self->sibling, self->other, NULL));
}

CTS_MAIN
