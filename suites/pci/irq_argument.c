// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument of VFIO_DEVICE_SET_IRQS. Every PCI device has the channel for requests, with one
 * vector. It is set up here, and works on after whatever was refused.
 */
#include "irq.h"

#define REQ VFIO_PCI_REQ_IRQ_INDEX

FIXTURE(irq_argument)
{
	struct bound bound;
	int eventfd; /* of REQ */
};

FIXTURE_SETUP(irq_argument)
{
	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
	self->eventfd = new_eventfd();
	ASSERT_EQ(0, set_eventfd(self->bound.device, REQ, 0, self->eventfd));
}

FIXTURE_TEARDOWN(irq_argument)
{
	bound_close(&self->bound);
}

/* What is set up was not signalled, and works. */
#define EXPECT_AS_BEFORE()                                             \
	do {                                                           \
		EXPECT_EQ(0, signals(self->eventfd));                  \
		EXPECT_EQ(0, try_irqs(self->bound.device, REQ, 0, 1)); \
		EXPECT_EQ(1, signals(self->eventfd));                  \
	} while (0)

CTS_TEST_F(irq_argument, header_unreadable,
	   .title = "SET_IRQS of which 20 bytes can't be read ends in EFAULT",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_irq_set args = {
		.argsz = HEADER, .flags = TRIGGER | NONE, .index = REQ, .count = 1
	};

	EXPECT_EQ(-EFAULT, ask_unreadable(self->bound.device, VFIO_DEVICE_SET_IRQS, &args, HEADER));
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, data_unreadable,
	   .title = "SET_IRQS whose data can't be read ends in EFAULT",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t data[] = { BOOL, EVENTFD };
	char *edge = inaccessible_page();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(data); i++) {
		const struct vfio_irq_set args = {
			.argsz = HEADER + 4, .flags = TRIGGER | data[i], .index = REQ, .count = 1
		};

		memcpy(edge - HEADER, &args, HEADER);
		EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_SET_IRQS, edge - HEADER));
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, argsz_too_small,
	   .title = "SET_IRQS with an argsz below 20 ends in EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_irq_set args = { .flags = TRIGGER | NONE, .index = REQ, .count = 1 };

	EXPECT_EQ(-EINVAL, ask_too_small(self->bound.device, VFIO_DEVICE_SET_IRQS, &args, HEADER));
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, data_too_short,
	   .title = "SET_IRQS with an argsz that doesn't hold the data ends in EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	int other = new_eventfd();
	uint32_t size;

	for (size = 0; size < sizeof(other); size++) {
		EXPECT_EQ(-EINVAL,
			  set_irqs(self->bound.device, TRIGGER | EVENTFD, REQ, 0, 1, &other, size))
		TH_LOG("%u bytes", size);
	}
	EXPECT_EQ(-EINVAL, set_irqs(self->bound.device, TRIGGER | BOOL, REQ, 0, 1, NULL, 0));
	EXPECT_AS_BEFORE();
	EXPECT_EQ(0, signals(other));
}

CTS_TEST_F(irq_argument, index_too_high,
	   .title = "SET_IRQS of an index from 5 on ends in EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t indices[] = { VFIO_PCI_NUM_IRQS, 6, 0x7fffffff, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		EXPECT_EQ(-EINVAL, try_irqs(self->bound.device, indices[i], 0, 1));
		EXPECT_EQ(-EINVAL, end_irqs(self->bound.device, indices[i]));
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, range,
	   .title = "SET_IRQS of a range beyond the index's count, or that wraps, is EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	static const struct {
		uint32_t start, count;
	} ranges[] = {
		{ 1, 1 },
		{ 0, 2 },
		{ 1, 0 },
		{ UINT32_MAX, 1 },
		{ UINT32_MAX, 2 },
		{ 1, UINT32_MAX },
		{ UINT32_MAX - 1, 2 },
		{ 0, UINT32_MAX },
		{ 0x80000000, 0x80000001 },
		{ 0x80000000, 1 },
		{ 0, UINT32_MAX - 1 },
	};
	uint32_t index;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		EXPECT_EQ(-EINVAL,
			  try_irqs(self->bound.device, REQ, ranges[i].start, ranges[i].count))
		TH_LOG("start %#x, count %#x", ranges[i].start, ranges[i].count);
	}
	for (index = VFIO_PCI_INTX_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++) {
		uint32_t count = function_irq_count(&self->bound.function, index);

		EXPECT_EQ(-EINVAL, set_eventfd(self->bound.device, index, count, self->eventfd));
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, unknown_flags,
	   .title = "SET_IRQS with a flag that doesn't exist ends in EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	unsigned int bit;

	for (bit = 16; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, set_irqs(self->bound.device, TRIGGER | NONE | 1U << bit, REQ, 0,
					    1, NULL, 0))
		TH_LOG("flag %#x", 1U << bit);
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, one_type_of_data,
	   .title = "SET_IRQS with no type of data or several ends in EINVAL",
	   .requirements = { "IRQ-002" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t types[] = {
		0, NONE | BOOL, NONE | EVENTFD, BOOL | EVENTFD, NONE | BOOL | EVENTFD,
	};
	int other = new_eventfd();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-EINVAL, set_irqs(self->bound.device, TRIGGER | types[i], REQ, 0, 1,
					    &other, sizeof(other)))
		TH_LOG("flags %#x", types[i]);
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, one_action,
	   .title = "SET_IRQS with no action or several ends in ENOTTY",
	   .requirements = { "IRQ-010" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t actions[] = {
		0, MASK | UNMASK, MASK | TRIGGER, UNMASK | TRIGGER, MASK | UNMASK | TRIGGER,
	};
	uint32_t index;
	size_t i;

	for (index = 0; index < VFIO_PCI_NUM_IRQS; index++) {
		if (!function_irq_count(&self->bound.function, index))
			continue;
		for (i = 0; i < ARRAY_SIZE(actions); i++) {
			EXPECT_EQ(-ENOTTY, set_irqs(self->bound.device, actions[i] | NONE, index, 0,
						    1, NULL, 0))
			TH_LOG("index %u, flags %#x", index, actions[i]);
		}
	}
	EXPECT_AS_BEFORE();
}

CTS_TEST_F(irq_argument, only_intx_is_masked,
	   .title = "MASK and UNMASK of any index but INTx end in ENOTTY",
	   .requirements = { "IRQ-010" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t index;

	for (index = VFIO_PCI_MSI_IRQ_INDEX; index < VFIO_PCI_NUM_IRQS; index++) {
		if (!function_irq_count(&self->bound.function, index))
			continue;
		EXPECT_EQ(-ENOTTY, set_irqs(self->bound.device, MASK | NONE, index, 0, 1, NULL, 0));
		EXPECT_EQ(-ENOTTY,
			  set_irqs(self->bound.device, UNMASK | NONE, index, 0, 1, NULL, 0));
		EXPECT_EQ(-ENOTTY, set_irqs(self->bound.device, UNMASK | EVENTFD, index, 0, 1,
					    &self->eventfd, sizeof(self->eventfd)));
	}
	EXPECT_AS_BEFORE();
}

CTS_MAIN
