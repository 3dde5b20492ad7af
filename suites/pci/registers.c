// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of configuration space that are the kernel's: what a user writes there stays in vfio,
 * or is dropped. What the device itself holds is read through sysfs, which vfio has no part in.
 */
#include <endian.h>

#include "bar.h"

FIXTURE(registers)
{
	struct bound bound;
	uint8_t before[256]; /* what the device held at the beginning */
};

FIXTURE_SETUP(registers)
{
	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	sysfs_config(self->before, sizeof(self->before));
}

FIXTURE_TEARDOWN(registers)
{
	bound_close(&self->bound);
}

/* Does the device hold in the @size bytes at @offset what it held before? */
static bool untouched(const uint8_t *before, uint32_t offset, size_t size)
{
	uint8_t now[256];

	sysfs_config(now, sizeof(now));
	return !memcmp(before + offset, now + offset, size);
}

/* BAR @bar as the user reads it. */
static uint32_t read_bar(const struct function *function, uint32_t bar)
{
	return function_config_read(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
}

static void write_bar(const struct function *function, uint32_t bar, uint32_t value)
{
	function_config_write(function, PCI_BASE_ADDRESS_0 + 4 * bar, 4, value);
}

/* The bits of a BAR that say what it is. */
static uint32_t kind_bits(uint32_t value)
{
	return value & PCI_BASE_ADDRESS_SPACE_IO ? 0x3 : 0xf;
}

/* BAR @bar as the device has it; 0 of a virtual function. */
static uint32_t held_bar(const uint8_t *before, uint32_t bar)
{
	uint32_t value;

	memcpy(&value, before + PCI_BASE_ADDRESS_0 + (size_t)4 * bar, sizeof(value));
	return le32toh(value);
}

#define EXPECT_BARS_UNTOUCHED() EXPECT_TRUE(untouched(self->before, PCI_BASE_ADDRESS_0, 24))

CTS_TEST_F(registers, bars_are_sized,
	   .title = "A BAR that the user fills with ones reads as its size says, and is of the kind that the device has",
	   .requirements = { "REG-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t bar, kind, before, held;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		uint64_t size = function->region[bar].size, place = ~(size - 1);

		if (!size)
			continue;
		before = read_bar(function, bar);
		kind = before & kind_bits(before);
		held = held_bar(self->before, bar);
		if (held) {
			EXPECT_EQ(held & kind_bits(held), kind) TH_LOG("BAR %u", bar);
		}
		write_bar(function, bar, UINT32_MAX);
		EXPECT_EQ((uint32_t)place | kind, read_bar(function, bar))
		TH_LOG("BAR %u", bar);
		write_bar(function, bar, 0);
		EXPECT_EQ(kind, read_bar(function, bar));
		write_bar(function, bar, before);
		EXPECT_EQ(before, read_bar(function, bar));
		if (kind & PCI_BASE_ADDRESS_MEM_TYPE_64 && !(kind & PCI_BASE_ADDRESS_SPACE_IO)) {
			write_bar(function, bar + 1, UINT32_MAX);
			EXPECT_EQ((uint32_t)(place >> 32), read_bar(function, bar + 1));
		}
	}
	EXPECT_BARS_UNTOUCHED();
}

CTS_TEST_F(registers, bars_are_the_users,
	   .title = "What the user writes to a BAR he reads there, but for the bits of its size",
	   .requirements = { "REG-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	static const uint32_t written[] = { 0xc0000000, 0xfedcba98, 0x80000000, 0x12345678 };
	uint32_t bar, before, kind;
	size_t i;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		uint64_t size = function->region[bar].size, place = ~(size - 1);

		if (!size)
			continue;
		before = read_bar(function, bar);
		kind = before & kind_bits(before);
		for (i = 0; i < ARRAY_SIZE(written); i++) {
			write_bar(function, bar, written[i]);
			EXPECT_EQ((written[i] & (uint32_t)place) | kind, read_bar(function, bar))
			TH_LOG("BAR %u, %#x", bar, written[i]);
		}
	}
	EXPECT_BARS_UNTOUCHED();
}

CTS_TEST_F(registers, bars_stay_where_they_are,
	   .title = "A device whose BARs the user has moved answers where the host put them",
	   .requirements = { "REG-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct function *function = &self->bound.function;
	const volatile void *memory;
	uint32_t bar, i, value, now;

	BAR_OR_SKIP(function, &bar);
	memory = function_map_bar(function, bar);
	ASSERT_EQ(0, bar_read(function, bar, &value));
	for (i = 0; i < FUNCTION_BARS; i++) {
		write_bar(function, i, 0xe0000000);
	}
	/* Decoding is switched off and on, as who moves a BAR does. */
	set_decoding(function, false);
	set_decoding(function, true);
	EXPECT_BARS_UNTOUCHED();
	EXPECT_EQ(0, bar_read(function, bar, &now));
	EXPECT_EQ(value, now);
	EXPECT_EQ(0, mapping_read(memory, &now));
	EXPECT_EQ(value, now);
}

CTS_TEST_F(registers, identity_stays,
	   .title = "Writes to ids, class, header type and the like change nothing",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	static const struct {
		uint32_t offset;
		size_t size;
	} fixed[] = {
		{ PCI_VENDOR_ID, 2 },	 { PCI_DEVICE_ID, 2 },	     { PCI_REVISION_ID, 1 },
		{ PCI_CLASS_PROG, 1 },	 { PCI_CLASS_DEVICE, 2 },    { PCI_HEADER_TYPE, 1 },
		{ PCI_SUBSYSTEM_ID, 2 }, { PCI_CAPABILITY_LIST, 1 }, { PCI_INTERRUPT_PIN, 1 },
	};
	const struct function *function = &self->bound.function;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fixed); i++) {
		uint32_t value = function_config_read(function, fixed[i].offset, fixed[i].size);

		function_config_write(function, fixed[i].offset, fixed[i].size, ~value);
		EXPECT_EQ(value, function_config_read(function, fixed[i].offset, fixed[i].size))
		TH_LOG("at %#x", fixed[i].offset);
		EXPECT_TRUE(untouched(self->before, fixed[i].offset, fixed[i].size));
	}
}

CTS_TEST_F(registers, capabilities_stay,
	   .title = "Writes to the headers of capabilities change nothing",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t offset, header, links = 0;

	if (!(function_config_read(function, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		CTS_SKIP(DEVICE_LACKS, "the device has no capabilities");
	offset = function_config_read(function, PCI_CAPABILITY_LIST, 1) & ~3U;
	for (; offset && links < 48; links++) {
		header = function_config_read(function, offset, 2);
		function_config_write(function, offset, 1, ~header);
		function_config_write(function, offset + 1, 1, ~header >> 8);
		function_config_write(function, offset, 2, ~header);
		EXPECT_EQ(header, function_config_read(function, offset, 2))
		TH_LOG("at %#x", offset);
		EXPECT_TRUE(untouched(self->before, offset, 2));
		offset = header >> 8 & ~3U;
	}
	EXPECT_LT(0, links);
}

CTS_TEST_F(registers, msi_is_set_up_by_request,
	   .title = "What the user writes to the MSI capability doesn't reach the device",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t msi = function_capability(function, PCI_CAP_ID_MSI), flags;
	int eventfd;

	if (!msi)
		CTS_SKIP(DEVICE_LACKS, "the device has no MSI");
	flags = function_config_read(function, msi + PCI_MSI_FLAGS, 2);
	function_config_write(function, msi + PCI_MSI_ADDRESS_LO, 4, 0xfeedfacc);
	function_config_write(function, msi + PCI_MSI_FLAGS, 2, flags | PCI_MSI_FLAGS_ENABLE);
	EXPECT_EQ(0xfeedfacc, function_config_read(function, msi + PCI_MSI_ADDRESS_LO, 4));
	EXPECT_TRUE(untouched(self->before, msi, 8));

	/* Nor does it change what is set up. */
	function_irq_enable(function, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &eventfd);
	sysfs_config(self->before, sizeof(self->before));
	EXPECT_TRUE(self->before[msi + PCI_MSI_FLAGS] & PCI_MSI_FLAGS_ENABLE);
	function_config_write(function, msi + PCI_MSI_ADDRESS_LO, 4, 0xdeadbee0);
	if (flags & PCI_MSI_FLAGS_64BIT) {
		function_config_write(function, msi + PCI_MSI_ADDRESS_HI, 4, 0xfeedface);
		function_config_write(function, msi + PCI_MSI_DATA_64, 2, 0xbeef);
	} else {
		function_config_write(function, msi + PCI_MSI_DATA_32, 2, 0xbeef);
	}
	EXPECT_EQ(0xdeadbee0, function_config_read(function, msi + PCI_MSI_ADDRESS_LO, 4));
	EXPECT_TRUE(untouched(self->before, msi, flags & PCI_MSI_FLAGS_64BIT ? 14 : 10));
	function_irq_disable(function, VFIO_PCI_MSI_IRQ_INDEX);
	cts_close(&eventfd);
}

CTS_TEST_F(registers, msix_is_set_up_by_request,
	   .title = "The user can't switch MSI-X on, nor mask it, by its capability",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t msix = function_capability(function, PCI_CAP_ID_MSIX), flags, table;
	int eventfd;

	if (!msix)
		CTS_SKIP(DEVICE_LACKS, "the device has no MSI-X");
	flags = function_config_read(function, msix + PCI_MSIX_FLAGS, 2);
	table = function_config_read(function, msix + PCI_MSIX_TABLE, 4);
	function_config_write(function, msix + PCI_MSIX_FLAGS, 2,
			      flags | PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	function_config_write(function, msix + PCI_MSIX_TABLE, 4, ~table);
	EXPECT_EQ(flags, function_config_read(function, msix + PCI_MSIX_FLAGS, 2));
	EXPECT_EQ(table, function_config_read(function, msix + PCI_MSIX_TABLE, 4));
	EXPECT_TRUE(untouched(self->before, msix, 12));

	/* Nor off, when it is on. */
	function_irq_enable(function, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &eventfd);
	sysfs_config(self->before, sizeof(self->before));
	function_config_write(function, msix + PCI_MSIX_FLAGS, 2, 0);
	EXPECT_TRUE(untouched(self->before, msix, 12));
	function_irq_disable(function, VFIO_PCI_MSIX_IRQ_INDEX);
	cts_close(&eventfd);
}

CTS_MAIN
