// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: which functions are reset together, and which of them the
 * caller owns.
 */
#include <dirent.h>
#include <stdlib.h>

#include "hot_reset.h"
#include "vfio_group.h"

FIXTURE(hot_reset_info)
{
	struct bound bound;
	struct reset_info info;
};

FIXTURE_SETUP(hot_reset_info)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	HOT_RESET_OR_SKIP(self->bound.device);
}

FIXTURE_TEARDOWN(hot_reset_info)
{
	bound_close(&self->bound);
}

/* Is nothing of @info behind its header written? */
static bool list_untouched(const struct reset_info *info, uint32_t from)
{
	const uint8_t *bytes = (const uint8_t *)(info->devices + from);

	for (; bytes < (const uint8_t *)(info->devices + FUNCTIONS); bytes++) {
		if (*bytes != 0x5a)
			return false;
	}
	return true;
}

CTS_TEST_F(hot_reset_info, too_little_room,
	   .title = "With room for too few functions it is ENOSPC, and says how many there are",
	   .requirements = { "RESET-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct reset_info *info = &self->info;
	uint32_t count, room;

	ASSERT_EQ(-ENOSPC, hot_reset_info(self->bound.device, info, 0));
	count = info->header.count;
	ASSERT_LT(0, count);
	ASSERT_GE(FUNCTIONS, count);
	EXPECT_TRUE(list_untouched(info, 0));
	for (room = 1; room < count; room++) {
		EXPECT_EQ(-ENOSPC, hot_reset_info(self->bound.device, info, room));
		EXPECT_EQ(count, info->header.count);
		EXPECT_TRUE(list_untouched(info, 0));
	}
	/* All but a byte. */
	memset(info, 0x5a, sizeof(*info));
	info->header.argsz = HEADER + count * (uint32_t)sizeof(info->devices[0]) - 1;
	EXPECT_EQ(-ENOSPC, ask(self->bound.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info));
	EXPECT_TRUE(list_untouched(info, 0));

	EXPECT_EQ(0, hot_reset_info(self->bound.device, info, count));
	EXPECT_EQ(count, info->header.count);
	EXPECT_TRUE(list_untouched(info, count));
}

CTS_TEST_F(hot_reset_info, lists_the_functions,
	   .title = "The list has each function of the device's slot, and none of another bus",
	   .requirements = { "RESET-002" },
	   .needs = CTS_NEED_CDEV)
{
	const size_t slot = strlen(sysfs_device()) - strlen(".0"), bus = slot - strlen(":00");
	const struct dirent *entry;
	uint32_t listed = 0;
	DIR *devices;

	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	EXPECT_NE(NULL, find_function(&self->info, sysfs_device()));
	devices = opendir("/sys/bus/pci/devices");
	ASSERT_NE(NULL, devices);
	while ((entry = readdir(devices))) {
		const bool found = find_function(&self->info, entry->d_name);

		if (!strncmp(entry->d_name, sysfs_device(), slot)) {
			EXPECT_TRUE(found) TH_LOG("%s", entry->d_name);
		}
		if (!strncmp(entry->d_name, sysfs_device(), bus))
			listed += found;
	}
	closedir(devices);
	/* An endpoint has no buses below it. */
	EXPECT_EQ(listed, self->info.header.count);
}

CTS_TEST_F(hot_reset_info, argument_unreadable,
	   .title = "It is EFAULT if 12 bytes can't be read, or the answer not be written",
	   .requirements = { "RESET-009" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_pci_hot_reset_info header = { .argsz = sizeof(self->info) };
	char *edge = inaccessible_page();

	EXPECT_EQ(-EFAULT, ask_unreadable(self->bound.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
					  &header, HEADER));
	memcpy(edge - HEADER, &header, HEADER);
	EXPECT_EQ(-EFAULT,
		  ask(self->bound.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, edge - HEADER));
	header.argsz = HEADER;
	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
			       read_only_page(&header, HEADER)));
}

CTS_TEST_F(hot_reset_info, argsz_too_small,
	   .title = "With an argsz below 12 it is EINVAL, and nothing is written",
	   .requirements = { "RESET-009" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_pci_hot_reset_info header = { .flags = 0x5a, .count = 0x5a };

	EXPECT_EQ(-EINVAL, ask_too_small(self->bound.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
					 &header, HEADER));
	EXPECT_EQ(0x5a, header.flags);
	EXPECT_EQ(0x5a, header.count);
}

/* What the flags say, and that it fits the list. */
#define EXPECT_OWNED(owned)                                                               \
	do {                                                                              \
		ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS)); \
		EXPECT_EQ(owned, all_owned(&self->info));                                 \
		EXPECT_EQ(VFIO_PCI_HOT_RESET_FLAG_DEV_ID |                                \
				  ((owned) ? VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED : 0),   \
			  self->info.header.flags);                                       \
	} while (0)

CTS_TEST_F(hot_reset_info, own_id,
	   .title = "A bound device has its id in the list, and the flag fits what the list says",
	   .requirements = { "RESET-003", "RESET-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_pci_dependent_device *own;

	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	EXPECT_OWNED(all_owned(&self->info));
	own = find_function(&self->info, sysfs_device());
	ASSERT_NE(NULL, own);
	EXPECT_EQ(self->bound.device_id, own->devid);

	/* Bound anew it has another, if anything was made in between. */
	bound_close_device(&self->bound);
	iommufd_ioas_alloc(self->bound.iommufd);
	bound_open(&self->bound);
	EXPECT_OWNED(all_owned(&self->info));
	EXPECT_EQ(self->bound.device_id, find_function(&self->info, sysfs_device())->devid);
}

CTS_TEST_F(hot_reset_info, group_of_functions,
	   .title = "A function that isn't bound but in the group is owned, bound it has an id",
	   .requirements = { "RESET-003", "RESET-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_pci_dependent_device *listed;
	char sibling[1][SYSFS_BDF];
	uint32_t id;
	int device;

	if (__sysfs_siblings(sibling, 1) < 1)
		CTS_SKIP(GROUP_TOO_SMALL, "no other device of the group has the same driver");
	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	listed = find_function(&self->info, sibling[0]);
	if (!listed)
		CTS_SKIP(GROUP_TOO_SMALL, "no other device of the group is reset with this one");
	EXPECT_OWNED(true);
	EXPECT_EQ(VFIO_PCI_DEVID_OWNED, (int)listed->devid);
	device = vfio_open_function(sibling[0]);
	EXPECT_OWNED(true);
	EXPECT_EQ(VFIO_PCI_DEVID_OWNED, (int)listed->devid);
	id = vfio_bind(device, self->bound.iommufd);
	EXPECT_OWNED(true);
	EXPECT_EQ(id, listed->devid);
	cts_close(&device);
	EXPECT_OWNED(true);
	EXPECT_EQ(VFIO_PCI_DEVID_OWNED, (int)listed->devid);
}

CTS_TEST_F(hot_reset_info, by_the_group,
	   .title = "A user of the group is told the group of each function, and no ids",
	   .requirements = { "RESET-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	uint32_t group_id = (uint32_t)strtoul(strrchr(sysfs_group_path(), '/') + 1, NULL, 10);
	const struct vfio_pci_dependent_device *own;
	int group, device;

	bound_close_device(&self->bound);
	group = vfio_group_open();
	device = vfio_group_device(group, self->bound.iommufd);
	ASSERT_EQ(0, hot_reset_info(device, &self->info, FUNCTIONS));
	EXPECT_EQ(0, self->info.header.flags);
	own = find_function(&self->info, sysfs_device());
	ASSERT_NE(NULL, own);
	EXPECT_EQ(group_id, own->group_id);
	cts_close(&device);
	cts_close(&group);
}

CTS_MAIN
