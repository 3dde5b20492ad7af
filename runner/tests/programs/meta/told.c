// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends in each way that a test can end by itself, to see that the runner tells them apart.
 */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meta.h"

META_TEST(passes)
{
	EXPECT_EQ(1, 1);
}

META_TEST(fails_an_assertion)
{
	EXPECT_EQ(1, 2);
}

META_TEST(dies_of_a_signal)
{
	raise(SIGSEGV);
}

/* What the harness starts is killed, but not the harness itself. */
META_TEST(loses_its_harness)
{
	kill(getppid(), SIGKILL);
	pause();
}

META_TEST(hangs, .timeout_s = 2)
{
	pause();
}

/* A process of its own session, which nobody waits for. */
META_TEST(leaves_a_process)
{
	if (!fork()) {
		setsid();
		close_range(0, ~0U, 0);
		pause();
	}
}

META_TEST(blames_the_lab)
{
	cts_lab_error("on purpose");
}

META_TEST(writes_a_record_that_is_none)
{
	const char *fd = getenv("CTS_RECORD_FD");

	ASSERT_NE(NULL, fd);
	EXPECT_EQ(6, dprintf(atoi(fd), "{\"a\":\n"));
}

static void print_two_hundred_megabytes(struct __test_metadata *_metadata)
{
	static char line[1 << 16];

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 200 * 16; i++) {
		ASSERT_EQ((ssize_t)sizeof(line), write(STDOUT_FILENO, line, sizeof(line)));
	}
	ASSERT_EQ(1, write(STDOUT_FILENO, "\n", 1));
}

META_TEST(passes_behind_two_hundred_megabytes, .timeout_s = 120)
{
	print_two_hundred_megabytes(_metadata);
}

META_TEST(fails_behind_two_hundred_megabytes, .timeout_s = 120)
{
	print_two_hundred_megabytes(_metadata);
	EXPECT_TRUE(false);
}

META_TEST(characterises, .kind = CTS_CHARACTERISATION)
{
	EXPECT_EQ(1, 1);
}

META_TEST(measures, .kind = CTS_MEASUREMENT)
{
	const uint64_t samples[] = { 3, 1, 2 };

	cts_record_samples("map", "ns", "size", 4096, samples, 3);
}

META_TEST(measures_nothing, .kind = CTS_MEASUREMENT)
{
	EXPECT_EQ(1, 1);
}

META_TEST(passes_at_the_end)
{
	EXPECT_EQ(1, 1);
}

CTS_MAIN
