// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to the stream itself: garbage, and frames that lie.
 */
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "cts_exec.h"
#include "meta.h"

#define ID "meta/stream/"

static void put(struct __test_metadata *_metadata, int fd, const char *bytes, size_t length)
{
	while (length) {
		struct pollfd port = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		ASSERT_LE(0, poll(&port, 1, -1));
		n = write(fd, bytes, length);
		if (n < 0 && errno == EAGAIN)
			continue;
		ASSERT_LT(0, n);
		bytes += n;
		length -= (size_t)n;
	}
}

/* Writes a frame as cts-exec would, which is @ahead of the next that it sends. */
static void forge(struct __test_metadata *_metadata, unsigned long ahead, const char *json)
{
	char text[4096];
	int n = cts_frame(text, sizeof(text), cts_exec_next_frame() + ahead, json);

	ASSERT_LT(0, n);
	put(_metadata, cts_exec_port(), text, (size_t)n);
}

static void forge_pass(struct __test_metadata *_metadata, const char *name)
{
	char output[256], end[256];

	snprintf(output, sizeof(output),
		 "{\"ev\":\"output\",\"id\":\"" ID
		 "%s\",\"fd\":\"stdout\",\"text\":\"ok 1 global.%s\\n\"}",
		 name, name);
	snprintf(end, sizeof(end),
		 "{\"ev\":\"test_end\",\"id\":\"" ID
		 "%s\",\"outcome\":\"exited\",\"code\":0,\"duration_ns\":1,"
		 "\"taint_before\":0,\"taint_after\":0,\"kmsg\":\"read\",\"left\":0}",
		 name);
	forge(_metadata, 0, output);
	forge(_metadata, 1, end);
}

META_TEST(writes_garbage)
{
	static char garbage[200000];
	int port = cts_exec_port();

	srand(20210921);
	for (size_t i = 0; i < sizeof(garbage); i++) {
		garbage[i] = (char)rand();
	}
	put(_metadata, port, garbage, sizeof(garbage));
	memset(garbage, 0, sizeof(garbage));
	put(_metadata, port, garbage, sizeof(garbage));
	put(_metadata, port, "\n@cts 7 0000", 12);
}

META_PASSES(passes_after_garbage)

META_TEST(floods_the_stream, .timeout_s = 60)
{
	static char lines[1 << 15];
	const time_t end = time(NULL) + 3;
	int port = cts_exec_port();

	for (size_t i = 0; i < sizeof(lines); i++) {
		lines[i] = i % 4 == 3 ? '\n' : 'x';
	}
	while (time(NULL) < end) {
		put(_metadata, port, lines, sizeof(lines));
	}
}

META_PASSES(passes_after_a_flood)

META_TEST(forges_its_end)
{
	forge_pass(_metadata, "forges_its_end");
	EXPECT_EQ(1, 2);
}

META_PASSES(passes_after_a_forged_end)

META_TEST(forges_its_end_and_kills_the_witness)
{
	forge_pass(_metadata, "forges_its_end_and_kills_the_witness");
	kill(cts_exec_pid(), SIGKILL);
	pause();
}

META_PASSES(passes_after_the_witness_died)

META_TEST(forges_a_result_of_another)
{
	forge(_metadata, 0,
	      "{\"ev\":\"test_start\",\"id\":\"" ID
	      "passes_after_another_forgery\",\"pid\":1,\"taint\":0,\"monotonic_ns\":1}");
	forge(_metadata, 1,
	      "{\"ev\":\"test_end\",\"id\":\"" ID
	      "passes_after_another_forgery\",\"outcome\":\"timeout\"}");
}

META_PASSES(passes_after_another_forgery)

META_TEST(forges_frames_of_the_future)
{
	forge_pass(_metadata, "forges_frames_of_the_future");
	forge(_metadata, 1000, "{\"ev\":\"hello\"}");
}

META_PASSES(passes_after_the_future)

META_TEST(forges_a_hello)
{
	char text[4096];
	int n = cts_frame(text, sizeof(text), 0, "{\"ev\":\"hello\",\"protocol\":1,\"uname\":{}}");

	put(_metadata, cts_exec_port(), text, (size_t)n);
}

META_PASSES(passes_after_a_forged_hello)

META_TEST(forges_a_frame_of_no_shape)
{
	forge(_metadata, 0,
	      "{\"ev\":\"kmsg\",\"id\":\"" ID "forges_a_frame_of_no_shape\",\"lines\":7}");
}

META_PASSES(passes_after_no_shape)

CTS_MAIN
