// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers behind the header, and of the ROM, that the kernel keeps for itself or for the whole
 * machine: what a user writes there stays in vfio, or is dropped. What the device itself holds is
 * read through sysfs, which vfio has no part in.
 */
#include <endian.h>
#include <linux/pci_regs.h>

#include "bound.h"

#define CONFIG_SIZE 4096

FIXTURE(kept)
{
	struct bound bound;
	uint8_t before[CONFIG_SIZE]; /* what the device held at the beginning */
	uint8_t now[CONFIG_SIZE];
	size_t size; /* of configuration space, bytes */
};

FIXTURE_SETUP(kept)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	self->size = self->bound.function.region[VFIO_PCI_CONFIG_REGION_INDEX].size;
	ASSERT_GE(CONFIG_SIZE, self->size);
	sysfs_config(self->before, self->size);
}

FIXTURE_TEARDOWN(kept)
{
	bound_close(&self->bound);
}

/* The device holds in the @count bytes at @offset what it held before. */
#define EXPECT_HELD(offset, count)                                                           \
	do {                                                                                 \
		uint32_t __at = (offset);                                                    \
                                                                                             \
		sysfs_config(self->now, self->size);                                         \
		EXPECT_EQ(0, memcmp(self->before + __at, self->now + __at, (size_t)(count))) \
		TH_LOG("at %#x", __at);                                                      \
	} while (0)

CTS_TEST_F(kept, extended_capabilities,
	   .title = "Writes to the registers of extended capabilities that the kernel uses are dropped",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	/*
	 * Of each what does nothing by itself: how many VFs there are to be, the page size and the
	 * rights of what is switched off, a quota.
	 */
	static const struct {
		uint16_t id;
		uint32_t offset;
		uint32_t bits; /* of two bytes */
	} kept[] = {
		{ PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_NUM_VF, 1 },
		{ PCI_EXT_CAP_ID_ATS, PCI_ATS_CTRL, 1 },
		{ PCI_EXT_CAP_ID_PASID, PCI_PASID_CTRL, PCI_PASID_CTRL_EXEC },
		{ PCI_EXT_CAP_ID_PRI, PCI_PRI_ALLOC_REQ, 1 },
	};
	const struct function *function = &self->bound.function;
	uint32_t place, value, found = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		place = (uint32_t)sysfs_extended_capability(kept[i].id);
		if (!place)
			continue;
		found++;
		place += kept[i].offset;
		value = function_config_read(function, place, 2);
		function_config_write(function, place, 2, value ^ kept[i].bits);
		EXPECT_HELD(place, 2);
		EXPECT_EQ(value, function_config_read(function, place, 2))
		TH_LOG("capability %#x", kept[i].id);
	}
	if (!found)
		CTS_SKIP(DEVICE_LACKS,
			 "the device has none of the capabilities that are looked at");
}

CTS_TEST_F(kept, payload_size,
	   .title = "The payload size that the user sets he reads, and the device keeps the host's",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t express = function_capability(function, PCI_CAP_ID_EXP), control, value, other;

	if (!express)
		CTS_SKIP(DEVICE_LACKS, "the device has no capability of PCI Express");
	control = express + PCI_EXP_DEVCTL;
	value = function_config_read(function, control, 2);
	other = value & ~(uint32_t)PCI_EXP_DEVCTL_PAYLOAD;
	if (other == value)
		other |= PCI_EXP_DEVCTL_PAYLOAD_256B;
	function_config_write(function, control, 2, other);
	EXPECT_EQ(other, function_config_read(function, control, 2));
	EXPECT_HELD(control, 2);
	/* Phantom functions take other functions' requester ids. */
	function_config_write(function, control, 2, value ^ PCI_EXP_DEVCTL_PHANTOM);
	EXPECT_EQ(value, function_config_read(function, control, 2));
	EXPECT_HELD(control, 2);
}

CTS_TEST_F(kept, power_management_events,
	   .title = "A user has no power management events: neither told nor to be switched on",
	   .requirements = { "REG-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t pm = function_capability(function, PCI_CAP_ID_PM), control;

	if (!pm)
		CTS_SKIP(DEVICE_LACKS, "the device has no power management");
	EXPECT_EQ(0, function_config_read(function, pm + PCI_PM_PMC, 2) & PCI_PM_CAP_PME_MASK);
	control = function_config_read(function, pm + PCI_PM_CTRL, 2);
	EXPECT_EQ(0, control & (PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS));
	function_config_write(function, pm + PCI_PM_CTRL, 2, control | PCI_PM_CTRL_PME_ENABLE);
	EXPECT_EQ(control, function_config_read(function, pm + PCI_PM_CTRL, 2));
	EXPECT_HELD(pm + PCI_PM_CTRL, 2);
}

CTS_TEST_F(kept, rom_address,
	   .title = "A ROM that the user has moved stays where it is, and reads as its size says",
	   .requirements = { "REG-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint64_t size = function->region[VFIO_PCI_ROM_REGION_INDEX].size, place = ~(size - 1);
	uint32_t before = function_config_read(function, PCI_ROM_ADDRESS, 4), value;

	/* Without the bit that has it decoded. */
	function_config_write(function, PCI_ROM_ADDRESS, 4, (uint32_t)PCI_ROM_ADDRESS_MASK);
	EXPECT_HELD(PCI_ROM_ADDRESS, 4);
	value = function_config_read(function, PCI_ROM_ADDRESS, 4);
	function_config_write(function, PCI_ROM_ADDRESS, 4, before);
	EXPECT_EQ(before, function_config_read(function, PCI_ROM_ADDRESS, 4));
	EXPECT_HELD(PCI_ROM_ADDRESS, 4);
	/* Of a ROM whose content is none no size is told. */
	if (size) {
		EXPECT_EQ((uint32_t)place, value);
	}
}

CTS_MAIN
