// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space as bytes: where it ends, and how it is read and written by any width. */
#include <endian.h>
#include <linux/pci_regs.h>

#include "bound.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX

FIXTURE(config)
{
	struct bound bound;
	uint64_t size;
};

FIXTURE_SETUP(config)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	self->size = self->bound.function.region[CONFIG].size;
}

FIXTURE_TEARDOWN(config)
{
	bound_close(&self->bound);
}

CTS_TEST_F(config, read_beyond,
	   .title = "A read that begins or ends behind configuration space is EFAULT",
	   .requirements = { "REG-001" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint8_t bytes[8];

	memset(bytes, 0x5a, sizeof(bytes));
	EXPECT_EQ(-EFAULT, region_read(function, CONFIG, self->size, bytes, 1));
	EXPECT_EQ(-EFAULT, region_read(function, CONFIG, self->size + 4, bytes, 4));
	EXPECT_EQ(-EFAULT, region_read(function, CONFIG, 2 * self->size, bytes, 4));
	EXPECT_EQ(0x5a, bytes[0]);
	EXPECT_EQ(-EFAULT, region_read(function, CONFIG, self->size - 4, bytes, 8));
	EXPECT_EQ(0x5a, bytes[4]);
	EXPECT_EQ(0x5a, bytes[7]);
	EXPECT_EQ(4, region_read(function, CONFIG, self->size - 4, bytes, 4));
}

CTS_TEST_F(config, write_beyond,
	   .title = "A write that begins or ends behind configuration space is EFAULT",
	   .requirements = { "REG-001" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint8_t before[8] = { 0 }, after[4];

	ASSERT_EQ(4, region_read(function, CONFIG, self->size - 4, before, 4));
	EXPECT_EQ(-EFAULT, region_write(function, CONFIG, self->size, before, 1));
	EXPECT_EQ(-EFAULT, region_write(function, CONFIG, self->size + 4, before, 4));
	EXPECT_EQ(-EFAULT, region_write(function, CONFIG, self->size - 4, before, 8));
	ASSERT_EQ(4, region_read(function, CONFIG, self->size - 4, after, 4));
	EXPECT_EQ(0, memcmp(before, after, 4));
}

CTS_TEST_F(config, no_bytes,
	   .title = "A read or write of no bytes returns 0, also behind the end",
	   .requirements = { "REG-001" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	char byte = 0;

	EXPECT_EQ(0, region_read(function, CONFIG, 0, &byte, 0));
	EXPECT_EQ(0, region_write(function, CONFIG, 0, &byte, 0));
	EXPECT_EQ(0, region_read(function, CONFIG, self->size, &byte, 0));
	EXPECT_EQ(0, region_write(function, CONFIG, self->size, &byte, 0));
}

CTS_TEST_F(config, no_region,
	   .title = "A read or write where no region can be ends in EINVAL",
	   .requirements = { "REG-001" },
	   .needs = CTS_NEED_CDEV)
{
	const off_t far = (off_t)(INT64_MAX & ~0xffffLL);
	uint32_t value = 0x5a5a5a5a;

	EXPECT_EQ(-1, pread(self->bound.device, &value, sizeof(value), far));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, pwrite(self->bound.device, &value, sizeof(value), far));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0x5a5a5a5a, value);
}

CTS_TEST_F(config, unreadable_buffer,
	   .title = "A read into or a write from memory that isn't there ends in EFAULT",
	   .requirements = { "REG-001" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t line = function_config_read(function, PCI_INTERRUPT_LINE, 1);

	EXPECT_EQ(-EFAULT, region_read(function, CONFIG, 0, inaccessible_page(), 4));
	EXPECT_EQ(-EFAULT,
		  region_write(function, CONFIG, PCI_INTERRUPT_LINE, inaccessible_page(), 1));
	EXPECT_EQ(line, function_config_read(function, PCI_INTERRUPT_LINE, 1));
}

/* Both halves of configuration space have a part of what is looked at, bytes. */
#define LOOKED_AT 512

static uint64_t looked_at(const struct function *function)
{
	uint64_t size = function->region[CONFIG].size;

	return size < LOOKED_AT ? size : LOOKED_AT;
}

/* Reads what is looked at by @width bytes at a time, from @start on. */
static void read_by(const struct function *function, uint64_t start, size_t width, uint8_t *bytes)
{
	uint64_t size = looked_at(function), offset, left;

	for (offset = start; offset < size; offset += width) {
		left = size - offset < width ? size - offset : width;
		cts_require(region_read(function, CONFIG, offset, bytes + offset, left) ==
				    (ssize_t)left,
			    "read of %zu bytes at %#llx", width, (unsigned long long)offset);
	}
}

CTS_TEST_F(config, widths_agree,
	   .title = "Configuration space reads alike by 1, 2, 4 and more bytes, aligned or not",
	   .requirements = { "REG-006" },
	   .needs = CTS_NEED_CDEV)
{
	static const size_t widths[] = { 1, 2, 3, 4, 7, 8, 64 };
	static uint8_t whole[LOOKED_AT], parts[LOOKED_AT];
	size_t size = looked_at(&self->bound.function), i, start;

	ASSERT_EQ((ssize_t)size, region_read(&self->bound.function, CONFIG, 0, whole, size));
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		for (start = 0; start < 2; start++) {
			memset(parts, 0x5a, sizeof(parts));
			read_by(&self->bound.function, start, widths[i], parts);
			EXPECT_EQ(0, memcmp(whole + start, parts + start, size - start))
			TH_LOG("by %zu from %zu", widths[i], start);
		}
	}
	EXPECT_EQ(sysfs_number("vendor") | sysfs_number("device") << 16,
		  le32toh(*(uint32_t *)(void *)whole));
}

CTS_TEST_F(config, writes_what_it_covers,
	   .title = "A write of any width changes the bytes that it covers and no other",
	   .requirements = { "REG-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t line = PCI_INTERRUPT_LINE, next, msi;
	uint8_t bytes[3] = { 0x11, 0x22, 0x33 };

	/* A byte whose neighbours are read-only. */
	next = function_config_read(function, line + 1, 1);
	function_config_write(function, line, 1, 0xa5);
	EXPECT_EQ(0xa5, function_config_read(function, line, 1));
	function_config_write(function, line, 2, 0x5a | (~next & 0xff) << 8);
	EXPECT_EQ(0x5a | next << 8, function_config_read(function, line, 2));
	function_config_write(function, line, 4, 0xffffffa5);
	EXPECT_EQ(0xa5 | next << 8, function_config_read(function, line, 2));

	msi = function_capability(function, PCI_CAP_ID_MSI);
	if (!msi)
		return;
	/* Four bytes that are all the user's. */
	msi += PCI_MSI_ADDRESS_LO;
	function_config_write(function, msi, 4, 0xaabbccdc);
	function_config_write(function, msi + 1, 1, 0x11);
	EXPECT_EQ(0xaabb11dc, function_config_read(function, msi, 4));
	function_config_write(function, msi + 2, 2, 0x4433);
	EXPECT_EQ(0x443311dc, function_config_read(function, msi, 4));
	ASSERT_EQ(3, region_write(function, CONFIG, msi + 1, bytes, 3));
	EXPECT_EQ(0x332211dc, function_config_read(function, msi, 4));
}

CTS_MAIN
