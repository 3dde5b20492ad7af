/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts of a bound device: VFIO_DEVICE_SET_IRQS with every argument, and the eventfds. */
#ifndef PCI_IRQ_H
#define PCI_IRQ_H

#include <poll.h>
#include <sys/eventfd.h>

#include "bound.h"

#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER
#define MASK VFIO_IRQ_SET_ACTION_MASK
#define UNMASK VFIO_IRQ_SET_ACTION_UNMASK
#define NONE VFIO_IRQ_SET_DATA_NONE
#define BOOL VFIO_IRQ_SET_DATA_BOOL
#define EVENTFD VFIO_IRQ_SET_DATA_EVENTFD

/* How long an interrupt may take at most, on a slow virtual host too; nothing is judged by it. */
#define PATIENCE_MS 10000

/* The most vectors that a test takes. */
#define VECTORS 8

#define HEADER 20
_Static_assert(sizeof(struct vfio_irq_set) == HEADER, "the layout of struct vfio_irq_set is ABI");

/* VFIO_DEVICE_SET_IRQS with @size bytes of @data behind the header. 0 or -errno. */
static inline int set_irqs(int device, uint32_t flags, uint32_t index, uint32_t start,
			   uint32_t count, const void *data, uint32_t size)
{
	uint32_t args[HEADER / 4 + VECTORS] = { HEADER + size, flags, index, start, count };

	if (size)
		memcpy(args + HEADER / 4, data, size);
	return ask(device, VFIO_DEVICE_SET_IRQS, args);
}

/* @count vectors of @index from @start on signal @eventfds. */
static inline int set_eventfds(int device, uint32_t index, uint32_t start, uint32_t count,
			       const int *eventfds)
{
	return set_irqs(device, TRIGGER | EVENTFD, index, start, count, eventfds,
			count * (uint32_t)sizeof(*eventfds));
}

/* The same with one vector. */
static inline int set_eventfd(int device, uint32_t index, uint32_t vector, int fd)
{
	return set_eventfds(device, index, vector, 1, &fd);
}

/* Signals as if @count vectors of @index from @start on had been raised. */
static inline int try_irqs(int device, uint32_t index, uint32_t start, uint32_t count)
{
	return set_irqs(device, TRIGGER | NONE, index, start, count, NULL, 0);
}

/* Ends all of @index. */
static inline int end_irqs(int device, uint32_t index)
{
	return set_irqs(device, TRIGGER | NONE, index, 0, 0, NULL, 0);
}

/* An eventfd that a read doesn't wait for. */
static inline int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	cts_lab_require(fd >= 0, "eventfd");
	return fd;
}

/* How often the eventfd was signalled since the last time. */
static inline uint64_t signals(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

/* The same, but waits for the first of them: an interrupt of the device's is on its way. */
static inline uint64_t await_signals(int fd)
{
	struct pollfd events = { .fd = fd, .events = POLLIN };

	return poll(&events, 1, PATIENCE_MS) == 1 ? signals(fd) : 0;
}

/* A number of a descriptor that isn't open. */
static inline int closed_fd(void)
{
	int fd = new_eventfd();

	close(fd);
	return fd;
}

#endif
