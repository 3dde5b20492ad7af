// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets as the user sees them: what he left in the device is gone. The kernel is told to do them
 * as function level resets, which leave nothing; of those by power management that is not promised
 * (PCI Bus Power Management Interface Specification, No_Soft_Reset).
 */
#include "reset.h"

FIXTURE(flr)
{
	struct bound bound;
	char method[SYSFS_PATH]; /* that the kernel had for the device; empty: not changed */
};

FIXTURE_SETUP(flr)
{
	char method[SYSFS_PATH];

	CTS_CHECK_NEEDS();
	if (__sysfs_attribute("reset_method", method) ||
	    __sysfs_set_attribute("reset_method", "flr"))
		CTS_SKIP(DEVICE_LACKS, "the device has no function level reset");
	memcpy(self->method, method, sizeof(method));
	BOUND_OPEN_OR_SKIP(&self->bound);
	if (!mark(&self->bound.function))
		CTS_SKIP(DEVICE_LACKS, "the device has no mask bits of MSI to see it by");
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(flr)
{
	if (self->method[0] && __sysfs_set_attribute("reset_method", self->method))
		cts_lab_error("%s doesn't take its reset_method back", sysfs_device());
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

CTS_TEST_F(flr, by_request,
	   .title = "A reset that returns 0 has reset the device",
	   .requirements = { "RESET-001" },
	   .needs = NEEDS)
{
	const struct function *function = &self->bound.function;

	EXPECT_EQ(0, __function_reset(function));
	EXPECT_FALSE(is_marked(function));
	/* The next one finds the device as good as the first did. */
	ASSERT_TRUE(mark(function));
	EXPECT_EQ(0, __function_reset(function));
	EXPECT_FALSE(is_marked(function));
}

CTS_TEST_F(flr, by_register,
	   .title = "Initiate Function Level Reset resets the function, and the kernel restores it",
	   .requirements = { "REG-010" },
	   .needs = NEEDS)
{
	const struct function *function = &self->bound.function;
	uint32_t control = function_capability(function, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	uint8_t before[PCI_STD_HEADER_SIZEOF], after[PCI_STD_HEADER_SIZEOF];
	uint32_t value = function_config_read(function, control, 2);

	sysfs_config(before, sizeof(before));
	function_config_write(function, control, 2, value | PCI_EXP_DEVCTL_BCR_FLR);
	EXPECT_EQ(value, function_config_read(function, control, 2));
	EXPECT_FALSE(is_marked(function));
	sysfs_config(after, sizeof(after));
	/* The status register tells what has happened since. */
	memset(before + PCI_STATUS, 0, 2);
	memset(after + PCI_STATUS, 0, 2);
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

CTS_TEST_F(flr, by_the_next_bind,
	   .title = "What a user left in the device is gone when the next one binds it",
	   .requirements = { "RESET-001" },
	   .needs = NEEDS)
{
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	EXPECT_FALSE(is_marked(&self->bound.function));
}

CTS_TEST_F(flr, by_the_close,
	   .title = "What a user left in the device is gone when he has closed it",
	   .requirements = { "RESET-001" },
	   .needs = NEEDS)
{
	uint32_t mask = mask_register(&self->bound.function);
	uint8_t now[256];

	sysfs_config(now, sizeof(now));
	ASSERT_EQ(1, now[mask] & 1);
	bound_close_device(&self->bound);
	sysfs_config(now, sizeof(now));
	EXPECT_EQ(0, now[mask] & 1);
}

CTS_MAIN
