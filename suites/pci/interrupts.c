// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that the device raises itself (DMA_MSI of lib/dma.h), of the vector that its driver
 * uses: they come to the eventfd of that vector, as it is now, and to no other.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>

#include "bar.h"
#include "dut.h"
#include "irq.h"

FIXTURE(interrupts)
{
	struct dut dut;
	struct function function;
	uint32_t index, vector; /* what the device raises */
	uint32_t count;		/* vectors of the index that are looked at */
	int eventfds[VECTORS];
};

/* What of @index and which of its vectors signals @eventfd; false if none does. */
static bool find_vector(const struct function *function, uint32_t index, int eventfd,
			uint32_t *vector)
{
	uint32_t count = function_irq_count(function, index);

	for (*vector = 0; *vector < count; (*vector)++) {
		if (!try_irqs(function->fd, index, *vector, 1) && signals(eventfd))
			return true;
	}
	return false;
}

FIXTURE_SETUP(interrupts)
{
	int eventfd;
	uint32_t i;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	function_init(&self->function, self->dut.device);
	eventfd = dma_msi_eventfd(self->dut.dma);
	fcntl(eventfd, F_SETFL, O_NONBLOCK);
	for (self->index = VFIO_PCI_MSI_IRQ_INDEX; self->index <= VFIO_PCI_MSIX_IRQ_INDEX;
	     self->index++) {
		if (find_vector(&self->function, self->index, eventfd, &self->vector))
			break;
	}
	if (self->index > VFIO_PCI_MSIX_IRQ_INDEX || self->vector >= VECTORS)
		cts_lab_error("%s signals no vector of MSI or MSI-X that is looked at",
			      dma_driver_name());
	self->count = function_irq_count(&self->function, self->index);
	if (self->count > VECTORS)
		self->count = VECTORS;
	for (i = 0; i < self->count; i++) {
		self->eventfds[i] = new_eventfd();
	}
	/* All of them anew: those of the driver may be too few. */
	ASSERT_EQ(0, end_irqs(self->dut.device, self->index));
	ASSERT_EQ(0, set_eventfds(self->dut.device, self->index, 0, self->count, self->eventfds));
}

FIXTURE_TEARDOWN(interrupts)
{
	function_exit(&self->function);
	dut_close(&self->dut);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_MSI)

/* Which of the eventfds were signalled since the last time, one bit each. */
static unsigned int signalled(FIXTURE_DATA(interrupts) * self)
{
	unsigned int bits = 0;
	uint32_t i;

	for (i = 0; i < self->count; i++) {
		if (signals(self->eventfds[i]))
			bits |= 1U << i;
	}
	return bits;
}

CTS_TEST_F(interrupts, come_to_their_vector,
	   .title = "Each interrupt of the device signals its vector's eventfd once and no other",
	   .requirements = { "IRQ-003" },
	   .needs = NEEDS)
{
	int i;

	EXPECT_EQ(0, signalled(self));
	for (i = 0; i < 20; i++) {
		dma_send_msi(self->dut.dma);
		ASSERT_EQ(1, await_signals(self->eventfds[self->vector]));
	}
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, come_to_another_eventfd,
	   .title = "After a vector got another eventfd its interrupts signal that alone",
	   .requirements = { "IRQ-003", "IRQ-012" },
	   .needs = NEEDS)
{
	int other = new_eventfd();

	dma_send_msi(self->dut.dma);
	ASSERT_EQ(1, await_signals(self->eventfds[self->vector]));
	ASSERT_EQ(0, set_eventfd(self->dut.device, self->index, self->vector, other));
	dma_send_msi(self->dut.dma);
	EXPECT_EQ(1, await_signals(other));
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, are_set_up_again,
	   .title = "After MSI or MSI-X was ended and set up again interrupts come as before",
	   .requirements = { "IRQ-003", "IRQ-012" },
	   .needs = NEEDS)
{
	ASSERT_EQ(0, end_irqs(self->dut.device, self->index));
	EXPECT_EQ(0, signalled(self));
	ASSERT_EQ(0, set_eventfds(self->dut.device, self->index, 0, self->count, self->eventfds));
	dma_send_msi(self->dut.dma);
	EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, set_up_while_not_decoded,
	   .title = "Vectors that were set up while memory decoding was off interrupt when it is on",
	   .requirements = { "IRQ-003" },
	   .needs = NEEDS)
{
	uint8_t now[8];

	ASSERT_EQ(0, end_irqs(self->dut.device, self->index));
	set_decoding(&self->function, false);
	ASSERT_EQ(0, set_eventfds(self->dut.device, self->index, 0, self->count, self->eventfds));
	sysfs_config(now, sizeof(now));
	EXPECT_EQ(0, now[PCI_COMMAND] & PCI_COMMAND_MEMORY);
	set_decoding(&self->function, true);
	dma_send_msi(self->dut.dma);
	EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, arent_lost_when_others_are_taken,
	   .title = "A vector works on while its neighbours lose and get their eventfds",
	   .requirements = { "IRQ-012" },
	   .needs = NEEDS)
{
	uint32_t i;

	for (i = 0; i < self->count; i++) {
		if (i == self->vector)
			continue;
		dma_send_msi(self->dut.dma);
		EXPECT_EQ(0, set_eventfd(self->dut.device, self->index, i, -1));
		EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
		dma_send_msi(self->dut.dma);
		EXPECT_EQ(0, set_eventfd(self->dut.device, self->index, i, self->eventfds[i]));
		EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
	}
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, arent_lost_when_others_are_added,
	   .title = "No interrupt is lost while MSI-X that can grow gets more vectors",
	   .requirements = { "IRQ-013" },
	   .needs = NEEDS)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = self->index };
	uint32_t i;

	ASSERT_EQ(0, ask(self->dut.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	if (info.flags & VFIO_IRQ_INFO_NORESIZE)
		CTS_SKIP(DEVICE_LACKS, "the vectors can't grow in number");
	ASSERT_EQ(0, end_irqs(self->dut.device, self->index));
	ASSERT_EQ(0,
		  set_eventfds(self->dut.device, self->index, 0, self->vector + 1, self->eventfds));
	for (i = self->vector + 1; i < self->count; i++) {
		dma_send_msi(self->dut.dma);
		EXPECT_EQ(0, set_eventfd(self->dut.device, self->index, i, self->eventfds[i]));
		EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
	}
	EXPECT_EQ(0, signalled(self));
}

CTS_TEST_F(interrupts, dont_follow_the_users_registers,
	   .title = "An interrupt comes where it is set up to, whatever the user writes to MSI",
	   .requirements = { "REG-007", "IRQ-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->function;
	uint32_t msi = function_capability(function, PCI_CAP_ID_MSI);
	uint32_t msix = function_capability(function, PCI_CAP_ID_MSIX);

	if (msi) {
		function_config_write(function, msi + PCI_MSI_ADDRESS_LO, 4, 0);
		function_config_write(function, msi + PCI_MSI_ADDRESS_HI, 4, 0);
	}
	if (msix)
		function_config_write(function, msix + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_MASKALL);
	dma_send_msi(self->dut.dma);
	EXPECT_EQ(1, await_signals(self->eventfds[self->vector]));
	EXPECT_EQ(0, signalled(self));
}

CTS_MAIN
