// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs by read and write: they end where they end, and are out of reach while the device doesn't
 * decode memory. What is written to a BAR here is what was read there just before.
 */
#include "bar.h"

FIXTURE(bars)
{
	struct bound bound;
	uint32_t bar;	/* one that can be mapped: one of memory */
	uint64_t size;	/* of it */
	uint32_t first; /* its first bytes */
};

FIXTURE_SETUP(bars)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	BAR_OR_SKIP(&self->bound.function, &self->bar);
	self->size = self->bound.function.region[self->bar].size;
	ASSERT_EQ(0, bar_read(&self->bound.function, self->bar, &self->first));
}

FIXTURE_TEARDOWN(bars)
{
	bound_close(&self->bound);
}

CTS_TEST_F(bars, read_across_the_end,
	   .title = "A read beyond the end of a BAR gives the bytes up to there",
	   .requirements = { "REG-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint8_t bytes[16];

	memset(bytes, 0x5a, sizeof(bytes));
	EXPECT_EQ(4, region_read(function, self->bar, self->size - 4, bytes, sizeof(bytes)));
	EXPECT_EQ(0x5a, bytes[4]);
	EXPECT_EQ(0x5a, bytes[15]);
	EXPECT_EQ(-EINVAL, region_read(function, self->bar, self->size, bytes + 4, 4));
	EXPECT_EQ(-EINVAL, region_read(function, self->bar, 2 * self->size, bytes + 4, 4));
	EXPECT_EQ(0x5a, bytes[4]);
}

CTS_TEST_F(bars, write_across_the_end,
	   .title = "A write beyond the end of a BAR ends there and says how much it was",
	   .requirements = { "REG-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint8_t bytes[16] = { 0 };

	EXPECT_EQ(-EINVAL, region_write(function, self->bar, self->size, bytes, 4));
	EXPECT_EQ(-EINVAL, region_write(function, self->bar, 2 * self->size, bytes, 4));
	ASSERT_EQ(4, region_read(function, self->bar, self->size - 4, bytes, 4));
	EXPECT_EQ(4, region_write(function, self->bar, self->size - 4, bytes, sizeof(bytes)));
}

CTS_TEST_F(bars, that_there_isnt,
	   .title = "A read or write of a BAR that there isn't is EINVAL",
	   .requirements = { "REG-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t bar, value = 0x5a5a5a5a, found = 0;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		if (function->region[bar].size)
			continue;
		found++;
		EXPECT_EQ(-EINVAL, region_read(function, bar, 0, &value, sizeof(value)));
		EXPECT_EQ(-EINVAL, region_write(function, bar, 0, &value, sizeof(value)));
		EXPECT_EQ(0x5a5a5a5a, value);
	}
	if (!found)
		CTS_SKIP(DEVICE_LACKS, "the device has all six BARs");
}

CTS_TEST_F(bars, rom_is_read_only,
	   .title = "A write to the ROM is EINVAL, whether there is one or not",
	   .requirements = { "REG-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t before = 0, after = 0;
	ssize_t n = region_read(function, VFIO_PCI_ROM_REGION_INDEX, 0, &before, sizeof(before));

	EXPECT_EQ(-EINVAL,
		  region_write(function, VFIO_PCI_ROM_REGION_INDEX, 0, &before, sizeof(before)));
	EXPECT_EQ(n, region_read(function, VFIO_PCI_ROM_REGION_INDEX, 0, &after, sizeof(after)));
	EXPECT_EQ(before, after);
}

CTS_TEST_F(bars, unreadable_buffer,
	   .title = "A read into or a write from memory that isn't there ends in EFAULT",
	   .requirements = { "REG-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value;

	EXPECT_EQ(-EFAULT, region_read(function, self->bar, 0, inaccessible_page(), 4));
	EXPECT_EQ(-EFAULT, region_write(function, self->bar, 0, inaccessible_page(), 4));
	EXPECT_EQ(0, bar_read(function, self->bar, &value));
	EXPECT_EQ(self->first, value);
}

/* Neither read nor write come to the BAR, and no byte moves. */
#define EXPECT_OUT_OF_REACH()                                                                   \
	do {                                                                                    \
		uint32_t __value = 0x5a5a5a5a;                                                  \
                                                                                                \
		EXPECT_EQ(-EIO, bar_read(&self->bound.function, self->bar, &__value));          \
		EXPECT_EQ(0x5a5a5a5a, __value);                                                 \
		EXPECT_EQ(-EIO, bar_write(&self->bound.function, self->bar, self->first));      \
		EXPECT_EQ(-EIO, region_read(&self->bound.function, self->bar, 0, &__value, 1)); \
	} while (0)

CTS_TEST_F(bars, not_decoded,
	   .title = "While memory decoding is off a read or write of a memory BAR is EIO",
	   .requirements = { "REG-011" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value;
	uint8_t now[8];

	set_decoding(function, false);
	EXPECT_OUT_OF_REACH();
	sysfs_config(now, sizeof(now));
	EXPECT_EQ(0, now[PCI_COMMAND] & PCI_COMMAND_MEMORY);
	set_decoding(function, true);
	EXPECT_EQ(0, bar_read(function, self->bar, &value));
	EXPECT_EQ(self->first, value);
	EXPECT_EQ(0, bar_write(function, self->bar, value));
}

CTS_TEST_F(bars, of_ports,
	   .title = "A BAR of I/O ports is read and written whether memory is decoded or not",
	   .requirements = { "REG-011" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t bar, before, value = 0;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		uint32_t kind = function_config_read(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4);

		if (function->region[bar].size && kind & PCI_BASE_ADDRESS_SPACE_IO)
			break;
	}
	if (bar == FUNCTION_BARS || bar_read(function, bar, &before))
		CTS_SKIP(DEVICE_LACKS, "the device has no BAR of I/O ports that is decoded");
	set_decoding(function, false);
	EXPECT_EQ(0, bar_read(function, bar, &value));
	EXPECT_EQ(before, value);
	EXPECT_EQ(0, bar_write(function, bar, before));
	set_decoding(function, true);
}

CTS_TEST_F(bars, asleep,
	   .title = "In D3hot a read or write of a memory BAR is EIO, until the device is in D0",
	   .requirements = { "REG-011" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value, pm = function_capability(function, PCI_CAP_ID_PM);

	if (!pm)
		CTS_SKIP(DEVICE_LACKS, "the device has no power management");
	set_power(function, pm, 3);
	EXPECT_OUT_OF_REACH();
	set_power(function, pm, 0);
	set_decoding(function, true);
	EXPECT_EQ(0, bar_read(function, self->bar, &value));
	EXPECT_EQ(self->first, value);
}

CTS_MAIN
