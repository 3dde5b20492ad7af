// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is being unbound from its device waits for every file of the device, parked or
 * bound: the device is not taken from under them. Meanwhile a parked file stays parked, and when
 * the last file is closed the driver goes.
 */
#include <fcntl.h>

#include "gates.h"
#include "iommufd.h"
#include "removal.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

FIXTURE(removal)
{
	struct vfio_layout layout;
	struct removal_before before;
	struct removal removal;
	char node[SYSFS_PATH];
	int iommufd;
	int device; /* parked */
};

FIXTURE_SETUP(removal)
{
	CTS_CHECK_NEEDS();
	if (sysfs_is_mediated(sysfs_device()))
		CTS_SKIP(DEVICE_LACKS, "no driver is given it back: it can only be made anew");
	VFIO_SURVEY_OR_SKIP(&self->layout);
	removal_remember(&self->before);
	ASSERT_EQ(0, __sysfs_cdev_path(self->node));
	self->iommufd = iommufd_open();
	self->device = vfio_open();
}

/*
 * In the parent, so that it is done also for a test that ended half-way: its files are closed then,
 * and the driver goes and comes back.
 */
FIXTURE_TEARDOWN_PARENT(removal)
{
	removal_undo(&self->before);
}

CTS_TEST_F(removal, waits_for_a_parked_file,
	   .title = "Unbinding the driver waits for a parked file, which stays parked meanwhile",
	   .requirements = { "PARK-027" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	removal_start_unbind(&self->removal);
	EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, INT32_MAX, NULL));
	EXPECT_TRUE(removal_waits(&self->removal));
	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
}

CTS_TEST_F(removal, waits_for_a_bound_file,
	   .title = "Unbinding the driver waits for a bound file, which works meanwhile",
	   .requirements = { "PARK-027" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	vfio_bind(self->device, self->iommufd);
	removal_start_unbind(&self->removal);
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	EXPECT_TRUE(removal_waits(&self->removal));
	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
}

CTS_TEST_F(removal, bind_meanwhile,
	   .title = "A bind while the driver is unbound is whole or leaves the file parked",
	   .requirements = { "BIND-026" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	int result;

	removal_start_unbind(&self->removal);
	result = __vfio_bind(self->device, self->iommufd, NULL);
	TH_LOG("bind gave %d", result);
	if (!result) {
		EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	} else {
		EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	}
	EXPECT_TRUE(removal_waits(&self->removal));
	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
}

/* Opens anew what @path, a descriptor made with O_PATH, stands for; -errno if that is refused. */
static int __reopen(int path)
{
	char name[64];
	int again;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", path);
	again = open(name, O_RDWR | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

CTS_TEST_F(removal, reopen_meanwhile,
	   .title = "What a node that is going opens, if it does, is a parked file that is waited for",
	   .requirements = { "LIFE-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	int path = open(self->node, O_PATH | O_CLOEXEC);
	int again;

	ASSERT_LE(0, path);
	removal_start_unbind(&self->removal);
	EXPECT_EQ(-1, open(self->node, O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENOENT, errno);
	again = __reopen(path);
	TH_LOG("open gave %d", again);
	cts_close(&self->device);
	if (again >= 0) {
		EXPECT_EQ(-EINVAL, gate_read.probe(again, &self->layout));
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(again, &self->layout));
		EXPECT_TRUE(removal_waits(&self->removal));
		cts_close(&again);
	}
	EXPECT_EQ(0, removal_finish(&self->removal));
}

CTS_TEST_F(removal, no_open_afterwards,
	   .title = "After the driver went nothing opens the device that was",
	   .requirements = { "LIFE-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	int path = open(self->node, O_PATH | O_CLOEXEC);
	int again;

	ASSERT_LE(0, path);
	cts_close(&self->device);
	removal_start_unbind(&self->removal);
	ASSERT_EQ(0, removal_finish(&self->removal));
	again = __reopen(path);
	EXPECT_TRUE(again == -ENODEV || again == -ENXIO) TH_LOG("open gave %d", again);
}

CTS_MAIN
