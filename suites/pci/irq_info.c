// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_GET_IRQ_INFO: which interrupts a device has, and what can be done with them. */
#include <linux/pci_regs.h>

#include "irq.h"

#define MINIMUM 16
_Static_assert(sizeof(struct vfio_irq_info) == MINIMUM,
	       "the layout of struct vfio_irq_info is ABI");

FIXTURE(irq_info)
{
	struct bound bound;
};

FIXTURE_SETUP(irq_info)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(irq_info)
{
	bound_close(&self->bound);
}

static int irq_info(int device, uint32_t index, struct vfio_irq_info *info)
{
	*info = (struct vfio_irq_info){ .argsz = sizeof(*info), .index = index };
	return ask(device, VFIO_DEVICE_GET_IRQ_INFO, info);
}

CTS_TEST_F(irq_info, flags,
	   .title = "Each index says what it can: INTx be masked, all but MSI-X not grow",
	   .requirements = { "IRQ-001" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t fixed = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	struct vfio_irq_info info;

	ASSERT_EQ(0, irq_info(self->bound.device, VFIO_PCI_INTX_IRQ_INDEX, &info));
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED,
		  info.flags);
	ASSERT_EQ(0, irq_info(self->bound.device, VFIO_PCI_MSI_IRQ_INDEX, &info));
	EXPECT_EQ(fixed, info.flags);
	ASSERT_EQ(0, irq_info(self->bound.device, VFIO_PCI_MSIX_IRQ_INDEX, &info));
	EXPECT_EQ(VFIO_IRQ_INFO_EVENTFD, info.flags & ~(uint32_t)VFIO_IRQ_INFO_NORESIZE);
	ASSERT_EQ(0, irq_info(self->bound.device, VFIO_PCI_ERR_IRQ_INDEX, &info));
	EXPECT_EQ(fixed, info.flags);
	EXPECT_EQ(1, info.count);
	ASSERT_EQ(0, irq_info(self->bound.device, VFIO_PCI_REQ_IRQ_INDEX, &info));
	EXPECT_EQ(fixed, info.flags);
	EXPECT_EQ(1, info.count);
	EXPECT_EQ(sizeof(info), info.argsz);
}

CTS_TEST_F(irq_info, counts,
	   .title = "The counts of INTx, MSI and MSI-X are those of the device's capabilities",
	   .requirements = { "IRQ-009" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t cap, flags, expected;

	EXPECT_EQ(function_config_read(function, PCI_INTERRUPT_PIN, 1) ? 1 : 0,
		  function_irq_count(function, VFIO_PCI_INTX_IRQ_INDEX));

	cap = function_capability(function, PCI_CAP_ID_MSI);
	flags = cap ? function_config_read(function, cap + PCI_MSI_FLAGS, 2) : 0;
	expected = cap ? 1U << ((flags & PCI_MSI_FLAGS_QMASK) >> 1) : 0;
	EXPECT_EQ(expected, function_irq_count(function, VFIO_PCI_MSI_IRQ_INDEX));

	cap = function_capability(function, PCI_CAP_ID_MSIX);
	flags = cap ? function_config_read(function, cap + PCI_MSIX_FLAGS, 2) : 0;
	expected = cap ? (flags & PCI_MSIX_FLAGS_QSIZE) + 1 : 0;
	EXPECT_EQ(expected, function_irq_count(function, VFIO_PCI_MSIX_IRQ_INDEX));
}

CTS_TEST_F(irq_info, argument_unreadable,
	   .title = "GET_IRQ_INFO of which 16 bytes can't be read or written ends in EFAULT",
	   .requirements = { "IRQ-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_ERR_IRQ_INDEX };

	EXPECT_EQ(-EFAULT,
		  ask_unreadable(self->bound.device, VFIO_DEVICE_GET_IRQ_INFO, &info, MINIMUM));
	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_GET_IRQ_INFO,
			       read_only_page(&info, sizeof(info))));
}

CTS_TEST_F(irq_info, argsz_too_small,
	   .title = "GET_IRQ_INFO with an argsz below 16 ends in EINVAL and writes nothing",
	   .requirements = { "IRQ-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_irq_info info = { .index = VFIO_PCI_ERR_IRQ_INDEX, .count = 0x5a };

	EXPECT_EQ(-EINVAL,
		  ask_too_small(self->bound.device, VFIO_DEVICE_GET_IRQ_INFO, &info, MINIMUM));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(0x5a, info.count);
}

CTS_TEST_F(irq_info, index_too_high,
	   .title = "An interrupt index from 5 on is EINVAL",
	   .requirements = { "IRQ-001" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t indices[] = { VFIO_PCI_NUM_IRQS, 6, 0x7fffffff, UINT32_MAX };
	struct vfio_irq_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		EXPECT_EQ(-EINVAL, irq_info(self->bound.device, indices[i], &info))
		TH_LOG("index %u", indices[i]);
		EXPECT_EQ(0, info.flags);
		EXPECT_EQ(0, info.count);
	}
}

CTS_MAIN
