// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFs go when root takes them away, or when their PF loses its driver. Both wait until nobody has a
 * file of a VF open.
 */
#include "pf.h"

FIXTURE_VARIANT(sriov)
{
	bool by_unbind; /* of the PF's driver; else by sriov_numvfs */
	bool bound;	/* the VF that is held is; else parked */
};

FIXTURE_VARIANT_ADD(sriov, numvfs_parked)
{ .by_unbind = false };
FIXTURE_VARIANT_ADD(sriov, numvfs_bound)
{ .bound = true };
FIXTURE_VARIANT_ADD(sriov, unbind_parked)
{ .by_unbind = true };
FIXTURE_VARIANT_ADD(sriov, unbind_bound)
{ .by_unbind = true, .bound = true };

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
	cts_close(&self->pf);
	VFS_OR_SKIP(self);
	cts_close(&self->vf[1]);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

/* Begins to take the VFs away, and returns when the node of the first has gone. */
static void start(const char *vf, struct removal *removal, bool by_unbind)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", sysfs_device(),
		 by_unbind ? "driver/unbind" : "sriov_numvfs");
	removal_start_of(removal, vf, path, by_unbind ? sysfs_device() : "0");
}

static bool vf_is_there(const char *vf)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", vf);
	return !access(path, F_OK);
}

/* How many VFs there are can't be asked for meanwhile: that waits for the same lock. */
CTS_TEST_F(sriov, vfs_in_use,
	   .title = "Taking VFs away waits for who has one open, and then they are gone",
	   .requirements = { "SRIOV-012" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	char driver[SYSFS_PATH];
	struct removal removal;

	if (variant->bound) {
		set_token(self->iommufd, &self->token);
		ASSERT_EQ(0, __sriov_bind(self->vf[0], self->iommufd, &self->token));
	}
	start(self->bdf[0], &removal, variant->by_unbind);
	EXPECT_TRUE(removal_waits(&removal));
	EXPECT_TRUE(vf_is_there(self->bdf[0]));
	if (variant->bound)
		EXPECT_WORKS(self->vf[0]);
	else
		EXPECT_PARKED(self->vf[0]);
	EXPECT_TRUE(removal_waits(&removal));

	cts_close(&self->vf[0]);
	EXPECT_EQ(0, removal_finish(&removal));
	EXPECT_FALSE(vf_is_there(self->bdf[0]));
	EXPECT_EQ(0, sriov_count());
	EXPECT_EQ(variant->by_unbind, __sysfs_driver_of(sysfs_device(), driver) != 0);
}

CTS_MAIN
