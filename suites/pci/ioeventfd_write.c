// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_IOEVENTFD: what a signal of the eventfd writes, and when it doesn't. It takes a
 * register that keeps what is written to it, which the driver of the device knows.
 */
#include "bar.h"
#include "dma.h"
#include "irq.h"
#include "measure.h"

/* How long a write may take at most, on a slow virtual host too; nothing is judged by it. */
#define DEADLINE_NS 10000000000ULL

#define ONE 0x3c5aa5c3
#define OTHER 0x12481632
#define UNTOUCHED 0x77001122

FIXTURE(ioeventfd)
{
	struct bound bound;
	struct dma_register at;
	int eventfd;
};

FIXTURE_SETUP(ioeventfd)
{
	CTS_CHECK_NEEDS();
	self->at = dma_idle_register();
	if (!self->at.size)
		CTS_SKIP(DEVICE_LACKS, "no register is known that keeps what is written to it");
	BOUND_OPEN_OR_SKIP(&self->bound);
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(ioeventfd)
{
	bound_close(&self->bound);
}

/* VFIO_DEVICE_IOEVENTFD of @size bytes of @data: @eventfd writes them; -1 takes that away. */
static int ioeventfd(const FIXTURE_DATA(ioeventfd) * self, uint32_t size, uint64_t data,
		     int eventfd)
{
	const struct function *function = &self->bound.function;
	struct vfio_device_ioeventfd args = {
		.argsz = sizeof(args),
		.flags = size, /* VFIO_DEVICE_IOEVENTFD_8 to _64 are 1, 2, 4 and 8 */
		.offset = function->region[self->at.bar].offset + self->at.offset,
		.data = data,
		.fd = eventfd,
	};

	return ask(function->fd, VFIO_DEVICE_IOEVENTFD, &args);
}

/* The register, by the file. */
static uint64_t value(const FIXTURE_DATA(ioeventfd) * self, uint32_t size)
{
	uint64_t bytes = 0;

	cts_require(region_read(&self->bound.function, self->at.bar, self->at.offset, &bytes,
				size) == (ssize_t)size,
		    "read of the register");
	return le64toh(bytes);
}

static void set_value(const FIXTURE_DATA(ioeventfd) * self, uint32_t size, uint64_t data)
{
	uint64_t bytes = htole64(data);

	cts_require(region_write(&self->bound.function, self->at.bar, self->at.offset, &bytes,
				 size) == (ssize_t)size,
		    "write of the register");
	if (value(self, size) != data)
		cts_lab_error("the register doesn't keep what is written to it");
}

static void signal_once(int eventfd)
{
	uint64_t one = 1;

	cts_require(write(eventfd, &one, sizeof(one)) == sizeof(one), "write of an eventfd");
}

/* Does the register come to hold @data? The kernel may leave the write to somebody else. */
static bool becomes(const FIXTURE_DATA(ioeventfd) * self, uint32_t size, uint64_t data)
{
	uint64_t begin = measure_now();

	while (value(self, size) != data) {
		if (measure_now() - begin > DEADLINE_NS)
			return false;
	}
	return true;
}

CTS_TEST_F(ioeventfd, each_signal_writes,
	   .title = "Each signal of the eventfd writes the data to the register, as often as it is signalled",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int round;

	set_value(self, 4, UNTOUCHED);
	ASSERT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	/* Not by being set. */
	EXPECT_EQ(UNTOUCHED, value(self, 4));
	for (round = 0; round < 3; round++) {
		set_value(self, 4, UNTOUCHED);
		signal_once(self->eventfd);
		EXPECT_TRUE(becomes(self, 4, ONE));
	}
	/* Who writes takes the signals. */
	EXPECT_EQ(0, signals(self->eventfd));
}

CTS_TEST_F(ioeventfd, eight_bytes,
	   .title = "A write of 8 bytes writes all of them",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t data = (uint64_t)ONE << 32 | OTHER;

	if (self->at.size < 8)
		CTS_SKIP(DEVICE_LACKS, "the register that is known has 4 bytes");
	set_value(self, 8, (uint64_t)UNTOUCHED << 32 | UNTOUCHED);
	ASSERT_EQ(0, ioeventfd(self, 8, data, self->eventfd));
	signal_once(self->eventfd);
	EXPECT_TRUE(becomes(self, 8, data));
}

CTS_TEST_F(ioeventfd, set_twice,
	   .title = "The same write again is EEXIST, also for another eventfd, and the first works on; another write is another one",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	ASSERT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	EXPECT_EQ(-EEXIST, ioeventfd(self, 4, ONE, self->eventfd));
	EXPECT_EQ(-EEXIST, ioeventfd(self, 4, ONE, other));
	ASSERT_EQ(0, ioeventfd(self, 4, OTHER, other));

	set_value(self, 4, UNTOUCHED);
	signal_once(other);
	EXPECT_TRUE(becomes(self, 4, OTHER));
	signal_once(self->eventfd);
	EXPECT_TRUE(becomes(self, 4, ONE));
}

CTS_TEST_F(ioeventfd, taken_away,
	   .title = "What was taken away writes nothing, and taking away what isn't there is ENODEV",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	EXPECT_EQ(-ENODEV, ioeventfd(self, 4, ONE, -1));
	ASSERT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	ASSERT_EQ(0, ioeventfd(self, 4, OTHER, other));
	EXPECT_EQ(-ENODEV, ioeventfd(self, 4, UNTOUCHED, -1));
	EXPECT_EQ(0, ioeventfd(self, 4, ONE, -1));
	EXPECT_EQ(-ENODEV, ioeventfd(self, 4, ONE, -1));

	set_value(self, 4, UNTOUCHED);
	signal_once(self->eventfd);
	EXPECT_EQ(UNTOUCHED, value(self, 4));
	/* What is still there comes behind it. */
	signal_once(other);
	EXPECT_TRUE(becomes(self, 4, OTHER));
	EXPECT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	signal_once(self->eventfd);
	EXPECT_TRUE(becomes(self, 4, ONE));
}

CTS_TEST_F(ioeventfd, not_decoded,
	   .title = "A signal while memory decoding is off writes nothing, then or later",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;

	ASSERT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	set_value(self, 4, UNTOUCHED);
	set_decoding(function, false);
	signal_once(self->eventfd);
	set_decoding(function, true);
	EXPECT_EQ(UNTOUCHED, value(self, 4));
	signal_once(self->eventfd);
	EXPECT_TRUE(becomes(self, 4, ONE));
}

CTS_TEST_F(ioeventfd, ends_with_the_user,
	   .title = "A signal after the device was closed writes nothing to the next user's",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	ASSERT_EQ(0, ioeventfd(self, 4, ONE, self->eventfd));
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	set_value(self, 4, UNTOUCHED);
	signal_once(self->eventfd);
	EXPECT_EQ(UNTOUCHED, value(self, 4));
	EXPECT_EQ(-ENODEV, ioeventfd(self, 4, ONE, -1));
}

CTS_MAIN
