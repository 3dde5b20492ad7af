/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Canaries: memory with bytes that depend on their place, so that the test sees which of them
 * something changed. A device writes behind the compiler's back, so they are read as volatile.
 */
#ifndef CTS_CANARY_H
#define CTS_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills @size bytes with the pattern of @seed. No two seeds have a byte in common at one place. */
void canary_fill(void *memory, size_t size, uint8_t seed);

/* The offset of the first byte at or after @from that isn't the pattern's, @size if all are. */
size_t canary_changed(const void *memory, size_t size, uint8_t seed, size_t from);

/* Are all @size bytes as canary_fill() left them? */
bool canary_intact(const void *memory, size_t size, uint8_t seed);

/*
 * Are all bytes as canary_fill() left them except [@offset, @offset + @length), which hold what is
 * at @expected?
 */
bool canary_holds_only(const void *memory, size_t size, uint8_t seed, size_t offset,
		       const void *expected, size_t length);

#endif
