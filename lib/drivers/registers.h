/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What drivers of register models share: little-endian registers in a mapped BAR, and waiting for
 * one of them with a deadline. Offsets and widths are in bytes, times in nanoseconds.
 */
#ifndef CTS_REGISTERS_H
#define CTS_REGISTERS_H

#include <endian.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "measure.h"

static inline uint32_t register_read(const volatile void *bar, uint32_t offset)
{
	const volatile uint8_t *base = bar;

	return le32toh(*(const volatile uint32_t *)(base + offset));
}

/* What was written to memory before is visible to the device when it sees @value. */
static inline void register_write(volatile void *bar, uint32_t offset, uint32_t value)
{
	volatile uint8_t *base = bar;

	__sync_synchronize();
	*(volatile uint32_t *)(base + offset) = htole32(value);
}

/* A register of 64 bits as two accesses, the lower half first. */
static inline uint64_t register_read64(const volatile void *bar, uint32_t offset)
{
	uint64_t low = register_read(bar, offset);

	return low | (uint64_t)register_read(bar, offset + 4) << 32;
}

static inline void register_write64(volatile void *bar, uint32_t offset, uint64_t value)
{
	register_write(bar, offset, (uint32_t)value);
	register_write(bar, offset + 4, (uint32_t)(value >> 32));
}

/*
 * Waits until the bits @mask of the register at @offset are @value. False if they aren't after
 * @deadline nanoseconds. Memory that the device wrote before is visible afterwards.
 */
static inline bool register_wait(const volatile void *bar, uint32_t offset, uint32_t mask,
				 uint32_t value, uint64_t deadline)
{
	uint64_t start = measure_now();
	bool late = false, met;

	/* Looked at once more after the deadline: this process may have been away that long. */
	while (!(met = (register_read(bar, offset) & mask) == value) && !late) {
		late = measure_now() - start > deadline;
		sched_yield();
	}
	__sync_synchronize();
	return met;
}

#endif
