// SPDX-License-Identifier: GPL-2.0-only
/* INTx as far as it needs no interrupt of the device's: setting it up, and the arguments of
 * masking. */
#include <linux/pci_regs.h>

#include "irq.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX

FIXTURE(intx_argument)
{
	struct bound bound;
	int eventfd;
};

FIXTURE_SETUP(intx_argument)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	if (!function_irq_count(&self->bound.function, INTX))
		CTS_SKIP(DEVICE_LACKS, "the device has no interrupt pin");
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(intx_argument)
{
	bound_close(&self->bound);
}

#define SET_UP() ASSERT_EQ(0, set_eventfd(self->bound.device, INTX, 0, self->eventfd))

#define EXPECT_WORKS()                                                  \
	do {                                                            \
		EXPECT_EQ(0, signals(self->eventfd));                   \
		EXPECT_EQ(0, try_irqs(self->bound.device, INTX, 0, 1)); \
		EXPECT_EQ(1, signals(self->eventfd));                   \
	} while (0)

static int mask(int device, uint32_t action, uint32_t start, uint32_t count)
{
	return set_irqs(device, action | NONE, INTX, start, count, NULL, 0);
}

static int unmask_by(int device, int fd)
{
	return set_irqs(device, UNMASK | EVENTFD, INTX, 0, 1, &fd, sizeof(fd));
}

CTS_TEST_F(intx_argument, tried,
	   .title = "INTx signals its eventfd when it is tried, and not by a byte of 0",
	   .requirements = { "IRQ-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint8_t byte = 0;

	SET_UP();
	EXPECT_WORKS();
	EXPECT_EQ(0, set_irqs(self->bound.device, TRIGGER | BOOL, INTX, 0, 1, &byte, 1));
	EXPECT_EQ(0, signals(self->eventfd));
	byte = 1;
	EXPECT_EQ(0, set_irqs(self->bound.device, TRIGGER | BOOL, INTX, 0, 1, &byte, 1));
	EXPECT_EQ(1, signals(self->eventfd));
}

CTS_TEST_F(intx_argument, one_kind_at_a_time,
	   .title = "While INTx is set up MSI and MSI-X are refused with EINVAL, and INTx works",
	   .requirements = { "IRQ-004" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();
	uint32_t index;

	EXPECT_EQ(-EINVAL, try_irqs(self->bound.device, INTX, 0, 1));
	EXPECT_EQ(-EINVAL, end_irqs(self->bound.device, INTX));
	SET_UP();
	for (index = VFIO_PCI_MSI_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++) {
		EXPECT_EQ(-EINVAL, set_eventfd(self->bound.device, index, 0, other));
		EXPECT_EQ(-EINVAL, try_irqs(self->bound.device, index, 0, 1));
		EXPECT_EQ(-EINVAL, end_irqs(self->bound.device, index));
	}
	EXPECT_WORKS();
	EXPECT_EQ(0, signals(other));
	EXPECT_EQ(0, end_irqs(self->bound.device, INTX));
	EXPECT_EQ(-EINVAL, end_irqs(self->bound.device, INTX));
}

CTS_TEST_F(intx_argument, no_eventfd,
	   .title = "Setting up INTx with what is no eventfd sets up nothing",
	   .requirements = { "IRQ-005" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EBADF, set_eventfd(self->bound.device, INTX, 0, closed_fd()));
	EXPECT_EQ(-EINVAL, set_eventfd(self->bound.device, INTX, 0, self->bound.iommufd));
	EXPECT_EQ(-EINVAL, try_irqs(self->bound.device, INTX, 0, 1));
	EXPECT_EQ(-EINVAL, end_irqs(self->bound.device, INTX));
	SET_UP();
	EXPECT_WORKS();
	/* Nor does one take the place of what is there. */
	EXPECT_EQ(-EBADF, set_eventfd(self->bound.device, INTX, 0, closed_fd()));
	EXPECT_WORKS();
}

CTS_TEST_F(intx_argument, another_eventfd,
	   .title = "INTx that gets another eventfd signals that and not the first",
	   .requirements = { "IRQ-012" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	SET_UP();
	ASSERT_EQ(0, set_eventfd(self->bound.device, INTX, 0, other));
	EXPECT_EQ(0, try_irqs(self->bound.device, INTX, 0, 1));
	EXPECT_EQ(1, signals(other));
	EXPECT_EQ(0, set_eventfd(self->bound.device, INTX, 0, -1));
	EXPECT_EQ(0, try_irqs(self->bound.device, INTX, 0, 1));
	EXPECT_EQ(0, signals(other) + signals(self->eventfd));
}

CTS_TEST_F(intx_argument, masked_without_being_set_up,
	   .title = "MASK and UNMASK of INTx that isn't set up end in EINVAL",
	   .requirements = { "IRQ-014" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EINVAL, mask(self->bound.device, MASK, 0, 1));
	EXPECT_EQ(-EINVAL, mask(self->bound.device, UNMASK, 0, 1));
	EXPECT_EQ(-EINVAL, unmask_by(self->bound.device, self->eventfd));
	SET_UP();
	EXPECT_EQ(0, mask(self->bound.device, MASK, 0, 1));
	EXPECT_EQ(0, mask(self->bound.device, UNMASK, 0, 1));
}

CTS_TEST_F(intx_argument, masked_out_of_range,
	   .title = "MASK and UNMASK of anything but the one INTx end in EINVAL",
	   .requirements = { "IRQ-014" },
	   .needs = CTS_NEED_CDEV)
{
	SET_UP();
	EXPECT_EQ(-EINVAL, mask(self->bound.device, MASK, 0, 0));
	EXPECT_EQ(-EINVAL, mask(self->bound.device, UNMASK, 0, 0));
	EXPECT_EQ(-EINVAL, mask(self->bound.device, MASK, 1, 1));
	EXPECT_EQ(-EINVAL, mask(self->bound.device, UNMASK, 0, 2));
	EXPECT_WORKS();
}

CTS_TEST_F(intx_argument, masked_by_eventfd,
	   .title = "MASK by eventfd ends in ENOTTY, UNMASK by what is none in EINVAL or EBADF",
	   .requirements = { "IRQ-014" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device, unmask = new_eventfd(), second = new_eventfd();

	SET_UP();
	EXPECT_EQ(-ENOTTY, set_irqs(device, MASK | EVENTFD, INTX, 0, 1, &unmask, sizeof(unmask)));
	EXPECT_EQ(-EINVAL, unmask_by(device, self->bound.iommufd));
	EXPECT_EQ(-EBADF, unmask_by(device, closed_fd()));
	EXPECT_EQ(0, unmask_by(device, unmask));
	EXPECT_EQ(-EBUSY, unmask_by(device, second));
	EXPECT_EQ(-EBUSY, unmask_by(device, unmask));
	EXPECT_EQ(0, unmask_by(device, -1));
	EXPECT_EQ(0, unmask_by(device, second));
	EXPECT_WORKS();
}

CTS_TEST_F(intx_argument, unmask_closed,
	   .title = "When the eventfd that unmasks INTx was closed there is room for another",
	   .requirements = { "IRQ-014" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device, unmask = new_eventfd(), second = new_eventfd();

	SET_UP();
	ASSERT_EQ(0, unmask_by(device, unmask));
	cts_close(&unmask);
	EXPECT_EQ(0, unmask_by(device, second));
	EXPECT_EQ(-EBUSY, unmask_by(device, second));
	EXPECT_WORKS();
}

/* Where Interrupt Disable can be written: in the command register, its upper byte, or the word. */
static const struct {
	uint32_t offset, bit;
	size_t size;
} disables[] = {
	{ PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2 },
	{ PCI_COMMAND + 1, PCI_COMMAND_INTX_DISABLE >> 8, 1 },
	{ PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 4 },
};

static void set_disable(const struct function *function, size_t way, bool on)
{
	const uint32_t offset = disables[way].offset, bit = disables[way].bit;
	uint32_t value = function_config_read(function, offset, disables[way].size);

	/* A 1 would clear what is set in the status register. */
	value &= 0xffff & ~bit;
	function_config_write(function, offset, disables[way].size, on ? value | bit : value);
}

CTS_TEST_F(intx_argument, disabled,
	   .title = "Interrupt Disable holds INTx back, by whatever width it is written",
	   .requirements = { "IRQ-015" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	size_t way;

	SET_UP();
	for (way = 0; way < ARRAY_SIZE(disables); way++) {
		set_disable(function, way, true);
		EXPECT_TRUE(function_config_read(function, PCI_COMMAND, 2) &
			    PCI_COMMAND_INTX_DISABLE);
		EXPECT_EQ(0, try_irqs(self->bound.device, INTX, 0, 1));
		EXPECT_EQ(0, signals(self->eventfd)) TH_LOG("way %zu", way);
		set_disable(function, way, false);
		EXPECT_WORKS();
	}
}

CTS_TEST_F(intx_argument, disabled_by_the_last_user,
	   .title = "Interrupt Disable ends with its user: the next one's INTx comes",
	   .requirements = { "IRQ-015" },
	   .needs = CTS_NEED_CDEV)
{
	SET_UP();
	set_disable(&self->bound.function, 0, true);
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	EXPECT_FALSE(function_config_read(&self->bound.function, PCI_COMMAND, 2) &
		     PCI_COMMAND_INTX_DISABLE);
	SET_UP();
	EXPECT_WORKS();
}

CTS_MAIN
