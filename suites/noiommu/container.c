// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container of vfio, with a group behind an IOMMU and one behind none: it is for one kind or
 * the other, whichever came first, as long as that stays.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "container.h"
#include "unguarded.h"

FIXTURE(container)
{
	int container;
	int bare, guarded; /* groups */
};

static int open_group(const char *path)
{
	int group = open(path, O_RDWR | O_CLOEXEC);

	cts_require(group >= 0, "%s", path);
	return group;
}

/* Opens the group of the device: -ENODEV if it has no node. */
static int open_bare(void)
{
	char path[SYSFS_PATH];

	return __sysfs_noiommu_group_path(path) ? -ENODEV : open_group(path);
}

/* The same of the first device with an IOMMU that was named for the run. */
static int open_guarded(void)
{
	char bdf[SYSFS_BDF], path[SYSFS_PATH];

	if (__sysfs_guarded(bdf) || __sysfs_group_path_of(bdf, path))
		return -ENODEV;
	return open_group(path);
}

static int set_container(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

static int unset_container(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0;
}

FIXTURE_SETUP(container)
{
	CTS_CHECK_NEEDS();
	self->container = __container_open(CONTAINER_VFIO);
	if (self->container < 0 || !container_is_native(self->container))
		CTS_SKIP(KERNEL_LACKS, "there is no container of vfio");
	self->bare = open_bare();
	self->guarded = open_guarded();
	if (self->bare < 0 || self->guarded < 0)
		CTS_SKIP(ONE_GROUP, "there aren't a group with an IOMMU and one without");
}

FIXTURE_TEARDOWN(container)
{
	cts_close(&self->guarded);
	cts_close(&self->bare);
	cts_close(&self->container);
}

CTS_TEST_F(container, of_one_kind,
	   .title = "A container with a group of one kind takes none of the other kind, EPERM, until that one is gone",
	   .requirements = { "NOIOMMU-009" },
	   .needs = NEEDS)
{
	const int first[] = { self->guarded, self->bare }, other[] = { self->bare, self->guarded };
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_container(first[i], self->container));
		EXPECT_EQ(-EPERM, set_container(other[i], self->container));
		EXPECT_EQ(0, unset_container(first[i]));
		EXPECT_EQ(0, set_container(other[i], self->container));
		EXPECT_EQ(0, unset_container(other[i]));
	}
}

CTS_MAIN
