// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaks the kernel in each way that it can be broken, by LKDTM (drivers/misc/lkdtm). What the
 * lab's kernel is built without (KASAN, lockdep) is written to its log as it would be.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meta.h"

#define KMSG "/dev/kmsg"

static void provoke(struct __test_metadata *_metadata, const char *crash)
{
	ASSERT_EQ(0, meta_write("/sys/kernel/debug/provoke-crash/DIRECT", crash));
}

META_TEST(warns)
{
	provoke(_metadata, "WARNING");
}

META_PASSES(passes_after_a_warning)

META_TEST(bugs)
{
	provoke(_metadata, "BUG");
}

META_PASSES(passes_after_a_bug)

META_TEST(oopses)
{
	provoke(_metadata, "EXCEPTION");
}

META_PASSES(passes_after_an_oops)

META_TEST(panics)
{
	provoke(_metadata, "PANIC");
}

META_PASSES(passes_after_a_panic)

META_TEST(taints)
{
	EXPECT_EQ(0, meta_write("/proc/sys/kernel/tainted", "1024"));
}

META_PASSES(passes_after_a_taint)

META_TEST(taints_as_it_says, .taints = 1 << 10)
{
	EXPECT_EQ(0, meta_write("/proc/sys/kernel/tainted", "1024"));
}

META_TEST(stalls_in_the_kernel, .timeout_s = 4)
{
	ASSERT_EQ(0, meta_write("/proc/sys/kernel/watchdog_thresh", "1"));
	provoke(_metadata, "SOFTLOCKUP");
}

META_PASSES(passes_after_a_stall)

META_TEST(blocks_in_the_kernel, .timeout_s = 4)
{
	ASSERT_EQ(0, meta_write("/proc/sys/kernel/hung_task_timeout_secs", "1"));
	provoke(_metadata, "HUNG_TASK");
}

META_PASSES(passes_after_a_block)

/* One processor is held with its interrupts off; the others go on. */
META_TEST(holds_a_processor, .timeout_s = 2)
{
	provoke(_metadata, "HARDLOCKUP");
}

META_PASSES(passes_after_a_processor_was_held)

META_TEST(holds_all_processors, .timeout_s = 2)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	for (long i = 0; i < count; i++) {
		cpu_set_t one;

		if (fork())
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		if (!sched_setaffinity(0, sizeof(one), &one))
			provoke(_metadata, "HARDLOCKUP");
		_exit(1);
	}
	pause();
}

META_PASSES(passes_after_all_were_held)

META_TEST(shows_kasan)
{
	EXPECT_EQ(0, meta_write(KMSG,
				"<3>BUG: KASAN: slab-use-after-free in vfio_df_ioctl+0x1/0x2\n"));
}

META_PASSES(passes_after_kasan)

META_TEST(shows_lockdep)
{
	EXPECT_EQ(0,
		  meta_write(KMSG, "<4>WARNING: possible circular locking dependency detected\n"));
}

META_PASSES(passes_after_lockdep)

META_TEST(turns_lockdep_off)
{
	EXPECT_EQ(0, meta_write(KMSG, "<4>INFO: lockdep is turned off.\n"));
}

META_PASSES(passes_with_lockdep_on_again)

CTS_MAIN
