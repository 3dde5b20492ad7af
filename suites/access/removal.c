// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is being unbound from its device waits for every file of the device, parked or
 * bound: the device is not taken from under them. Meanwhile a parked file stays parked, and when
 * the last file is closed the driver goes.
 *
 * The unbind is written by a child, since it doesn't return until then. That it has begun is seen
 * when the device's node goes; that it ended, when the child does.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>

#include "gates.h"
#include "iommufd.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

/* How long it is watched whether the unbind returns. Too short can't make a test fail. */
#define WATCHED_MS 1000

FIXTURE(removal)
{
	struct vfio_layout layout;
	char driver[SYSFS_PATH];
	char node[SYSFS_PATH];
	int iommufd;
	int device; /* parked */
	pid_t child;
	int alive; /* the end of a pipe that hangs up when the child ends */
};

FIXTURE_SETUP(removal)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	sysfs_driver(self->driver);
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
	char path[SYSFS_PATH];

	if (__sysfs_cdev_path(path) && __sysfs_tell_driver(self->driver, "bind", sysfs_device()))
		cts_lab_error("%s didn't take %s back", self->driver, sysfs_device());
}

/* Does the child end within @ms milliseconds? */
static bool has_ended(const FIXTURE_DATA(removal) * self, int ms)
{
	struct pollfd alive = { .fd = self->alive };

	return poll(&alive, 1, ms) > 0;
}

/*
 * Lets a child unbind the driver; returns when the device's node is gone, or the child: then
 * finish_removal() says what became of it.
 */
static void start_removal(FIXTURE_DATA(removal) * self)
{
	int ends[2];
	pid_t child;

	cts_lab_require(!pipe2(ends, O_CLOEXEC), "pipe2");
	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		/* No file of the device may be the child's own. */
		if (dup2(ends[1], 3) != 3 || close_range(4, ~0U, 0))
			_exit(errno);
		_exit(-__sysfs_tell_driver(self->driver, "unbind", sysfs_device()));
	}
	cts_close(&ends[1]);
	self->child = child; /* shared with the child, like all of @self */
	self->alive = ends[0];
	while (!access(self->node, F_OK) && !has_ended(self, 0))
		sched_yield();
}

/* Has the unbind not returned yet, nor does it soon? */
static bool removal_waits(const FIXTURE_DATA(removal) * self)
{
	return !has_ended(self, WATCHED_MS);
}

/* Waits for the unbind to return; 0 or -errno of it. */
static int finish_removal(const FIXTURE_DATA(removal) * self)
{
	int status;

	cts_require(waitpid(self->child, &status, 0) == self->child, "waitpid");
	cts_require(WIFEXITED(status), "the child ended with status %#x", status);
	return -WEXITSTATUS(status);
}

CTS_TEST_F(removal, waits_for_a_parked_file,
	   .title = "Unbinding the driver waits for a parked file, which stays parked meanwhile",
	   .requirements = { "PARK-027" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	start_removal(self);
	EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_EQ(-EBADF, __vfio_bind(self->device, INT32_MAX, NULL));
	EXPECT_TRUE(removal_waits(self));
	cts_close(&self->device);
	EXPECT_EQ(0, finish_removal(self));
}

CTS_TEST_F(removal, waits_for_a_bound_file,
	   .title = "Unbinding the driver waits for a bound file, which works meanwhile",
	   .requirements = { "PARK-027" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	vfio_bind(self->device, self->iommufd);
	start_removal(self);
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	EXPECT_TRUE(removal_waits(self));
	cts_close(&self->device);
	EXPECT_EQ(0, finish_removal(self));
}

CTS_TEST_F(removal, bind_meanwhile,
	   .title = "A bind while the driver is unbound is whole or leaves the file parked",
	   .requirements = { "BIND-026" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	int result;

	start_removal(self);
	result = __vfio_bind(self->device, self->iommufd, NULL);
	TH_LOG("bind gave %d", result);
	if (!result) {
		EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	} else {
		EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	}
	EXPECT_TRUE(removal_waits(self));
	cts_close(&self->device);
	EXPECT_EQ(0, finish_removal(self));
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
	start_removal(self);
	EXPECT_EQ(-1, open(self->node, O_RDWR | O_CLOEXEC));
	EXPECT_EQ(ENOENT, errno);
	again = __reopen(path);
	TH_LOG("open gave %d", again);
	cts_close(&self->device);
	if (again >= 0) {
		EXPECT_EQ(-EINVAL, gate_read.probe(again, &self->layout));
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(again, &self->layout));
		EXPECT_TRUE(removal_waits(self));
		cts_close(&again);
	}
	EXPECT_EQ(0, finish_removal(self));
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
	start_removal(self);
	ASSERT_EQ(0, finish_removal(self));
	again = __reopen(path);
	EXPECT_TRUE(again == -ENODEV || again == -ENXIO) TH_LOG("open gave %d", again);
}

CTS_MAIN
