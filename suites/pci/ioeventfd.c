// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_IOEVENTFD: a write to a BAR that an eventfd does. What is refused is asked for with
 * an eventfd that nobody signals, so that nothing is written on a kernel that takes it.
 */
#include "ioeventfd.h"
#include "bar.h"
#include "irq.h"

#define MINIMUM 28 /* behind fd; the structure ends in a reserved word */
_Static_assert(offsetof(struct vfio_device_ioeventfd, fd) + sizeof(int32_t) == MINIMUM,
	       "the layout of struct vfio_device_ioeventfd is ABI");

FIXTURE(ioeventfd)
{
	struct bound bound;
	uint32_t bar;
	uint64_t size; /* of the BAR */
	int eventfd;
};

FIXTURE_SETUP(ioeventfd)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	BAR_OR_SKIP(&self->bound.function, &self->bar);
	self->size = self->bound.function.region[self->bar].size;
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(ioeventfd)
{
	bound_close(&self->bound);
}

#define EXPECT_REFUSED(flags, index, offset) \
	EXPECT_EQ(-EINVAL, ioeventfd(&self->bound.function, flags, index, offset, 0, self->eventfd))

/* Where all is as before, nothing is there to be taken away. */
#define EXPECT_NOTHING_SET() \
	EXPECT_EQ(-ENODEV,   \
		  ioeventfd(&self->bound.function, VFIO_DEVICE_IOEVENTFD_32, self->bar, 0, 0, -1))

CTS_TEST_F(ioeventfd, argument,
	   .title = "IOEVENTFD with an argument that can't be read or is too short is refused",
	   .requirements = { "IRQ-018" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_region_info *region = &self->bound.function.region[self->bar];
	struct vfio_device_ioeventfd args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = region->offset,
		.fd = self->eventfd,
	};

	EXPECT_EQ(-EFAULT,
		  ask_unreadable(self->bound.device, VFIO_DEVICE_IOEVENTFD, &args, MINIMUM));
	EXPECT_EQ(-EINVAL,
		  ask_too_small(self->bound.device, VFIO_DEVICE_IOEVENTFD, &args, MINIMUM));
	EXPECT_NOTHING_SET();
}

CTS_TEST_F(ioeventfd, width,
	   .title = "IOEVENTFD with unknown flags, no width or several ends in EINVAL",
	   .requirements = { "IRQ-018" },
	   .needs = CTS_NEED_CDEV)
{
	unsigned int bit;

	EXPECT_REFUSED(0, self->bar, 0);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_8 | VFIO_DEVICE_IOEVENTFD_32, self->bar, 0);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_SIZE_MASK, self->bar, 0);
	for (bit = 16; bit < 32; bit++) {
		EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32 | 1U << bit, self->bar, 0)
		TH_LOG("flag %#x", 1U << bit);
	}
	EXPECT_NOTHING_SET();
}

CTS_TEST_F(ioeventfd, file,
	   .title = "IOEVENTFD with what is no eventfd is refused, and sets nothing",
	   .requirements = { "IRQ-018" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	const uint32_t flags = VFIO_DEVICE_IOEVENTFD_32;

	EXPECT_EQ(-EINVAL, ioeventfd(function, flags, self->bar, 0, 0, -2));
	EXPECT_EQ(-EINVAL, ioeventfd(function, flags, self->bar, 0, 0, self->bound.iommufd));
	EXPECT_EQ(-EBADF, ioeventfd(function, flags, self->bar, 0, 0, closed_fd()));
	EXPECT_NOTHING_SET();
}

CTS_TEST_F(ioeventfd, beyond_a_bar,
	   .title = "IOEVENTFD beyond the end of a BAR or outside of BARs ends in EINVAL",
	   .requirements = { "IRQ-018" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t wide = VFIO_DEVICE_IOEVENTFD_32;
	uint32_t index;

	EXPECT_REFUSED(wide, self->bar, self->size);
	EXPECT_REFUSED(wide, self->bar, self->size - 2);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_8, self->bar, self->size);
	EXPECT_REFUSED(wide, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND);
	EXPECT_REFUSED(wide, VFIO_PCI_ROM_REGION_INDEX, 0);
	for (index = 0; index < FUNCTION_BARS; index++) {
		if (!self->bound.function.region[index].size) {
			EXPECT_REFUSED(wide, index, 0);
		}
	}
	/* Offsets of no region: the largest ones, also as numbers with a sign. */
	EXPECT_REFUSED(wide, VFIO_PCI_CONFIG_REGION_INDEX, (uint64_t)INT64_MAX / 2);
	EXPECT_REFUSED(wide, VFIO_PCI_BAR0_REGION_INDEX, UINT64_MAX - 3);
	EXPECT_REFUSED(wide, VFIO_PCI_BAR0_REGION_INDEX, (uint64_t)INT64_MIN);
	EXPECT_NOTHING_SET();
}

CTS_TEST_F(ioeventfd, msix_table,
	   .title = "IOEVENTFD that touches the table of MSI-X ends in EINVAL",
	   .requirements = { "IRQ-018" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t msix = function_capability(function, PCI_CAP_ID_MSIX), word, bar, first, last;

	if (!msix)
		CTS_SKIP(DEVICE_LACKS, "the device has no MSI-X");
	word = function_config_read(function, msix + PCI_MSIX_TABLE, 4);
	bar = word & PCI_MSIX_TABLE_BIR;
	first = word & PCI_MSIX_TABLE_OFFSET;
	word = function_config_read(function, msix + PCI_MSIX_FLAGS, 2);
	last = first + ((word & PCI_MSIX_FLAGS_QSIZE) + 1) * 16;
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_8, bar, first);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32, bar, first);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32, bar, first + 16);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_8, bar, last - 1);
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32, bar, last - 4);
	/* Only its last byte, or its first, is in the table. */
	EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32, bar, last - 1);
	if (first) {
		EXPECT_REFUSED(VFIO_DEVICE_IOEVENTFD_32, bar, first - 3);
	}
	EXPECT_NOTHING_SET();
}

CTS_MAIN
