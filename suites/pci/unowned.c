// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function that nobody owns: one of the device's group and bus that no driver has. Whoever owns
 * the device doesn't own that one, so he may not reset the two together.
 */
#include "hot_reset.h"

FIXTURE(unowned)
{
	struct bound bound;
	struct reset_info info;
	char bdf[1][SYSFS_BDF]; /* the sibling that is taken from its driver */
	char driver[SYSFS_PATH];
};

FIXTURE_SETUP(unowned)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	HOT_RESET_OR_SKIP(self->bound.device);
	if (__sysfs_siblings(self->bdf, 1) < 1)
		CTS_SKIP(GROUP_TOO_SMALL, "no other device of the group has the same driver");
	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	if (!find_function(&self->info, self->bdf[0]))
		CTS_SKIP(GROUP_TOO_SMALL, "no other device of the group is reset with this one");
	sysfs_driver(self->driver);
	ASSERT_EQ(0, __sysfs_tell_driver(self->driver, "unbind", self->bdf[0]));
}

/*
 * In the parent, so that the sibling goes back to its driver also after a test that ended half-way.
 * The test's files are closed by then.
 */
FIXTURE_TEARDOWN_PARENT(unowned)
{
	char path[SYSFS_PATH];

	if (!self->driver[0] || !__sysfs_cdev_path_of(self->bdf[0], path))
		return;
	if (__sysfs_tell_driver(self->driver, "bind", self->bdf[0]))
		cts_lab_error("%s didn't take %s back", self->driver, self->bdf[0]);
}

CTS_TEST_F(unowned, is_told,
	   .title = "A function that no driver has is told as not owned, and so is the whole",
	   .requirements = { "RESET-003", "RESET-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const struct vfio_pci_dependent_device *own, *other;

	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	own = find_function(&self->info, sysfs_device());
	other = find_function(&self->info, self->bdf[0]);
	ASSERT_NE(NULL, own);
	ASSERT_NE(NULL, other);
	EXPECT_EQ(self->bound.device_id, own->devid);
	EXPECT_EQ(VFIO_PCI_DEVID_NOT_OWNED, (int)other->devid);
	EXPECT_EQ(VFIO_PCI_HOT_RESET_FLAG_DEV_ID, self->info.header.flags);
}

CTS_TEST_F(unowned, isnt_reset,
	   .title = "A hot reset that would reset a function that no driver has is EINVAL",
	   .requirements = { "RESET-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const bool marked = mark(&self->bound.function);

	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 0, NULL));
	if (marked) {
		EXPECT_TRUE(is_marked(&self->bound.function));
	}
	ASSERT_EQ(0, __sysfs_tell_driver(self->driver, "bind", self->bdf[0]));
	EXPECT_EQ(0, hot_reset(self->bound.device, 0, NULL));
	if (marked) {
		EXPECT_FALSE(is_marked(&self->bound.function));
	}
}

CTS_MAIN
