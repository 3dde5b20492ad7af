// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a device's node promises nothing and disturbs nobody: not the device, not its group, not
 * whoever has the device bound; and neither does closing the file again.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "bind.h"
#include "gates.h"
#include "memory.h"
#include "sysfs.h"
#include "vfio_group.h"

#define MANY 64
#define VERY_MANY 1000

CTS_TEST_F(bind, open_leaves_the_device_alone,
	   .title = "Opening the node changes nothing in the device's configuration",
	   .requirements = { "PARK-021" },
	   .needs = CTS_NEED_CDEV)
{
	uint8_t before[64], after[64];
	int files[MANY], i;

	cts_close(&self->device);
	sysfs_config(before, sizeof(before));
	for (i = 0; i < MANY; i++)
		files[i] = vfio_open();
	sysfs_config(after, sizeof(after));
	/* The status register changes by itself. */
	before[6] = before[7] = after[6] = after[7] = 0;
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	for (i = 0; i < MANY; i++)
		cts_close(&files[i]);
}

CTS_TEST_F(bind, open_leaves_the_group_alone,
	   .title = "Parked files keep nobody from the group, and own no DMA",
	   .requirements = { "PARK-021" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int second = vfio_open();
	int group, device;

	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_TRUE(vfio_group_is_viable(group));
	device = vfio_group_device(group, self->iommufd);
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));

	cts_close(&second);
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));
	cts_close(&device);
	cts_close(&group);
}

CTS_TEST_F(bind, close_leaves_the_bound_file_alone,
	   .title = "Closing parked files, however often, does nothing to the file that is bound",
	   .requirements = { "PARK-022" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);
	int i;

	for (i = 0; i < VERY_MANY; i++) {
		int parked = vfio_open();

		cts_close(&parked);
	}
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
}

CTS_TEST_F(bind, close_leaves_a_loser_nothing,
	   .title = "Closing a file that failed to bind does nothing to the file that is bound",
	   .requirements = { "PARK-022" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);
	int loser = vfio_open();

	EXPECT_EQ(-EINVAL, __vfio_bind(loser, self->iommufd, NULL));
	cts_close(&loser);
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
}

CTS_TEST_F(bind, closed_files_let_the_driver_go,
	   .title = "After all files were closed the device can be taken from its driver",
	   .requirements = { "PARK-022" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	char driver[SYSFS_PATH];
	int parked;

	if (sysfs_is_mediated(sysfs_device()))
		CTS_SKIP(DEVICE_LACKS, "no driver is given it back: it can only be made anew");
	parked = vfio_open();
	vfio_bind(self->device, self->iommufd);
	(void)__vfio_bind(parked, self->iommufd, NULL);
	cts_close(&parked);
	cts_close(&self->device);

	/* A file that is still registered makes the kernel wait here until the test's deadline. */
	sysfs_driver(driver);
	ASSERT_EQ(0, __sysfs_tell_driver(driver, "unbind", sysfs_device()));
	sysfs_give_back(driver, sysfs_device());

	self->device = vfio_open();
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, read_only_file,
	   .title = "A file opened for reading can be bound and asked, and refuses to be written",
	   .requirements = { "PARK-024" },
	   .needs = CTS_NEED_CDEV)
{
	int device = open(sysfs_cdev_path(), O_RDONLY | O_CLOEXEC);
	const struct vfio_region_info *region = vfio_mappable_region(&self->layout);
	off_t config = (off_t)vfio_config_offset(&self->layout);

	ASSERT_LE(0, device);
	EXPECT_EQ(-1, pwrite(device, &self->layout.ids, sizeof(self->layout.ids), config));
	EXPECT_EQ(EBADF, errno);
	ASSERT_EQ(0, __vfio_bind(device, self->iommufd, NULL));
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));
	EXPECT_EQ(0, gate_read.use(device, &self->layout));
	EXPECT_EQ(-1, pwrite(device, &self->layout.ids, sizeof(self->layout.ids), config));
	EXPECT_EQ(EBADF, errno);
	if (region) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
					   device, (off_t)region->offset));
		EXPECT_EQ(EACCES, errno);
	}
	cts_close(&device);
}

CTS_MAIN
