// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vector without an eventfd, while its kind of interrupt stays set up: a device that raises it
 * writes its message to no memory. A message is a write like any other, and only its address makes
 * it an interrupt.
 */
#include <linux/pci_regs.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "irq.h"

FIXTURE(unheard)
{
	struct dut dut;
	struct function function;
	struct buffer buffer; /* a page, at IOVA 0 */
};

FIXTURE_SETUP(unheard)
{
	struct dut *dut = &self->dut;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(dut);
	if (iommufd_usable_bytes(dut->iommufd, dut->ioas, 0, page_size() - 1) != page_size())
		CTS_SKIP(IOMMU_LACKS, "nothing can be mapped at IOVA 0");
	function_init(&self->function, dut->device);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
	canary_fill(self->buffer.memory, self->buffer.size, 1);
	iommufd_map(dut->iommufd, dut->ioas, self->buffer.memory, self->buffer.size, 0);
}

FIXTURE_TEARDOWN(unheard)
{
	function_exit(&self->function);
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

CTS_TEST_F(unheard, message_reaches_no_memory,
	   .title = "What a device raises whose eventfd was taken away does not show in memory at IOVA 0, and with a new one it is heard again",
	   .requirements = { "IRQ-019" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_MSI,
	   .faults = true)
{
	uint32_t index = function_irq_count(&self->function, VFIO_PCI_MSIX_IRQ_INDEX)
				 ? VFIO_PCI_MSIX_IRQ_INDEX
				 : VFIO_PCI_MSI_IRQ_INDEX;
	int eventfd = new_eventfd(), device = self->dut.device;

	/* The driver's own eventfd has set it up. */
	dma_msi_eventfd(self->dut.dma);
	ASSERT_EQ(0, set_eventfd(device, index, 0, eventfd));
	dma_send_msi(self->dut.dma);
	ASSERT_EQ(1, await_signals(eventfd));
	ASSERT_EQ(0, set_eventfd(device, index, 0, -1));
	dma_send_msi(self->dut.dma);
	ASSERT_EQ(0, set_eventfd(device, index, 0, eventfd));
	signals(eventfd);
	/* Another one, which comes behind it. */
	dma_send_msi(self->dut.dma);
	EXPECT_LE(1, await_signals(eventfd));
	EXPECT_TRUE(canary_intact(self->buffer.memory, self->buffer.size, 1));
}

/* The capability of MSI as the device has it. */
struct message {
	uint16_t flags;
	uint64_t address;
	uint32_t masked; /* the bits of the mask, 0 without any */
};

static struct message message_of(const struct function *function)
{
	uint32_t msi = function_capability(function, PCI_CAP_ID_MSI);
	struct message message = { .flags = 0 };
	uint32_t low, high = 0, mask = 0;
	uint8_t config[256];

	sysfs_config(config, sizeof(config));
	memcpy(&message.flags, config + msi + PCI_MSI_FLAGS, sizeof(message.flags));
	memcpy(&low, config + msi + PCI_MSI_ADDRESS_LO, sizeof(low));
	if (message.flags & PCI_MSI_FLAGS_64BIT)
		memcpy(&high, config + msi + PCI_MSI_ADDRESS_HI, sizeof(high));
	if (message.flags & PCI_MSI_FLAGS_MASKBIT)
		memcpy(&mask,
		       config + msi +
			       (message.flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64
								    : PCI_MSI_MASK_32),
		       sizeof(mask));
	message.address = (uint64_t)high << 32 | low;
	message.masked = mask;
	return message;
}

CTS_TEST_F(unheard, message_keeps_its_address,
	   .title = "While MSI is set up and its eventfd was taken away, the device has MSI off, masked, or an address of interrupts",
	   .requirements = { "IRQ-019" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	int eventfd = new_eventfd(), device = self->dut.device;
	struct message message, before;

	if (!function_irq_count(&self->function, VFIO_PCI_MSI_IRQ_INDEX))
		CTS_SKIP(DEVICE_LACKS, "the device has no MSI");
	/* The driver of the test may have set up another kind. */
	dma_close(self->dut.dma);
	self->dut.dma = NULL;
	ASSERT_EQ(0, set_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 0, eventfd));
	before = message_of(&self->function);
	EXPECT_TRUE(before.flags & PCI_MSI_FLAGS_ENABLE);
	EXPECT_NE(0, before.address);
	ASSERT_EQ(0, set_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 0, -1));
	message = message_of(&self->function);
	EXPECT_TRUE(!(message.flags & PCI_MSI_FLAGS_ENABLE) || message.masked & 1 ||
		    message.address == before.address)
	TH_LOG("enabled, address %#llx", (unsigned long long)message.address);
	ASSERT_EQ(0, set_eventfd(device, VFIO_PCI_MSI_IRQ_INDEX, 0, eventfd));
	message = message_of(&self->function);
	EXPECT_TRUE(message.flags & PCI_MSI_FLAGS_ENABLE);
	EXPECT_EQ(before.address, message.address);
	EXPECT_EQ(0, message.masked & 1);
}

CTS_MAIN
