// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that there is no memory for: each allocation within the call fails once. What couldn't
 * be set up isn't, and nobody keeps an eventfd that he was given for it.
 */
#include <stdio.h>

#include "fail_nth.h"
#include "irq.h"

FIXTURE(no_memory)
{
	struct bound bound;
	uint32_t count; /* as many vectors as are asked for */
	int eventfds[VECTORS];
	unsigned int wrong; /* refusals after which something was not as it should */
};

FIXTURE_VARIANT(no_memory)
{
	uint32_t index;
};

FIXTURE_VARIANT_ADD(no_memory, intx)
{
	.index = VFIO_PCI_INTX_IRQ_INDEX,
};
FIXTURE_VARIANT_ADD(no_memory, msi)
{
	.index = VFIO_PCI_MSI_IRQ_INDEX,
};
FIXTURE_VARIANT_ADD(no_memory, msix)
{
	.index = VFIO_PCI_MSIX_IRQ_INDEX,
};

FIXTURE_SETUP(no_memory)
{
	uint32_t i;

	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	self->count = function_irq_count(&self->bound.function, variant->index);
	if (!self->count)
		CTS_SKIP(DEVICE_LACKS, "the device has no such interrupts");
	if (self->count > VECTORS)
		self->count = VECTORS;
	for (i = 0; i < self->count; i++)
		self->eventfds[i] = new_eventfd();
}

FIXTURE_TEARDOWN(no_memory)
{
	bound_close(&self->bound);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_FAIL_NTH)

/* Is no interrupt set up, of any kind? Ending one that isn't is EINVAL. */
static void look(void *argument)
{
	FIXTURE_DATA(no_memory) *self = argument;
	uint32_t index;

	for (index = VFIO_PCI_INTX_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++)
		self->wrong += end_irqs(self->bound.device, index) != -EINVAL;
}

/*
 * Sets up the other kind of messages, if the device has it, and ends it again. The kernel keeps
 * what it has made for that until this one is set up, and gives it up within that call: which is
 * not to take memory.
 */
static void use_other_kind(const FIXTURE_DATA(no_memory) * self, uint32_t index)
{
	const uint32_t other = index == VFIO_PCI_MSI_IRQ_INDEX ? VFIO_PCI_MSIX_IRQ_INDEX
							       : VFIO_PCI_MSI_IRQ_INDEX;

	if (!function_irq_count(&self->bound.function, other))
		return;
	cts_require(!set_eventfd(self->bound.device, other, 0, self->eventfds[0]) &&
			    !end_irqs(self->bound.device, other),
		    "VFIO_DEVICE_SET_IRQS of index %u", other);
}

CTS_TEST_F(no_memory, set_up,
	   .title = "Interrupts that there was no memory for are not set up, and then they are and work",
	   .requirements = { "NOMEM-007" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	int device = self->bound.device, rc;
	struct fail_nth failed;
	uint32_t i;

	use_other_kind(self, variant->index);
	fail_nth_begin(look, self);
	rc = set_eventfds(device, variant->index, 0, self->count, self->eventfds);
	failed = fail_nth_end();
	EXPECT_EQ(0, rc);
	/* What the PCI core has no memory for it may call no room, ENOSPC. */
	EXPECT_LT(0U, failed.refusals);
	printf("# %u of %u failures were ENOMEM, %u another error\n", failed.refusals,
	       failed.failures, failed.odd);
	EXPECT_EQ(0U, self->wrong);
	EXPECT_EQ(0, try_irqs(device, variant->index, 0, self->count));
	for (i = 0; i < self->count; i++) {
		EXPECT_EQ(1, signals(self->eventfds[i])) TH_LOG("vector %u", i);
	}
	EXPECT_EQ(0, end_irqs(device, variant->index));
}

CTS_MAIN
