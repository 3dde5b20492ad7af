// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of MSI-X lies in a BAR, and what is written there decides where interrupts go. By the
 * file it is out of reach. Mapped with the rest of its BAR it can be seen: where interrupts are
 * isolated a user can do no harm there.
 */
#include <stdlib.h>

#include "bar.h"

#define ENTRY 16 /* bytes */

FIXTURE(table)
{
	struct bound bound;
	uint32_t bar;
	uint32_t offset, size; /* of the table in the BAR, bytes */
	const volatile uint8_t *memory;
	uint8_t *bytes, *before; /* room for the table and an entry more on both sides */
};

FIXTURE_SETUP(table)
{
	const struct function *function;
	uint32_t msix, word;

	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	function = &self->bound.function;
	msix = function_capability(function, PCI_CAP_ID_MSIX);
	if (!msix)
		CTS_SKIP(DEVICE_LACKS, "the device has no MSI-X");
	word = function_config_read(function, msix + PCI_MSIX_TABLE, 4);
	self->bar = word & PCI_MSIX_TABLE_BIR;
	self->offset = word & PCI_MSIX_TABLE_OFFSET;
	word = function_config_read(function, msix + PCI_MSIX_FLAGS, 2);
	self->size = ((word & PCI_MSIX_FLAGS_QSIZE) + 1) * ENTRY;
	self->bytes = calloc(2, self->size + 2 * ENTRY);
	cts_lab_require(self->bytes, "memory for %u bytes", self->size);
	self->before = self->bytes + self->size + 2 * ENTRY;
	if (function->region[self->bar].flags & VFIO_REGION_INFO_FLAG_MMAP)
		self->memory = function_map_bar(&self->bound.function, self->bar);
}

FIXTURE_TEARDOWN(table)
{
	bound_close(&self->bound);
	free(self->bytes);
}

/* Copies @size bytes, a multiple of 4, through the mapping. */
static void look(FIXTURE_DATA(table) * self, uint32_t offset, uint8_t *bytes, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size; i += sizeof(uint32_t)) {
		uint32_t word = *(const volatile uint32_t *)(self->memory + offset + i);

		memcpy(bytes + i, &word, sizeof(word));
	}
}

static bool ones(const uint8_t *bytes, uint32_t size)
{
	while (size--) {
		if (*bytes++ != 0xff)
			return false;
	}
	return true;
}

CTS_TEST_F(table, reads_as_ones,
	   .title = "A read of the table of MSI-X gives ones, whole and in parts",
	   .requirements = { "REG-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t part;

	memset(self->bytes, 0, self->size);
	EXPECT_EQ((ssize_t)self->size,
		  region_read(function, self->bar, self->offset, self->bytes, self->size));
	EXPECT_TRUE(ones(self->bytes, self->size));
	for (part = 1; part <= 8; part *= 2) {
		memset(self->bytes, 0, ENTRY);
		EXPECT_EQ(part, region_read(function, self->bar, self->offset, self->bytes, part));
		EXPECT_TRUE(ones(self->bytes, part));
		EXPECT_EQ(part, region_read(function, self->bar, self->offset + self->size - part,
					    self->bytes, part));
		EXPECT_TRUE(ones(self->bytes, part));
	}
}

CTS_TEST_F(table, neighbours_are_read,
	   .title = "A read across the edge of the table gives what lies beside it",
	   .requirements = { "REG-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t end = self->offset + self->size;

	if (!self->memory)
		CTS_SKIP(DEVICE_LACKS, "the BAR with the table can't be mapped");
	if (end + ENTRY <= function->region[self->bar].size) {
		look(self, end, self->before, ENTRY);
		EXPECT_EQ(2 * ENTRY,
			  region_read(function, self->bar, end - ENTRY, self->bytes, 2 * ENTRY));
		EXPECT_TRUE(ones(self->bytes, ENTRY));
		EXPECT_EQ(0, memcmp(self->before, self->bytes + ENTRY, ENTRY));
	}
	if (self->offset >= ENTRY) {
		look(self, self->offset - ENTRY, self->before, ENTRY);
		EXPECT_EQ(2 * ENTRY, region_read(function, self->bar, self->offset - ENTRY,
						 self->bytes, 2 * ENTRY));
		EXPECT_EQ(0, memcmp(self->before, self->bytes, ENTRY));
		EXPECT_TRUE(ones(self->bytes + ENTRY, ENTRY));
	}
}

CTS_TEST_F(table, writes_are_dropped,
	   .title = "A write to the table of MSI-X is counted as done and changes nothing",
	   .requirements = { "REG-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	int eventfd;

	if (!self->memory)
		CTS_SKIP(DEVICE_LACKS, "the BAR with the table can't be mapped");
	/* An entry that is in use, so that there is something to destroy. */
	function_irq_enable(function, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &eventfd);
	look(self, self->offset, self->before, self->size);
	memset(self->bytes, 0x5a, self->size);
	EXPECT_EQ((ssize_t)self->size,
		  region_write(function, self->bar, self->offset, self->bytes, self->size));
	EXPECT_EQ(4, region_write(function, self->bar, self->offset, self->bytes, 4));
	EXPECT_EQ(8, region_write(function, self->bar, self->offset + 8, self->bytes, 8));
	EXPECT_EQ(1,
		  region_write(function, self->bar, self->offset + self->size - 1, self->bytes, 1));
	look(self, self->offset, self->bytes, self->size);
	EXPECT_EQ(0, memcmp(self->before, self->bytes, self->size));
	function_irq_disable(function, VFIO_PCI_MSIX_IRQ_INDEX);
	cts_close(&eventfd);
}

CTS_MAIN
