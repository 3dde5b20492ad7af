// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio lets go of the eventfds that it was given. An eventfd has a number (eventfd-id of
 * proc_pid_fdinfo(5)), the lowest that is free, and that is free again when the last has let go of
 * it: so the more of them are held by something, the higher are the numbers of new ones.
 */
#include <time.h>

#include "bar.h"
#include "ioeventfd.h"
#include "irq.h"
#include "low_power.h"
#include "measure.h"

/* How often each way to give and take eventfds is gone, and with how many of them. */
#define ROUNDS 16
#define GIVEN 4

/* More new ones than there are numbers that can have been left between those that are held. */
#define MANY (2 * (ROUNDS + GIVEN))

/* The number of the eventfd @fd, -1 if the kernel doesn't tell. */
static int number_of(int fd)
{
	char path[64], line[128];
	int number = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	cts_lab_require(file, "%s", path);
	while (number < 0 && fgets(line, sizeof(line), file))
		(void)!sscanf(line, "eventfd-id: %d", &number);
	fclose(file);
	return number;
}

/* The highest number of many new ones. */
static int highest_number(void)
{
	int many[MANY], number, i;

	for (i = 0; i < MANY; i++) {
		many[i] = new_eventfd();
	}
	number = number_of(many[MANY - 1]);
	for (i = 0; i < MANY; i++) {
		cts_close(&many[i]);
	}
	return number;
}

/*
 * Are fewer held than one for each round, since the highest number was @before? Some go only when
 * nobody can be looking at them any more.
 */
static bool are_let_go(int before)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const uint64_t begin = measure_now();

	do {
		if (highest_number() < before + ROUNDS)
			return true;
		nanosleep(&pause, NULL);
	} while (measure_now() - begin < PATIENCE_MS * 1000000ULL);
	return false;
}

/* Ways to give @function eventfds and to take them back; false if the device has no such thing. */
typedef bool way_fn(const struct function *function, const int eventfds[GIVEN]);

static bool vectors(const struct function *function, uint32_t index, const int eventfds[GIVEN])
{
	if (!function_irq_count(function, index))
		return false;
	cts_require(!set_eventfd(function->fd, index, 0, eventfds[0]) &&
			    !set_eventfd(function->fd, index, 0, eventfds[1]) &&
			    !set_eventfd(function->fd, index, 0, -1) &&
			    !set_eventfd(function->fd, index, 0, eventfds[2]) &&
			    !end_irqs(function->fd, index),
		    "VFIO_DEVICE_SET_IRQS of index %u", index);
	return true;
}

static bool intx(const struct function *function, const int eventfds[GIVEN])
{
	return vectors(function, VFIO_PCI_INTX_IRQ_INDEX, eventfds);
}

static bool msi(const struct function *function, const int eventfds[GIVEN])
{
	return vectors(function, VFIO_PCI_MSI_IRQ_INDEX, eventfds);
}

static bool msix(const struct function *function, const int eventfds[GIVEN])
{
	return vectors(function, VFIO_PCI_MSIX_IRQ_INDEX, eventfds);
}

static bool channels(const struct function *function, const int eventfds[GIVEN])
{
	return vectors(function, VFIO_PCI_ERR_IRQ_INDEX, eventfds) &&
	       vectors(function, VFIO_PCI_REQ_IRQ_INDEX, eventfds);
}

static int unmask_by(const struct function *function, int fd)
{
	return set_irqs(function->fd, UNMASK | EVENTFD, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd,
			sizeof(fd));
}

static bool unmask(const struct function *function, const int eventfds[GIVEN])
{
	if (!function_irq_count(function, VFIO_PCI_INTX_IRQ_INDEX))
		return false;
	cts_require(!set_eventfd(function->fd, VFIO_PCI_INTX_IRQ_INDEX, 0, eventfds[0]) &&
			    !unmask_by(function, eventfds[1]) &&
			    unmask_by(function, eventfds[2]) == -EBUSY &&
			    !unmask_by(function, -1) && !unmask_by(function, eventfds[3]) &&
			    !end_irqs(function->fd, VFIO_PCI_INTX_IRQ_INDEX),
		    "VFIO_DEVICE_SET_IRQS of INTx");
	return true;
}

/* The first BAR that can be mapped: FUNCTION_BARS without one. */
static uint32_t any_bar(const struct function *function)
{
	uint32_t bar = 0;

	while (bar < FUNCTION_BARS && !(function->region[bar].flags & VFIO_REGION_INFO_FLAG_MMAP))
		bar++;
	return bar;
}

/* Nobody signals the eventfds, so that nothing is written. */
static int write_by(const struct function *function, int fd)
{
	return ioeventfd(function, VFIO_DEVICE_IOEVENTFD_32, any_bar(function), 0, 0, fd);
}

static bool writes(const struct function *function, const int eventfds[GIVEN])
{
	if (any_bar(function) == FUNCTION_BARS)
		return false;
	cts_require(!write_by(function, eventfds[0]) &&
			    write_by(function, eventfds[1]) == -EEXIST && !write_by(function, -1) &&
			    !write_by(function, eventfds[2]) && !write_by(function, -1),
		    "VFIO_DEVICE_IOEVENTFD");
	return true;
}

static bool wakeup(const struct function *function, const int eventfds[GIVEN])
{
	int rc = enter_with_wakeup(function->fd, eventfds[0]);

	if (rc == -ENOTTY)
		return false;
	/* A second one is refused, unless the device slept already and this has woken it. */
	(void)enter_with_wakeup(function->fd, eventfds[1]);
	cts_require(!rc && !leave(function->fd), "VFIO_DEVICE_FEATURE of low power");
	return true;
}

/* Gives all and takes nothing back. */
static bool left(const struct function *function, const int eventfds[GIVEN])
{
	const uint32_t index = function_irq_count(function, VFIO_PCI_MSI_IRQ_INDEX)
				       ? VFIO_PCI_MSI_IRQ_INDEX
				       : VFIO_PCI_INTX_IRQ_INDEX;

	cts_require(!set_eventfd(function->fd, VFIO_PCI_ERR_IRQ_INDEX, 0, eventfds[0]) &&
			    !set_eventfd(function->fd, VFIO_PCI_REQ_IRQ_INDEX, 0, eventfds[1]),
		    "VFIO_DEVICE_SET_IRQS of the channels");
	if (function_irq_count(function, index))
		cts_require(!set_eventfd(function->fd, index, 0, eventfds[2]),
			    "VFIO_DEVICE_SET_IRQS of index %u", index);
	if (any_bar(function) != FUNCTION_BARS)
		cts_require(!write_by(function, eventfds[3]), "VFIO_DEVICE_IOEVENTFD");
	(void)enter_with_wakeup(function->fd, eventfds[3]);
	return true;
}

FIXTURE(eventfds)
{
	struct bound bound;
};

FIXTURE_VARIANT(eventfds)
{
	way_fn *way;
	bool close; /* the device after each round */
};

FIXTURE_VARIANT_ADD(eventfds, intx)
{ .way = intx };
FIXTURE_VARIANT_ADD(eventfds, msi)
{ .way = msi };
FIXTURE_VARIANT_ADD(eventfds, msix)
{ .way = msix };
FIXTURE_VARIANT_ADD(eventfds, channels)
{ .way = channels };
FIXTURE_VARIANT_ADD(eventfds, unmask)
{ .way = unmask };
FIXTURE_VARIANT_ADD(eventfds, writes)
{ .way = writes };
FIXTURE_VARIANT_ADD(eventfds, wakeup)
{ .way = wakeup };
FIXTURE_VARIANT_ADD(eventfds, left)
{ .way = left, .close = true };

FIXTURE_SETUP(eventfds)
{
	CTS_CHECK_NEEDS();
	BOUND_ATTACHED_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(eventfds)
{
	bound_close(&self->bound);
}

CTS_TEST_F(eventfds, held_no_longer,
	   .title = "An eventfd that was taken away, replaced, refused or left with the device is held no longer",
	   .requirements = { "IRQ-021" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 60)
{
	int before = highest_number(), given[GIVEN], round, i;

	if (before < 0)
		CTS_SKIP(KERNEL_LACKS, "no eventfd-id in /proc/self/fdinfo");
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < GIVEN; i++) {
			given[i] = new_eventfd();
		}
		if (!variant->way(&self->bound.function, given))
			CTS_SKIP(DEVICE_LACKS, "the device has nothing to give an eventfd to");
		for (i = 0; i < GIVEN; i++) {
			cts_close(&given[i]);
		}
		if (variant->close) {
			bound_close_device(&self->bound);
			bound_open(&self->bound);
			bound_attach(&self->bound);
		}
	}
	EXPECT_TRUE(are_let_go(before));
}

CTS_MAIN
