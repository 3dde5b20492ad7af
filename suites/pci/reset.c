// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_RESET: what of the user's it leaves. That it resets is shown by flr.c. */
#include "bar.h"
#include "irq.h"

FIXTURE(reset)
{
	struct bound bound;
};

FIXTURE_SETUP(reset)
{
	struct vfio_device_info info;

	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	ASSERT_EQ(0, __vfio_info(self->bound.device, &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
}

FIXTURE_TEARDOWN(reset)
{
	bound_close(&self->bound);
}

CTS_TEST_F(reset, keeps_the_configuration,
	   .title = "After a reset the header is as before: command, BARs, and what is the user's",
	   .requirements = { "RESET-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint8_t before[PCI_STD_HEADER_SIZEOF], after[PCI_STD_HEADER_SIZEOF];
	uint8_t device_before[PCI_STD_HEADER_SIZEOF], device_after[PCI_STD_HEADER_SIZEOF];

	function_set_master(function, true);
	function_config_write(function, PCI_INTERRUPT_LINE, 1, 0xa5);
	function_config_write(function, PCI_BASE_ADDRESS_0, 4, 0xc0000000);
	ASSERT_EQ((ssize_t)sizeof(before),
		  region_read(function, VFIO_PCI_CONFIG_REGION_INDEX, 0, before, sizeof(before)));
	sysfs_config(device_before, sizeof(device_before));
	ASSERT_EQ(0, __function_reset(function));
	ASSERT_EQ((ssize_t)sizeof(after),
		  region_read(function, VFIO_PCI_CONFIG_REGION_INDEX, 0, after, sizeof(after)));
	sysfs_config(device_after, sizeof(device_after));
	/* The status register tells what has happened since. */
	memset(before + PCI_STATUS, 0, 2);
	memset(after + PCI_STATUS, 0, 2);
	memset(device_before + PCI_STATUS, 0, 2);
	memset(device_after + PCI_STATUS, 0, 2);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_EQ(0, memcmp(device_before, device_after, sizeof(device_before)));
}

CTS_TEST_F(reset, keeps_the_channels,
	   .title = "After a reset the channels for errors and requests signal as before",
	   .requirements = { "RESET-001", "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device, errors = new_eventfd(), requests = new_eventfd();

	ASSERT_EQ(0, set_eventfd(device, VFIO_PCI_ERR_IRQ_INDEX, 0, errors));
	ASSERT_EQ(0, set_eventfd(device, VFIO_PCI_REQ_IRQ_INDEX, 0, requests));
	ASSERT_EQ(0, __function_reset(&self->bound.function));
	EXPECT_EQ(0, signals(errors) + signals(requests));
	EXPECT_EQ(0, try_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, 0, 1));
	EXPECT_EQ(0, try_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1));
	EXPECT_EQ(1, signals(errors));
	EXPECT_EQ(1, signals(requests));
}

CTS_MAIN
