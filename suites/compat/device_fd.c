// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_GROUP_GET_DEVICE_FD: a device's file by its name, once the group is in a container. */
#include "gates.h"
#include "opened.h"

CTS_TEST_F(opened, without_a_container,
	   .title = "A group without a container hands out no device",
	   .requirements = { "GROUP-008" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EINVAL, __vfio_group_device_fd(self->compat.group, sysfs_device()));
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	cts_close(&self->compat.device);
	EXPECT_EQ(0, __vfio_group_unset_container(self->compat.group));
	EXPECT_EQ(-EINVAL, __vfio_group_device_fd(self->compat.group, sysfs_device()));
}

CTS_TEST_F(opened, other_names,
	   .title = "A name that is no device of the group is ENODEV, one with an unknown option EINVAL; the right one works then",
	   .requirements = { "GROUP-008" },
	   .needs = NEEDS)
{
	static const struct {
		const char *format;
		int error;
	} names[] = {
		{ "", -ENODEV },
		{ "no-such-device", -ENODEV },
		{ "%.*s", -ENODEV },
		{ "%.*s0x", -ENODEV },
		{ " %s", -ENODEV },
		{ "%s.", -ENODEV },
		{ "%s0", -ENODEV },
		{ "%s option", -EINVAL },
		{ "%s vf_token", -EINVAL },
		{ "%s vf_token=", -EINVAL },
		{ "%s vf_token=2ab74924-c335-45f4-9b16-8569e5b0825", -EINVAL },
		{ "%s vf_token=2ab74924-c335-45f4-9b16-8569e5b0825x", -EINVAL },
	};
	size_t i;

	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char name[128];

		if (strstr(names[i].format, "%.*s"))
			snprintf(name, sizeof(name), names[i].format,
				 (int)strlen(sysfs_device()) - 1, sysfs_device());
		else
			snprintf(name, sizeof(name), names[i].format, sysfs_device());
		EXPECT_EQ(names[i].error, __vfio_group_device_fd(self->compat.group, name))
		{
			TH_LOG("\"%s\"", name);
		}
	}
	compat_open_device(&self->compat);
}

CTS_TEST_F(opened, name_argument,
	   .title = "A name that can't be read is EFAULT, one longer than a page EINVAL, and one that ends with its page is read",
	   .requirements = { "GROUP-008" },
	   .needs = NEEDS)
{
	size_t length = strlen(sysfs_device()) + 1, page = page_size();
	struct buffer buffer;
	char *end, *name;

	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(-EFAULT, __vfio_group_device_fd(self->compat.group, inaccessible_page()));
	end = (char *)guarded_page() + page;
	memcpy(end - length + 1, sysfs_device(), length - 1);
	EXPECT_EQ(-EFAULT, __vfio_group_device_fd(self->compat.group, end - length + 1));
	name = pages_alloc(&buffer, 2);
	memset(name, ' ', 2 * page - 1);
	memcpy(name, sysfs_device(), length - 1);
	EXPECT_EQ(-EINVAL, __vfio_group_device_fd(self->compat.group, name));

	memcpy(end - length, sysfs_device(), length);
	self->compat.device = __vfio_group_device_fd(self->compat.group, end - length);
	EXPECT_LE(0, self->compat.device);
}

CTS_TEST_F(opened, beside_parked_files,
	   .title = "A device whose own node is open, but not bound, can be had by its group",
	   .requirements = { "GROUP-008" },
	   .needs = NEEDS)
{
	struct vfio_layout layout;
	int parked = vfio_open();

	ASSERT_EQ(0, __vfio_survey(&layout));
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	EXPECT_EQ(0, gate_ioctl.use(self->compat.device, &layout));
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(parked, &layout));
	EXPECT_EQ(-EINVAL, gate_read.probe(parked, &layout));
	cts_close(&parked);
	EXPECT_EQ(0, gate_ioctl.use(self->compat.device, &layout));
}

CTS_TEST_F(opened, several_files,
	   .title = "One device can be had several times by its group; each file works until it is closed",
	   .requirements = { "GROUP-009" },
	   .needs = NEEDS)
{
	struct vfio_layout layout;
	int files[3];
	size_t i;

	ASSERT_EQ(0, __vfio_survey(&layout));
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = __vfio_group_device_fd(self->compat.group, sysfs_device());
		ASSERT_LE(0, files[i]);
		EXPECT_EQ(0, gate_ioctl.use(files[i], &layout));
		EXPECT_EQ(0, gate_read.use(files[i], &layout));
	}
	/* The first is the one that opened the device. */
	for (i = 0; i + 1 < ARRAY_SIZE(files); i++) {
		cts_close(&files[i]);
		EXPECT_EQ(0, gate_ioctl.use(files[i + 1], &layout));
		EXPECT_EQ(0, gate_read.use(files[i + 1], &layout));
		/* Somebody has the device still. */
		EXPECT_EQ(-EBUSY, __vfio_group_open());
	}
	cts_close(&files[ARRAY_SIZE(files) - 1]);
	EXPECT_EQ(0, __vfio_group_unset_container(self->compat.group));
}

CTS_TEST_F(opened, all_closed,
	   .title = "When device, group and container are closed, in any order, the device can be bound by its own node",
	   .requirements = { "GROUP-009" },
	   .needs = NEEDS)
{
	/* An index each: the container, the group, the device. */
	static const int orders[][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 },
					 { 2, 0, 1 }, { 0, 2, 1 }, { 1, 2, 0 } };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		int *files[] = { &self->compat.container, &self->compat.group,
				 &self->compat.device };
		int iommufd, device;

		if (i) {
			COMPAT_OPEN_OR_SKIP(&self->compat, variant->mode);
		}
		COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
		compat_open_device(&self->compat);
		for (k = 0; k < 3; k++)
			cts_close(files[orders[i][k]]);
		iova_exit(&self->compat.space);
		iommufd = iommufd_open();
		device = vfio_open();
		EXPECT_EQ(0, __vfio_bind(device, iommufd, NULL))
		{
			TH_LOG("order %zu", i);
		}
		cts_close(&device);
		cts_close(&iommufd);
	}
}

CTS_MAIN
