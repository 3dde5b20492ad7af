// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors of MSI and of MSI-X and their eventfds, tried without the device raising any: what the
 * device's own interrupts do is in interrupts.c.
 */
#include "irq.h"

FIXTURE(vectors)
{
	struct bound bound;
	uint32_t count; /* as many as are set up */
	int eventfds[VECTORS];
};

FIXTURE_VARIANT(vectors)
{
	uint32_t index;
};

FIXTURE_VARIANT_ADD(vectors, msi)
{
	.index = VFIO_PCI_MSI_IRQ_INDEX,
};
FIXTURE_VARIANT_ADD(vectors, msix)
{
	.index = VFIO_PCI_MSIX_IRQ_INDEX,
};

FIXTURE_SETUP(vectors)
{
	uint32_t i;

	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	self->count = function_irq_count(&self->bound.function, variant->index);
	if (!self->count)
		CTS_SKIP(DEVICE_LACKS, "the device has no such interrupts");
	if (self->count > VECTORS)
		self->count = VECTORS;
	for (i = 0; i < self->count; i++) {
		self->eventfds[i] = new_eventfd();
	}
}

FIXTURE_TEARDOWN(vectors)
{
	bound_close(&self->bound);
}

#define SET_UP()                                                                      \
	ASSERT_EQ(0, set_eventfds(self->bound.device, variant->index, 0, self->count, \
				  self->eventfds))

/* More often than a device has vectors. */
#define ATTEMPTS 256

/* The eventfds in [@first, @last) were signalled @times, the others not. */
#define EXPECT_SIGNALLED(first, last, times)                                    \
	do {                                                                    \
		uint32_t __i, __first = (first), __last = (last);               \
		uint64_t __times = (times);                                     \
                                                                                \
		for (__i = 0; __i < self->count; __i++) {                       \
			EXPECT_EQ(__i >= __first && __i < __last ? __times : 0, \
				  signals(self->eventfds[__i]))                 \
			TH_LOG("vector %u", __i);                               \
		}                                                               \
	} while (0)

/* All that are set up work. */
#define EXPECT_WORK()                                                                       \
	do {                                                                                \
		EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, 0, self->count)); \
		EXPECT_SIGNALLED(0, self->count, 1);                                        \
	} while (0)

CTS_TEST_F(vectors, tried,
	   .title = "Trying a range of vectors signals each of it once and none outside",
	   .requirements = { "IRQ-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t vector;

	SET_UP();
	EXPECT_SIGNALLED(0, 0, 0);
	EXPECT_WORK();
	for (vector = 0; vector < self->count; vector++) {
		EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, vector, 1));
		EXPECT_SIGNALLED(vector, vector + 1, 1);
	}
	if (self->count < 4)
		return;
	EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, 1, 2));
	EXPECT_SIGNALLED(1, 3, 1);
}

CTS_TEST_F(vectors, tried_by_bytes,
	   .title = "DATA_BOOL signals the vectors whose byte isn't 0, and none outside",
	   .requirements = { "IRQ-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint8_t bytes[VECTORS] = { 0 };
	uint32_t vector;

	SET_UP();
	EXPECT_EQ(0, set_irqs(self->bound.device, TRIGGER | BOOL, variant->index, 0, self->count,
			      bytes, self->count));
	EXPECT_SIGNALLED(0, 0, 0);
	for (vector = 0; vector < self->count; vector++) {
		memset(bytes, 0, sizeof(bytes));
		bytes[vector] = vector ? 0x80 : 1;
		EXPECT_EQ(0, set_irqs(self->bound.device, TRIGGER | BOOL, variant->index, 0,
				      self->count, bytes, self->count));
		EXPECT_SIGNALLED(vector, vector + 1, 1);
		/* The first byte is that of the first vector of the range. */
		EXPECT_EQ(0, set_irqs(self->bound.device, TRIGGER | BOOL, variant->index, vector, 1,
				      bytes + vector, 1));
		EXPECT_SIGNALLED(vector, vector + 1, 1);
	}
}

CTS_TEST_F(vectors, without_an_eventfd,
	   .title = "Trying a vector that has no eventfd returns 0 and passes it over",
	   .requirements = { "IRQ-011", "IRQ-012" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t last = self->count - 1;

	SET_UP();
	EXPECT_EQ(0, set_eventfd(self->bound.device, variant->index, last, -1));
	EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, 0, self->count));
	EXPECT_SIGNALLED(0, last, 1);
	EXPECT_EQ(0, set_eventfd(self->bound.device, variant->index, last, self->eventfds[last]));
	EXPECT_WORK();
}

CTS_TEST_F(vectors, another_eventfd,
	   .title = "An eventfd that is set for a vector again takes the place of the first",
	   .requirements = { "IRQ-012" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();

	SET_UP();
	EXPECT_EQ(0, set_eventfd(self->bound.device, variant->index, 0, other));
	EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, 0, self->count));
	EXPECT_EQ(1, signals(other));
	EXPECT_SIGNALLED(1, self->count, 1);
}

CTS_TEST_F(vectors, ended,
	   .title = "DATA_NONE with count 0 ends the index: nothing of it can be tried then",
	   .requirements = { "IRQ-012", "IRQ-004" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device;

	SET_UP();
	EXPECT_EQ(0, end_irqs(device, variant->index));
	EXPECT_EQ(-EINVAL, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(-EINVAL, end_irqs(device, variant->index));
	EXPECT_SIGNALLED(0, 0, 0);
	SET_UP();
	EXPECT_WORK();
}

CTS_TEST_F(vectors, not_set_up,
	   .title = "Trying or ending an index that isn't set up is EINVAL",
	   .requirements = { "IRQ-004" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device;
	uint8_t byte = 1;

	EXPECT_EQ(-EINVAL, try_irqs(device, variant->index, 0, 1));
	EXPECT_EQ(-EINVAL, set_irqs(device, TRIGGER | BOOL, variant->index, 0, 1, &byte, 1));
	EXPECT_EQ(-EINVAL, end_irqs(device, variant->index));
	SET_UP();
	EXPECT_WORK();
}

CTS_TEST_F(vectors, one_kind_at_a_time,
	   .title = "While one kind is set up another is refused with EINVAL, and the first works",
	   .requirements = { "IRQ-004" },
	   .needs = CTS_NEED_CDEV)
{
	int device = self->bound.device, other = new_eventfd();
	uint32_t index;

	SET_UP();
	for (index = VFIO_PCI_INTX_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++) {
		if (index == variant->index)
			continue;
		/* Also of an index that the device hasn't. */
		EXPECT_EQ(-EINVAL, set_eventfd(device, index, 0, other)) TH_LOG("index %u", index);
		EXPECT_EQ(-EINVAL, try_irqs(device, index, 0, 1));
		EXPECT_EQ(-EINVAL, end_irqs(device, index));
	}
	EXPECT_WORK();
	EXPECT_EQ(0, signals(other));
}

CTS_TEST_F(vectors, no_eventfd,
	   .title = "Setting up an index with what is no eventfd sets up nothing",
	   .requirements = { "IRQ-005" },
	   .needs = CTS_NEED_CDEV)
{
	const int refused[] = { closed_fd(), self->bound.iommufd };
	const int errors[] = { -EBADF, -EINVAL };
	int device = self->bound.device, eventfds[VECTORS];
	uint32_t last = self->count - 1, i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		/* The last of the range, so that the others were set already. */
		memcpy(eventfds, self->eventfds, sizeof(eventfds));
		eventfds[last] = refused[i];
		EXPECT_EQ(errors[i],
			  set_eventfds(device, variant->index, 0, self->count, eventfds));
		EXPECT_EQ(-EINVAL, try_irqs(device, variant->index, 0, 1));
		EXPECT_EQ(-EINVAL, end_irqs(device, variant->index));
	}
	EXPECT_SIGNALLED(0, 0, 0);
	/* Another kind can be set up, and then this one. */
	if (function_irq_count(&self->bound.function, VFIO_PCI_INTX_IRQ_INDEX)) {
		EXPECT_EQ(0, set_eventfd(device, VFIO_PCI_INTX_IRQ_INDEX, 0, self->eventfds[0]));
		EXPECT_EQ(0, end_irqs(device, VFIO_PCI_INTX_IRQ_INDEX));
	}
	SET_UP();
	EXPECT_WORK();
}

CTS_TEST_F(vectors, grow,
	   .title = "Vectors can be added to MSI-X that says so, and those that are there work on",
	   .requirements = { "IRQ-013" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = variant->index };
	int device = self->bound.device;
	uint32_t vector;

	ASSERT_EQ(0, ask(device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	if (info.flags & VFIO_IRQ_INFO_NORESIZE || self->count < 2)
		CTS_SKIP(DEVICE_LACKS, "the vectors can't grow in number");
	ASSERT_EQ(0, set_eventfd(device, variant->index, 0, self->eventfds[0]));
	/* From the far end, so that there are holes in between. */
	for (vector = self->count - 1; vector; vector--) {
		EXPECT_EQ(0, try_irqs(device, variant->index, 0, 1));
		EXPECT_EQ(0, set_eventfd(device, variant->index, vector, self->eventfds[vector]))
		TH_LOG("vector %u", vector);
		EXPECT_SIGNALLED(0, 1, 1);
		EXPECT_EQ(0, try_irqs(device, variant->index, vector, 1));
		EXPECT_SIGNALLED(vector, vector + 1, 1);
	}
	EXPECT_WORK();
}

/* Where interrupts go through the table there is none to put them into. */
CTS_TEST_F(vectors, while_unattached,
	   .title = "What a device that is attached to nothing is refused takes none of its vectors away",
	   .requirements = { "IRQ-003" },
	   .needs = CTS_NEED_CDEV)
{
	int i, rc = -ENOSPC;

	vfio_detach(self->bound.device);
	for (i = 0; i < ATTEMPTS && rc; i++)
		rc = set_eventfds(self->bound.device, variant->index, 0, self->count,
				  self->eventfds);
	if (!rc) {
		EXPECT_EQ(0, end_irqs(self->bound.device, variant->index));
	}
	bound_attach(&self->bound);
	SET_UP();
	EXPECT_EQ(0, try_irqs(self->bound.device, variant->index, 0, self->count));
	EXPECT_SIGNALLED(0, self->count, 1);
}

CTS_TEST_F(vectors, other_kind_while_unattached,
	   .title = "What a device that is attached to nothing is refused does the other kind of messages no harm",
	   .requirements = { "IRQ-003" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t other = variant->index == VFIO_PCI_MSI_IRQ_INDEX ? VFIO_PCI_MSIX_IRQ_INDEX
									: VFIO_PCI_MSI_IRQ_INDEX;
	int device = self->bound.device;

	if (!function_irq_count(&self->bound.function, other))
		CTS_SKIP(DEVICE_LACKS, "the device has one kind of messages only");
	vfio_detach(device);
	if (!set_eventfd(device, variant->index, 0, self->eventfds[0])) {
		EXPECT_EQ(0, end_irqs(device, variant->index));
	}
	bound_attach(&self->bound);
	ASSERT_EQ(0, set_eventfd(device, other, 0, self->eventfds[0]));
	EXPECT_EQ(0, try_irqs(device, other, 0, 1));
	EXPECT_EQ(1, signals(self->eventfds[0]));
}

CTS_MAIN
