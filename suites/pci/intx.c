// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx as the device raises it (DMA_INTX of lib/dma.h). It is a level and not a message: as long as
 * it is raised it would interrupt over and over, so it is masked when it was delivered. That the
 * device raises it is seen in its status register.
 */
#include <linux/pci_regs.h>

#include "dut.h"
#include "irq.h"
#include "low_power.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX

FIXTURE(intx)
{
	struct dut dut;
	struct function function;
	int eventfd;
};

FIXTURE_SETUP(intx)
{
	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	function_init(&self->function, self->dut.device);
	self->eventfd = new_eventfd();
	ASSERT_EQ(0, set_eventfd(self->dut.device, INTX, 0, self->eventfd));
}

FIXTURE_TEARDOWN(intx)
{
	if (self->dut.dma)
		dma_lower_intx(self->dut.dma);
	function_exit(&self->function);
	dut_close(&self->dut);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_INTX)

static int mask(int device, uint32_t action)
{
	return set_irqs(device, action | NONE, INTX, 0, 1, NULL, 0);
}

/* Is the pin raised, delivered or not? */
static bool is_raised(const struct function *function)
{
	return function_config_read(function, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT;
}

/* Raises the pin and lowers it again, with no interrupt: it is masked. */
#define EXPECT_MASKED()                                   \
	do {                                              \
		dma_raise_intx(self->dut.dma);            \
		EXPECT_TRUE(is_raised(&self->function));  \
		EXPECT_EQ(0, signals(self->eventfd));     \
		dma_lower_intx(self->dut.dma);            \
		EXPECT_FALSE(is_raised(&self->function)); \
	} while (0)

/* Raises the pin, which interrupts once and is masked then, and lowers it. */
#define EXPECT_DELIVERED()                                  \
	do {                                                \
		dma_raise_intx(self->dut.dma);              \
		EXPECT_EQ(1, await_signals(self->eventfd)); \
		dma_lower_intx(self->dut.dma);              \
	} while (0)

/* Raises the pin while Interrupt Disable is set: it interrupts when that is cleared. */
#define EXPECT_COMES_WHEN_ENABLED(command)                                       \
	do {                                                                     \
		dma_raise_intx(self->dut.dma);                                   \
		EXPECT_TRUE(is_raised(&self->function));                         \
		EXPECT_EQ(0, signals(self->eventfd));                            \
		function_config_write(&self->function, PCI_COMMAND, 2, command); \
		EXPECT_EQ(1, await_signals(self->eventfd));                      \
	} while (0)

CTS_TEST_F(intx, masked_when_delivered,
	   .title = "INTx comes once, and not again before it is unmasked",
	   .requirements = { "IRQ-006" },
	   .needs = NEEDS)
{
	int device = self->dut.device, i;

	EXPECT_EQ(0, signals(self->eventfd));
	for (i = 0; i < 3; i++) {
		EXPECT_DELIVERED();
		EXPECT_MASKED();
		EXPECT_EQ(0, mask(device, UNMASK));
		EXPECT_EQ(0, signals(self->eventfd));
	}
}

CTS_TEST_F(intx, pending_when_unmasked,
	   .title = "INTx that is still raised when it is unmasked comes again at once",
	   .requirements = { "IRQ-006" },
	   .needs = NEEDS)
{
	int device = self->dut.device;

	dma_raise_intx(self->dut.dma);
	EXPECT_EQ(1, await_signals(self->eventfd));
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_EQ(1, await_signals(self->eventfd));
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_EQ(1, await_signals(self->eventfd));
	dma_lower_intx(self->dut.dma);
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_DELIVERED();
}

CTS_TEST_F(intx, masked_by_the_user,
	   .title = "INTx that the user has masked comes when he unmasks it",
	   .requirements = { "IRQ-006" },
	   .needs = NEEDS)
{
	int device = self->dut.device;

	ASSERT_EQ(0, mask(device, MASK));
	EXPECT_MASKED();
	dma_raise_intx(self->dut.dma);
	EXPECT_TRUE(is_raised(&self->function));
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_EQ(1, await_signals(self->eventfd));
}

CTS_TEST_F(intx, unmasked_by_eventfd,
	   .title = "The eventfd that was set for it unmasks INTx, and a pending one comes at once",
	   .requirements = { "IRQ-006" },
	   .needs = NEEDS)
{
	const uint64_t once = 1;
	int unmask = new_eventfd();

	ASSERT_EQ(0, set_irqs(self->dut.device, UNMASK | EVENTFD, INTX, 0, 1, &unmask,
			      sizeof(unmask)));
	EXPECT_DELIVERED();
	EXPECT_MASKED();
	ASSERT_EQ((ssize_t)sizeof(once), write(unmask, &once, sizeof(once)));
	dma_raise_intx(self->dut.dma);
	EXPECT_EQ(1, await_signals(self->eventfd));
	/* Still raised. */
	ASSERT_EQ((ssize_t)sizeof(once), write(unmask, &once, sizeof(once)));
	EXPECT_EQ(1, await_signals(self->eventfd));
}

CTS_TEST_F(intx, unmasked_by_an_earlier_signal,
	   .title = "An eventfd that was signalled before it was set for it unmasks INTx at once",
	   .requirements = { "IRQ-006" },
	   .needs = NEEDS)
{
	const uint64_t once = 1;
	int unmask = new_eventfd();

	EXPECT_DELIVERED();
	EXPECT_MASKED();
	ASSERT_EQ((ssize_t)sizeof(once), write(unmask, &once, sizeof(once)));
	ASSERT_EQ(0, set_irqs(self->dut.device, UNMASK | EVENTFD, INTX, 0, 1, &unmask,
			      sizeof(unmask)));
	EXPECT_DELIVERED();
}

CTS_TEST_F(intx, masked_by_a_byte,
	   .title = "A byte that is 0 neither masks INTx nor unmasks it, one that is 1 does",
	   .requirements = { "IRQ-006", "IRQ-014" },
	   .needs = NEEDS)
{
	const uint8_t no = 0, yes = 1;
	int device = self->dut.device;

	EXPECT_EQ(0, set_irqs(device, MASK | BOOL, INTX, 0, 1, &no, 1));
	EXPECT_DELIVERED();
	EXPECT_EQ(0, set_irqs(device, UNMASK | BOOL, INTX, 0, 1, &no, 1));
	EXPECT_MASKED();
	EXPECT_EQ(0, set_irqs(device, UNMASK | BOOL, INTX, 0, 1, &yes, 1));
	EXPECT_EQ(0, set_irqs(device, MASK | BOOL, INTX, 0, 1, &yes, 1));
	EXPECT_MASKED();
	EXPECT_EQ(0, set_irqs(device, UNMASK | BOOL, INTX, 0, 1, &yes, 1));
	EXPECT_DELIVERED();
}

CTS_TEST_F(intx, in_low_power,
	   .title = "INTx comes after low power as before, and not if the user has masked it",
	   .requirements = { "FEAT-006", "IRQ-006" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	int device = self->dut.device;

	if (leave(device) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "no VFIO_DEVICE_FEATURE_LOW_POWER_EXIT");
	ASSERT_EQ(0, enter(device));
	if (!sleeps())
		CTS_SKIP(KERNEL_LACKS, "the kernel doesn't put the device to sleep");
	EXPECT_EQ(0, leave(device));
	EXPECT_DELIVERED();
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_EQ(0, mask(device, MASK));
	ASSERT_EQ(0, enter(device));
	ASSERT_TRUE(sleeps());
	EXPECT_EQ(0, leave(device));
	EXPECT_MASKED();
	EXPECT_EQ(0, mask(device, UNMASK));
	EXPECT_DELIVERED();
}

CTS_TEST_F(intx, disabled_by_register,
	   .title = "With Interrupt Disable set no INTx comes, and when it is cleared a pending one",
	   .requirements = { "IRQ-015" },
	   .needs = NEEDS)
{
	const struct function *function = &self->function;
	uint32_t command = function_config_read(function, PCI_COMMAND, 2);

	function_config_write(function, PCI_COMMAND, 2, command | PCI_COMMAND_INTX_DISABLE);
	EXPECT_TRUE(function_config_read(function, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
	EXPECT_MASKED();
	/* Whatever is unmasked otherwise. */
	EXPECT_EQ(0, mask(self->dut.device, UNMASK));
	EXPECT_MASKED();
	EXPECT_COMES_WHEN_ENABLED(command);
}

CTS_TEST_F(intx, set_up_while_disabled,
	   .title = "INTx that is set up while Interrupt Disable is set comes when that is cleared, and not before",
	   .requirements = { "IRQ-015" },
	   .needs = NEEDS)
{
	const struct function *function = &self->function;
	uint32_t command = function_config_read(function, PCI_COMMAND, 2);
	int device = self->dut.device;

	ASSERT_EQ(0, set_irqs(device, TRIGGER | NONE, INTX, 0, 0, NULL, 0));
	function_config_write(function, PCI_COMMAND, 2, command | PCI_COMMAND_INTX_DISABLE);
	ASSERT_EQ(0, set_eventfd(device, INTX, 0, self->eventfd));
	EXPECT_MASKED();
	EXPECT_COMES_WHEN_ENABLED(command);
}

CTS_TEST_F(intx, masking_is_not_shown,
	   .title = "That vfio masks INTx doesn't show in the command register",
	   .requirements = { "IRQ-015" },
	   .needs = NEEDS)
{
	const struct function *function = &self->function;
	uint32_t command = function_config_read(function, PCI_COMMAND, 2);

	EXPECT_DELIVERED();
	EXPECT_EQ(command, function_config_read(function, PCI_COMMAND, 2));
	EXPECT_EQ(0, mask(self->dut.device, UNMASK));
	EXPECT_EQ(0, mask(self->dut.device, MASK));
	EXPECT_EQ(command, function_config_read(function, PCI_COMMAND, 2));
}

CTS_MAIN
