// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the target away from the runner in each way that root can, or floods it.
 */
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "cts_exec.h"
#include "meta.h"

META_TEST(powers_off)
{
	reboot(RB_POWER_OFF);
	pause();
}

META_PASSES(passes_after_power_off)

META_TEST(reboots)
{
	reboot(RB_AUTOBOOT);
	pause();
}

META_PASSES(passes_after_a_reboot)

META_TEST(kills_cts_exec)
{
	kill(cts_exec_pid(), SIGKILL);
	pause();
}

META_PASSES(passes_after_a_kill)

META_TEST(stops_cts_exec, .timeout_s = 1)
{
	kill(cts_exec_pid(), SIGSTOP);
	pause();
}

META_PASSES(passes_after_a_stop)

/* The test of the runner kills QEMU while this waits. */
META_TEST(waits_for_the_emulator_to_die)
{
	pause();
}

META_PASSES(passes_after_the_emulator_died)

META_TEST(floods_the_console, .timeout_s = 120)
{
	static char line[1000];
	int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int console = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	ASSERT_LE(0, kmsg);
	ASSERT_LE(0, console);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 1500; i++) {
		ASSERT_EQ((ssize_t)sizeof(line), write(kmsg, line, sizeof(line)));
		ASSERT_EQ((ssize_t)sizeof(line), write(console, line, sizeof(line)));
	}
}

META_PASSES(passes_after_a_flood)

CTS_MAIN
