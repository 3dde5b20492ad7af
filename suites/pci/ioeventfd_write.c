// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writes to a BAR that an eventfd does, seen in a register that keeps what is written to it and
 * does nothing by it alone. What is refused is in ioeventfd.c.
 */
#include "bar.h"
#include "ioeventfd.h"
#include "irq.h"
#include "measure.h"

/* How long a write may take at most, ns; nothing is judged by it. */
#define WRITE_NS (PATIENCE_MS * 1000000ULL)

/* Registers that we know, in BAR 0. */
static const struct keeper {
	uint32_t vendor, device;
	uint32_t offset;
	uint32_t bits; /* that it keeps */
} keepers[] = {
	{ 0x8086, 0x10c9, 0x5200,
	  0xffffffff },			      /* Intel 82576, its first word of multicast hashes */
	{ 0x1b36, 0x0010, 0x24, 0x0fff0fff }, /* QEMU's NVMe, the sizes of its admin queues */
};

FIXTURE(ioeventfd_write)
{
	struct bound bound;
	const struct keeper *keeper;
	int eventfd;
};

/* What the register holds. */
static uint32_t kept(FIXTURE_DATA(ioeventfd_write) * self)
{
	uint32_t value = 0;

	cts_require(region_read(&self->bound.function, 0, self->keeper->offset, &value, 4) == 4,
		    "read of the register");
	return value;
}

FIXTURE_SETUP(ioeventfd_write)
{
	const struct keeper *keeper;
	uint32_t value;

	CTS_CHECK_NEEDS();
	for (keeper = keepers; keeper < keepers + ARRAY_SIZE(keepers); keeper++) {
		if (sysfs_number("vendor") == keeper->vendor &&
		    sysfs_number("device") == keeper->device)
			break;
	}
	if (keeper == keepers + ARRAY_SIZE(keepers))
		CTS_SKIP(DEVICE_LACKS, "no register is known that keeps what is written to it");
	self->keeper = keeper;
	BOUND_OPEN_OR_SKIP(&self->bound);
	set_decoding(&self->bound.function, true);
	value = 0x5a5a5a5a & keeper->bits;
	ASSERT_EQ(4, region_write(&self->bound.function, 0, keeper->offset, &value, 4));
	ASSERT_EQ(value, kept(self));
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(ioeventfd_write)
{
	bound_close(&self->bound);
}

static int set(FIXTURE_DATA(ioeventfd_write) * self, uint32_t data, int fd)
{
	return ioeventfd(&self->bound.function, VFIO_DEVICE_IOEVENTFD_32, 0, self->keeper->offset,
			 data & self->keeper->bits, fd);
}

static void raise_event(int fd)
{
	const uint64_t once = 1;

	cts_lab_require(write(fd, &once, sizeof(once)) == sizeof(once), "write to an eventfd");
}

/* Does the register come to hold @data? */
static bool comes_to_hold(FIXTURE_DATA(ioeventfd_write) * self, uint32_t data)
{
	const uint64_t begin = measure_now();

	do {
		if (kept(self) == (data & self->keeper->bits))
			return true;
	} while (measure_now() - begin < WRITE_NS);
	return false;
}

/*
 * What was raised before has been dealt with when this returns: both eventfds are served in the
 * order of their signals, by the one who signals or by one queue.
 */
#define EXPECT_OTHER_WRITES(fd, data)                   \
	do {                                            \
		raise_event(fd);                        \
		EXPECT_TRUE(comes_to_hold(self, data)); \
	} while (0)

CTS_TEST_F(ioeventfd_write, each_signal_writes,
	   .title = "Each signal of the eventfd writes its data, and nobody reads the signal",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd(), i;

	ASSERT_EQ(0, set(self, 0x12345678, self->eventfd));
	ASSERT_EQ(0, set(self, 0x00a10b2c, other));
	EXPECT_EQ(0x5a5a5a5a & self->keeper->bits, kept(self));
	for (i = 0; i < 3; i++) {
		raise_event(self->eventfd);
		EXPECT_TRUE(comes_to_hold(self, 0x12345678));
		EXPECT_EQ(0, signals(self->eventfd));
		raise_event(other);
		EXPECT_TRUE(comes_to_hold(self, 0x00a10b2c));
	}
}

CTS_TEST_F(ioeventfd_write, signalled_before,
	   .title = "An eventfd that was signalled before it was set writes at once",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	raise_event(self->eventfd);
	ASSERT_EQ(0, set(self, 0x12345678, self->eventfd));
	EXPECT_TRUE(comes_to_hold(self, 0x12345678));
}

CTS_TEST_F(ioeventfd_write, not_decoded,
	   .title = "While memory decoding is off a signal writes nothing, then and later",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	ASSERT_EQ(0, set(self, 0x12345678, self->eventfd));
	ASSERT_EQ(0, set(self, 0x00a10b2c, other));
	set_decoding(&self->bound.function, false);
	raise_event(self->eventfd);
	set_decoding(&self->bound.function, true);
	EXPECT_EQ(0x5a5a5a5a & self->keeper->bits, kept(self));
	EXPECT_OTHER_WRITES(other, 0x00a10b2c);
	EXPECT_OTHER_WRITES(self->eventfd, 0x12345678);
}

CTS_TEST_F(ioeventfd_write, set_once,
	   .title = "The same write is set once, with EEXIST, and taken away once, with ENODEV",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	ASSERT_EQ(0, set(self, 0x12345678, self->eventfd));
	EXPECT_EQ(-EEXIST, set(self, 0x12345678, self->eventfd));
	EXPECT_EQ(-EEXIST, set(self, 0x12345678, other));
	/* Other data is another write. */
	EXPECT_EQ(-ENODEV, set(self, 0x00a10b2c, -1));
	ASSERT_EQ(0, set(self, 0x00a10b2c, other));
	EXPECT_EQ(0, set(self, 0x12345678, -1));
	EXPECT_EQ(-ENODEV, set(self, 0x12345678, -1));
	raise_event(self->eventfd);
	EXPECT_EQ(0x5a5a5a5a & self->keeper->bits, kept(self));
	/* Nobody takes the signal any more. */
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_OTHER_WRITES(other, 0x00a10b2c);
}

CTS_TEST_F(ioeventfd_write, of_the_last_user,
	   .title = "An eventfd of the last user's writes nothing for the next one",
	   .requirements = { "IRQ-017" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t value;

	ASSERT_EQ(0, set(self, 0x12345678, self->eventfd));
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	set_decoding(&self->bound.function, true);
	value = kept(self);
	raise_event(self->eventfd);
	EXPECT_EQ(value, kept(self));
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_EQ(-ENODEV, set(self, 0x12345678, -1));
}

CTS_MAIN
