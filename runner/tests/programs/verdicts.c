// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends in each way that a test can end, to see that the runner tells them apart.
 */
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "test.h"

CTS_TEST(passes, .title = "Passes", .requirements = { "PARK-001" })
{
	EXPECT_EQ(1, 1);
}

CTS_TEST(fails, .title = "Fails", .requirements = { "PARK-001" })
{
	EXPECT_EQ(1, 2);
}

CTS_TEST(skips, .title = "Skips", .requirements = { "PARK-001" })
{
	CTS_SKIP(KERNEL_LACKS, "on purpose");
}

CTS_TEST(blames_the_lab, .title = "Finds a fault of the lab", .requirements = { "PARK-001" })
{
	cts_lab_error("on purpose");
}

CTS_TEST(crashes, .title = "Crashes", .requirements = { "PARK-001" })
{
	raise(SIGSEGV);
}

CTS_TEST(hangs, .title = "Hangs", .requirements = { "PARK-001" }, .timeout_s = 2)
{
	pause();
}

CTS_TEST(loses_the_host, .title = "Loses the host", .requirements = { "PARK-001" })
{
	reboot(RB_POWER_OFF);
	pause();
}

CTS_TEST(passes_on_the_next_boot, .title = "Passes on the next boot", .requirements = { "PARK-001" })
{
	EXPECT_EQ(1, 1);
}

CTS_MAIN
