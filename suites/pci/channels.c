// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channels for errors and for requests: eventfds that the kernel signals, of which each device
 * has both. Here they are tried without an error or a request.
 */
#include "irq.h"

FIXTURE(channel)
{
	struct bound bound;
	int eventfd, other;
};

FIXTURE_VARIANT(channel)
{
	uint32_t index;
};

FIXTURE_VARIANT_ADD(channel, errors)
{
	.index = VFIO_PCI_ERR_IRQ_INDEX,
};
FIXTURE_VARIANT_ADD(channel, requests)
{
	.index = VFIO_PCI_REQ_IRQ_INDEX,
};

FIXTURE_SETUP(channel)
{
	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	self->eventfd = new_eventfd();
	self->other = new_eventfd();
}

FIXTURE_TEARDOWN(channel)
{
	bound_close(&self->bound);
}

static int try_bool(int device, uint32_t index, uint8_t value)
{
	return set_irqs(device, TRIGGER | BOOL, index, 0, 1, &value, sizeof(value));
}

CTS_TEST_F(channel, signals_its_eventfd,
	   .title = "A channel signals its eventfd when it is tried, and not by a byte of 0",
	   .requirements = { "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device;

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_EQ(0, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_EQ(0, try_bool(device, variant->index, 0));
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_EQ(0, try_bool(device, variant->index, 1));
	EXPECT_EQ(0, try_bool(device, variant->index, 0x80));
	EXPECT_EQ(2, signals(self->eventfd));
}

CTS_TEST_F(channel, takes_another,
	   .title = "A channel that gets another eventfd signals that and not the first",
	   .requirements = { "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device;

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->other));
	EXPECT_EQ(0, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(0, signals(self->eventfd));
	EXPECT_EQ(1, signals(self->other));
}

CTS_TEST_F(channel, lets_go,
	   .title = "A channel lets go of its eventfd on -1 and on DATA_NONE with count 0",
	   .requirements = { "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device;

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	EXPECT_EQ(0, set_eventfd(device, variant->index, 0, -1));
	EXPECT_EQ(-EINVAL, try_irqs(device, variant->index, 0, 1));

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	EXPECT_EQ(0, end_irqs(device, variant->index));
	EXPECT_EQ(-EINVAL, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(-EINVAL, end_irqs(device, variant->index));
	EXPECT_EQ(0, signals(self->eventfd));
}

CTS_TEST_F(channel, refuses,
	   .title = "A channel refuses what is no eventfd, and more than one, and works on",
	   .requirements = { "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	const int two[] = { self->other, self->other };
	int device = self->bound.device;

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	EXPECT_EQ(-EINVAL, set_eventfd(device, variant->index, 0, -2));
	EXPECT_EQ(-EINVAL, set_eventfd(device, variant->index, 0, self->bound.iommufd));
	EXPECT_EQ(-EBADF, set_eventfd(device, variant->index, 0, closed_fd()));
	EXPECT_EQ(-EINVAL, set_eventfds(device, variant->index, 0, 2, two));
	EXPECT_EQ(-EINVAL, set_eventfds(device, variant->index, 0, 0, two));
	EXPECT_EQ(0, signals(self->eventfd) + signals(self->other));
	EXPECT_EQ(0, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_EQ(0, signals(self->other));
}

CTS_TEST_F(channel, one_of_two,
	   .title = "The two channels of a device keep their eventfds apart",
	   .requirements = { "IRQ-007" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t second = variant->index == VFIO_PCI_ERR_IRQ_INDEX ? VFIO_PCI_REQ_IRQ_INDEX
								   : VFIO_PCI_ERR_IRQ_INDEX;
	int device = self->bound.device;

	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfd));
	ASSERT_EQ(0, set_eventfd(device, second, 0, self->other));
	EXPECT_EQ(0, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(1, signals(self->eventfd));
	EXPECT_EQ(0, signals(self->other));
	EXPECT_EQ(0, end_irqs(device, variant->index));
	EXPECT_EQ(0, try_irqs(device, second, 0, 1));
	EXPECT_EQ(1, signals(self->other));
}

CTS_MAIN
