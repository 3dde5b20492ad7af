// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_GET_INFO of a PCI device. Its argument has grown: 16 bytes were there from the
 * beginning, and what lies behind is written only where argsz says that there is room.
 */
#include "bound.h"
#include "vfio_group.h"

/* Where the first version of struct vfio_device_info ends: behind num_irqs. */
#define FIRST_VERSION 16
_Static_assert(offsetof(struct vfio_device_info, num_irqs) + sizeof(uint32_t) == FIRST_VERSION,
	       "the layout of struct vfio_device_info is ABI");

FIXTURE(info)
{
	struct bound bound;
};

FIXTURE_SETUP(info)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(info)
{
	bound_close(&self->bound);
}

CTS_TEST_F(info, of_a_pci_device,
	   .title = "A PCI device says that it is one, and has all regions and interrupt indices",
	   .requirements = { "DEVINFO-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info info;

	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	EXPECT_EQ(VFIO_DEVICE_FLAGS_PCI,
		  info.flags & ~(uint32_t)(VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_CAPS));
	EXPECT_LE(VFIO_PCI_NUM_REGIONS, info.num_regions);
	EXPECT_LE(VFIO_PCI_NUM_IRQS, info.num_irqs);
}

CTS_TEST_F(info, same_by_the_group,
	   .title = "A device says the same of itself by its character device and by its group",
	   .requirements = { "DEVINFO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	struct vfio_device_info info, by_group;
	int group, device;

	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	bound_close_device(&self->bound);
	group = vfio_group_open();
	device = vfio_group_device(group, self->bound.iommufd);
	EXPECT_EQ(0, __vfio_info(device, &by_group));
	EXPECT_EQ(0, memcmp(&info, &by_group, sizeof(info)));
	cts_close(&device);
	cts_close(&group);
}

CTS_TEST_F(info, argument_unreadable,
	   .title = "GET_INFO with an argument of which 16 bytes can't be read ends in EFAULT",
	   .requirements = { "DEVINFO-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	EXPECT_EQ(-EFAULT,
		  ask_unreadable(self->bound.device, VFIO_DEVICE_GET_INFO, &info, FIRST_VERSION));
}

CTS_TEST_F(info, argument_unwritable,
	   .title = "GET_INFO whose answer can't be stored ends in EFAULT",
	   .requirements = { "DEVINFO-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_GET_INFO,
			       read_only_page(&info, sizeof(info))));
}

CTS_TEST_F(info, argsz_too_small,
	   .title = "GET_INFO with an argsz below 16 ends in EINVAL and writes nothing",
	   .requirements = { "DEVINFO-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info info = { .flags = 0x5a5a5a5a, .num_irqs = 0x5a5a5a5a };

	EXPECT_EQ(-EINVAL,
		  ask_too_small(self->bound.device, VFIO_DEVICE_GET_INFO, &info, FIRST_VERSION));
	EXPECT_EQ(0x5a5a5a5a, info.flags);
	EXPECT_EQ(0, info.num_regions);
	EXPECT_EQ(0x5a5a5a5a, info.num_irqs);
}

CTS_TEST_F(info, first_version,
	   .title = "GET_INFO takes an argument of 16 bytes and touches no byte more",
	   .requirements = { "DEVINFO-001", "DEVINFO-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t *edge = inaccessible_page();
	struct vfio_device_info info;
	uint32_t first[8];

	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	edge[-4] = FIRST_VERSION;
	ASSERT_EQ(0, ask(self->bound.device, VFIO_DEVICE_GET_INFO, edge - 4));
	EXPECT_EQ(info.flags, edge[-3]);
	EXPECT_EQ(info.num_regions, edge[-2]);
	EXPECT_EQ(info.num_irqs, edge[-1]);

	memset(first, 0x5a, sizeof(first));
	first[0] = FIRST_VERSION;
	ASSERT_EQ(0, ask(self->bound.device, VFIO_DEVICE_GET_INFO, first));
	EXPECT_EQ(0x5a5a5a5a, first[4]);
	EXPECT_EQ(0x5a5a5a5a, first[5]);
}

CTS_TEST_F(info, reset_flag,
	   .title = "VFIO_DEVICE_RESET works if GET_INFO says so, and else ends in EINVAL",
	   .requirements = { "RESET-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info info;
	int expected;

	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	expected = info.flags & VFIO_DEVICE_FLAGS_RESET ? 0 : -EINVAL;
	EXPECT_EQ(expected, __function_reset(&self->bound.function));
	EXPECT_EQ(expected, __function_reset(&self->bound.function));
}

CTS_TEST_F(info, unknown_request,
	   .title = "A request that vfio doesn't know ends in ENOTTY, whatever its argument",
	   .requirements = { "DEVINFO-005" },
	   .needs = CTS_NEED_CDEV)
{
	/* Far from those that are there, and one of another type. */
	static const unsigned long unknown[] = {
		_IO(VFIO_TYPE, VFIO_BASE + 60),
		_IO(VFIO_TYPE, 0xff),
		_IOWR(VFIO_TYPE, VFIO_BASE + 7, struct vfio_device_info),
		_IO('t', VFIO_BASE + 7),
	};
	struct vfio_device_info info, now;
	uint32_t args[4] = { sizeof(args) };
	size_t i;

	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-ENOTTY, ask(self->bound.device, unknown[i], args))
		TH_LOG("request %#lx", unknown[i]);
		EXPECT_EQ(-ENOTTY, ask(self->bound.device, unknown[i], NULL));
	}
	EXPECT_EQ(sizeof(args), args[0]);
	EXPECT_EQ(0, args[1] | args[2] | args[3]);
	ASSERT_EQ(0, __vfio_info(self->bound.device, &now));
	EXPECT_EQ(0, memcmp(&info, &now, sizeof(info)));
}

CTS_MAIN
