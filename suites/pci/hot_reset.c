// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_PCI_HOT_RESET: who owns all functions that are reset together may reset them, by a
 * character device with no files, by a group with the files of all groups concerned.
 */
#include <sys/eventfd.h>

#include "hot_reset.h"
#include "vfio_group.h"

FIXTURE(hot_reset)
{
	struct bound bound;
	struct reset_info info;
};

FIXTURE_SETUP(hot_reset)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	HOT_RESET_OR_SKIP(self->bound.device);
}

FIXTURE_TEARDOWN(hot_reset)
{
	bound_close(&self->bound);
}

/* Leaves the mark of reset.h where the device has a place for it. */
#define MARK() const bool marked = mark(&self->bound.function)

/* The device was, or was not, reset since, as far as that can be seen. */
#define EXPECT_RESET(was)                                                    \
	do {                                                                 \
		if (marked) {                                                \
			EXPECT_EQ(!(was), is_marked(&self->bound.function)); \
		}                                                            \
	} while (0)

CTS_TEST_F(hot_reset, by_the_owner,
	   .title = "A hot reset returns 0 if the list says that all is owned, else EINVAL",
	   .requirements = { "RESET-005" },
	   .needs = CTS_NEED_CDEV)
{
	bool owned;
	MARK();

	ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));
	owned = self->info.header.flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	EXPECT_EQ(owned ? 0 : -EINVAL, hot_reset(self->bound.device, 0, NULL));
	EXPECT_RESET(owned);
	/* The device is bound, and its ids are there. */
	EXPECT_EQ(sysfs_number("vendor"), function_config_read(&self->bound.function, 0, 2));
}

CTS_TEST_F(hot_reset, argument_unreadable,
	   .title = "A hot reset of which 12 bytes can't be read ends in EFAULT and resets nothing",
	   .requirements = { "RESET-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_pci_hot_reset args = { .argsz = HEADER };
	MARK();

	EXPECT_EQ(-EFAULT,
		  ask_unreadable(self->bound.device, VFIO_DEVICE_PCI_HOT_RESET, &args, HEADER));
	EXPECT_RESET(false);
}

CTS_TEST_F(hot_reset, argument_refused,
	   .title = "A hot reset with an argsz below 12 or with flags ends in EINVAL",
	   .requirements = { "RESET-006" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_pci_hot_reset args = { 0 };
	unsigned int bit;
	MARK();

	EXPECT_EQ(-EINVAL,
		  ask_too_small(self->bound.device, VFIO_DEVICE_PCI_HOT_RESET, &args, HEADER));
	for (bit = 0; bit < 32; bit++) {
		args = (struct vfio_pci_hot_reset){ .argsz = HEADER, .flags = 1U << bit };
		EXPECT_EQ(-EINVAL, ask(self->bound.device, VFIO_DEVICE_PCI_HOT_RESET, &args))
		TH_LOG("flag %#x", args.flags);
	}
	EXPECT_RESET(false);
}

CTS_TEST_F(hot_reset, no_files_by_the_device,
	   .title = "A hot reset with files by a character device ends in EINVAL",
	   .requirements = { "RESET-006" },
	   .needs = CTS_NEED_CDEV)
{
	const int32_t files[] = { self->bound.device, self->bound.iommufd };
	MARK();

	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 1, files));
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 1, files + 1));
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 2, files));
	EXPECT_RESET(false);
}

/*
 * The device again, by its group. With all of its bus in the group, that is all that a hot reset
 * takes.
 */
#define BY_GROUP_OR_SKIP(group)                                                                 \
	do {                                                                                    \
		uint32_t __i;                                                                   \
                                                                                                \
		bound_close_device(&self->bound);                                               \
		*(group) = vfio_group_open();                                                   \
		self->bound.device = vfio_group_device(*(group), self->bound.iommufd);          \
		function_init(&self->bound.function, self->bound.device);                       \
		ASSERT_EQ(0, hot_reset_info(self->bound.device, &self->info, FUNCTIONS));       \
		for (__i = 1; __i < self->info.header.count; __i++)                             \
			if (self->info.devices[__i].group_id != self->info.devices[0].group_id) \
				CTS_SKIP(DEVICE_LACKS, "the bus has several groups");           \
	} while (0)

CTS_TEST_F(hot_reset, by_the_group,
	   .title = "A hot reset by a group's device takes the files of all groups concerned",
	   .requirements = { "RESET-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group;

	BY_GROUP_OR_SKIP(&group);
	MARK();
	EXPECT_EQ(0, hot_reset(self->bound.device, 1, &group));
	EXPECT_RESET(true);
	bound_close_device(&self->bound);
	cts_close(&group);
}

CTS_TEST_F(hot_reset, refused_by_the_group,
	   .title = "A hot reset by a group's device refuses what isn't the groups' files",
	   .requirements = { "RESET-012", "RESET-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int32_t files[FUNCTIONS + 1];
	int group, closed = eventfd(0, EFD_CLOEXEC);
	uint32_t i;

	BY_GROUP_OR_SKIP(&group);
	MARK();
	ASSERT_LE(0, closed);
	ASSERT_EQ(0, close(closed));
	/* None; one of the device, which is no group's; none that is open; more than functions. */
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 0, NULL));
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 1, &self->bound.device));
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 1, &self->bound.iommufd));
	EXPECT_EQ(-EBADF, hot_reset(self->bound.device, 1, &closed));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = group;
	}
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, self->info.header.count + 1, files));
	EXPECT_RESET(false);
	EXPECT_EQ(0, hot_reset(self->bound.device, 1, &group));
	bound_close_device(&self->bound);
	cts_close(&group);
}

CTS_TEST_F(hot_reset, files_unreadable,
	   .title = "A hot reset by a group's device whose files can't be read ends in EFAULT",
	   .requirements = { "RESET-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	const struct vfio_pci_hot_reset args = { .argsz = HEADER + sizeof(int32_t), .count = 1 };
	char *edge = inaccessible_page();
	int group;

	BY_GROUP_OR_SKIP(&group);
	MARK();
	memcpy(edge - HEADER, &args, HEADER);
	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_PCI_HOT_RESET, edge - HEADER));
	EXPECT_RESET(false);
	bound_close_device(&self->bound);
	cts_close(&group);
}

CTS_TEST_F(hot_reset, by_another_group,
	   .title = "A hot reset with the file of a group that isn't concerned ends in EINVAL",
	   .requirements = { "RESET-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group, other = __vfio_group_open_other();

	if (other < 0)
		CTS_SKIP(ONE_GROUP, "no other group is there and free");
	BY_GROUP_OR_SKIP(&group);
	MARK();
	EXPECT_EQ(-EINVAL, hot_reset(self->bound.device, 1, &other));
	EXPECT_RESET(false);
	EXPECT_EQ(0, hot_reset(self->bound.device, 1, &group));
	bound_close_device(&self->bound);
	cts_close(&group);
	cts_close(&other);
}

CTS_MAIN
