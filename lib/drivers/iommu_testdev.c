// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's iommu-testdev (hw/misc/iommu-testdev.c), a function that writes a pattern by DMA.
 *
 * What a test may believe:
 * - A write runs to its end inside the read of one register. Nothing is under way when dma_write()
 *   returns, and the device does nothing by itself.
 * - It needs neither rings nor buffers. So it can be told to write while it is attached to
 *   nothing, and a table that lacks the rings is no obstacle: it shows what other devices would
 *   not come to.
 * - The bytes are 78 56 34 12 over and over, from the first byte on: the device can't choose. Two
 *   writes to one place look alike, so a test puts a canary there in between.
 * - Its result tells a refused write (-EIO). A write of several pages of which one is refused is
 *   refused, and done in the others.
 * - It goes past the bus master bit of its command register: bus mastering off does not stop it.
 *   Nor does it have interrupts.
 * - After the write it reads guest-physical memory from address 0 and compares. That says nothing
 *   of the write, so a difference there is no error; it is why a write is limited to what a PC has
 *   there.
 *
 * pci-testdev, another device of QEMU's, has the same ids and class. It has an I/O BAR; this one
 * doesn't.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "check.h"
#include "registers.h"
#include "storm.h"
#include "sysfs.h"

#define TRIGGER 0x00 /* reading it runs what is armed */
#define IOVA 0x04    /* 64 bits */
#define LENGTH 0x0c
#define RESULT 0x10
#define DOORBELL 0x14

#define DOORBELL_ARM 0x1

#define RESULT_DONE 0
#define RESULT_BUSY 0xfffffffe
#define RESULT_REFUSED 0xdead0002
#define RESULT_NOT_READ 0xdead0003  /* written; the comparison afterwards met no memory */
#define RESULT_DIFFERENT 0xdead0004 /* written; the comparison afterwards saw something else */

#define LARGEST 0x80000

static bool match(uint16_t vendor, uint16_t device, uint32_t class)
{
	uint8_t header[PCI_STD_HEADER_SIZEOF];

	if (vendor != 0x1b36 || device != 0x0005 || class != 0x00ff00)
		return false;
	sysfs_config(header, sizeof(header));
	return !(header[PCI_BASE_ADDRESS_1] & PCI_BASE_ADDRESS_SPACE_IO);
}

static void testdev_open(struct dma *dma)
{
	function_map_bar(&dma->function, 0);
	dma->state = calloc(1, sizeof(struct storm));
	cts_lab_require(dma->state, "memory for the state of a device");
}

static void testdev_close(struct dma *dma)
{
	storm_stop(dma->state);
	register_write(dma->function.bar[0], DOORBELL, 0);
}

static int testdev_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	static const uint8_t pattern[] = { 0x78, 0x56, 0x34, 0x12 };
	volatile void *bar = dma->function.bar[0];
	uint8_t *bytes = wrote;
	uint32_t result;
	size_t i;

	register_write64(bar, IOVA, iova);
	register_write(bar, LENGTH, (uint32_t)length);
	register_write(bar, DOORBELL, DOORBELL_ARM);
	register_read(bar, TRIGGER);
	result = register_read(bar, RESULT);
	switch (result) {
	case RESULT_DONE:
	case RESULT_NOT_READ:
	case RESULT_DIFFERENT:
		for (i = 0; i < length; i++)
			bytes[i] = pattern[i % sizeof(pattern)];
		return 0;
	case RESULT_REFUSED:
		return -EIO;
	}
	cts_lab_error("iommu-testdev: a write of %zu bytes at %#llx ended with %#x%s", length,
		      (unsigned long long)iova, result,
		      result == RESULT_BUSY ? ", not run at all" : "");
}

static void testdev_start_storm(struct dma *dma, uint64_t iova, size_t length)
{
	storm_start(dma->state, dma, iova, length);
}

static int testdev_stop_storm(struct dma *dma)
{
	return storm_stop(dma->state);
}

const struct dma_driver dma_driver_iommu_testdev = {
	.name = "iommu-testdev",
	.capabilities = DMA_WRITE | DMA_STORM,
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = 1, .largest = LARGEST, .step = 1, .align = 1 },
	.access_ns = 5000,
	.refused_ns = 50000,
	.match = match,
	.open = testdev_open,
	.close = testdev_close,
	.write = testdev_write,
	.storm_start = testdev_start_storm,
	.storm_stop = testdev_stop_storm,
};
