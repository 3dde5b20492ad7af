// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_GROUP_GET_DEVICE_FD that is refused leaves nobody holding the device. */
#include "opened.h"

CTS_TEST_F(opened, lets_the_driver_go,
	   .title = "After a group was refused its device the driver can be unbound",
	   .requirements = { "GROUP-008", "PARK-022" },
	   .needs = NEEDS | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	char driver[SYSFS_PATH];

	EXPECT_EQ(-EINVAL, __vfio_group_device_fd(self->compat.group, sysfs_device()));
	EXPECT_EQ(-ENODEV, __vfio_group_device_fd(self->compat.group, "no-such-device"));
	cts_close(&self->compat.group);
	sysfs_driver(driver);
	/* A device that is still held makes the kernel wait here until the test's deadline. */
	ASSERT_EQ(0, __sysfs_tell_driver(driver, "unbind", sysfs_device()));
	sysfs_give_back(driver, sysfs_device());
}

/* The first IOVA behind a range that the device can use and before another, 0 without such. */
static uint64_t find_hole(int container)
{
	struct container_info info;
	uint64_t hole = 0;

	container_info_get(container, &info);
	if (info.range_count > 1)
		hole = info.ranges[0].end + 1;
	container_info_free(&info);
	return hole;
}

CTS_TEST_F(opened, cant_be_attached,
	   .title = "A device that a mapping is in the way of is not handed out and left open to nobody",
	   .requirements = { "GROUP-008" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	struct buffer buffer;
	int iommufd, device;
	uint64_t hole;

	if (compat->native)
		CTS_SKIP(KERNEL_LACKS, "the container of vfio attaches when the backend is set");
	COMPAT_SET_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(compat);
	hole = find_hole(compat->container);
	if (!hole)
		CTS_SKIP(IOMMU_LACKS, "the device reserves nothing between two ranges");
	cts_close(&compat->device);
	container_map(compat->container, pages_alloc(&buffer, 1), page_size(), hole);
	EXPECT_EQ(-EADDRINUSE, __vfio_group_device_fd(compat->group, sysfs_device()));
	cts_close(&compat->group);
	/* Nobody has it: by its own node it can be bound. */
	iommufd = iommufd_open();
	device = vfio_open();
	EXPECT_EQ(0, __vfio_bind(device, iommufd, NULL));
	cts_close(&device);
	cts_close(&iommufd);
	/* And by its group, when nothing is in the way any more. */
	container_unmap(compat->container, hole, page_size());
	compat->group = vfio_group_open();
	vfio_group_set_container(compat->group, compat->container);
	compat_open_device(compat);
}

CTS_MAIN
