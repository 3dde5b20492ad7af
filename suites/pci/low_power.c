// SPDX-License-Identifier: GPL-2.0-only
/* What low power takes from the user of a device, what wakes it, and what ends it. */
#include "low_power.h"
#include "bar.h"
#include "irq.h"

FIXTURE(low_power)
{
	struct bound bound;
	uint32_t bar;
	const volatile void *memory; /* the BAR */
	uint32_t first;		     /* its first bytes */
	int eventfd;
};

FIXTURE_SETUP(low_power)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	BAR_OR_SKIP(&self->bound.function, &self->bar);
	if (leave(self->bound.device) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "no VFIO_DEVICE_FEATURE_LOW_POWER_EXIT");
	self->memory = function_map_bar(&self->bound.function, self->bar);
	ASSERT_EQ(0, mapping_read(self->memory, &self->first));
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(low_power)
{
	bound_close(&self->bound);
}

CTS_TEST_F(low_power, takes_the_mappings,
	   .title = "In low power a mapped BAR is SIGBUS until the exit, and the file works",
	   .requirements = { "FEAT-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value = 0, ids = function_config_read(function, 0, 4);

	ASSERT_EQ(0, enter(self->bound.device));
	EXPECT_EQ(-EIO, mapping_read(self->memory, &value));
	EXPECT_EQ(ids, function_config_read(function, 0, 4));
	EXPECT_EQ(0, bar_read(function, self->bar, &value));
	EXPECT_EQ(self->first, value);
	/* What woke it for a moment doesn't end it. */
	EXPECT_EQ(-EIO, mapping_read(self->memory, &value));
	EXPECT_EQ(0, leave(self->bound.device));
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(self->first, value);
}

CTS_TEST_F(low_power, sleeps_again,
	   .title = "A device in low power that was woken sleeps again, and so it does without a user",
	   .requirements = { "FEAT-006", "FEAT-008" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 90)
{
	struct vfio_device_info info;
	uint32_t value;

	bound_close_device(&self->bound);
	if (!sleeps())
		CTS_SKIP(KERNEL_LACKS, "the kernel doesn't put a device without a user to sleep");
	bound_open(&self->bound);
	EXPECT_TRUE(power_is("active"));
	ASSERT_EQ(0, enter(self->bound.device));
	ASSERT_TRUE(sleeps());
	function_config_read(&self->bound.function, 0, 4);
	EXPECT_TRUE(sleeps());
	EXPECT_EQ(0, bar_read(&self->bound.function, self->bar, &value));
	EXPECT_EQ(self->first, value);
	EXPECT_TRUE(sleeps());
	EXPECT_EQ(0, __vfio_info(self->bound.device, &info));
	EXPECT_TRUE(sleeps());
	/* A refused request wakes it too. */
	EXPECT_EQ(-ENOTTY, ask(self->bound.device, VFIO_GET_API_VERSION, NULL));
	EXPECT_TRUE(sleeps());
	EXPECT_EQ(0, leave(self->bound.device));
	EXPECT_TRUE(power_is("active"));
	/* Left in low power, or not: each time there is as much to give back. */
	bound_close_device(&self->bound);
	EXPECT_TRUE(sleeps());
	bound_open(&self->bound);
	ASSERT_EQ(0, enter(self->bound.device));
	bound_close_device(&self->bound);
	EXPECT_TRUE(sleeps());
	bound_open(&self->bound);
	EXPECT_TRUE(power_is("active"));
}

CTS_TEST_F(low_power, is_entered_once,
	   .title = "A second entry is EINVAL, and an exit without an entry returns 0",
	   .requirements = { "FEAT-006" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(0, leave(self->bound.device));
	ASSERT_EQ(0, enter(self->bound.device));
	EXPECT_EQ(-EINVAL, enter(self->bound.device));
	EXPECT_EQ(-EINVAL, enter_with_wakeup(self->bound.device, self->eventfd));
	EXPECT_EQ(0, leave(self->bound.device));
	EXPECT_EQ(0, leave(self->bound.device));
	EXPECT_EQ(0, enter(self->bound.device));
}

CTS_TEST_F(low_power, wakeup_is_told,
	   .title = "A device that is woken signals the eventfd once and stays awake",
	   .requirements = { "FEAT-007" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t value;

	ASSERT_EQ(0, enter_with_wakeup(self->bound.device, self->eventfd));
	if (!sleeps())
		CTS_SKIP(KERNEL_LACKS, "the kernel doesn't put the device to sleep");
	EXPECT_EQ(0, signals(self->eventfd));
	function_config_read(&self->bound.function, 0, 4);
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	function_config_read(&self->bound.function, 0, 4);
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_EQ(0, enter(self->bound.device));
}

CTS_TEST_F(low_power, wakeup_refused,
	   .title = "An entry with what is no eventfd is refused, and the device stays awake",
	   .requirements = { "FEAT-007" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t value;

	EXPECT_EQ(-EINVAL, enter_with_wakeup(self->bound.device, -1));
	EXPECT_EQ(-EINVAL, enter_with_wakeup(self->bound.device, self->bound.iommufd));
	EXPECT_EQ(-EBADF, enter_with_wakeup(self->bound.device, closed_fd()));
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(0, enter(self->bound.device));
}

/* What the next user finds: a device that is awake. */
static void check_awake(struct __test_metadata *_metadata, FIXTURE_DATA(low_power) * self)
{
	uint32_t value;

	bound_close_device(&self->bound);
	bound_open(&self->bound);
	set_decoding(&self->bound.function, true);
	EXPECT_EQ(0, bar_read(&self->bound.function, self->bar, &value));
	self->memory = function_map_bar(&self->bound.function, self->bar);
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(self->first, value);
}

CTS_TEST_F(low_power, ends_with_the_user,
	   .title = "A device that its user left in low power is awake for the next one",
	   .requirements = { "FEAT-008" },
	   .needs = CTS_NEED_CDEV)
{
	ASSERT_EQ(0, enter(self->bound.device));
	check_awake(_metadata, self);
	/* And not one entry too deep. */
	EXPECT_EQ(0, enter(self->bound.device));
	EXPECT_EQ(0, leave(self->bound.device));
}

CTS_TEST_F(low_power, d3hot_ends_with_the_user,
	   .title = "A device that its user left in D3hot is awake for the next one",
	   .requirements = { "FEAT-008" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t pm = function_capability(function, PCI_CAP_ID_PM);

	if (!pm)
		CTS_SKIP(DEVICE_LACKS, "the device has no power management");
	set_power(function, pm, 3);
	ASSERT_EQ(3, function_config_read(function, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK);
	check_awake(_metadata, self);
}

CTS_MAIN
