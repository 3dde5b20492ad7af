// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "canary.h"

#define WORD sizeof(uint64_t)

/*
 * The pattern of the 8 bytes at 8 * @index. Mixed well (the last steps of splitmix64), so that no
 * page looks like another one: a page that turned up in the wrong place would be taken for
 * untouched.
 */
static uint64_t pattern(size_t index, uint8_t seed)
{
	uint64_t word = (uint64_t)index + 0x9e3779b97f4a7c15ULL;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
	word ^= word >> 31;
	return word ^ 0x0101010101010101ULL * seed;
}

/* The pattern's byte at @offset. */
static uint8_t pattern_byte(size_t offset, uint8_t seed)
{
	uint64_t word = pattern(offset / WORD, seed);
	uint8_t bytes[WORD];

	memcpy(bytes, &word, WORD);
	return bytes[offset % WORD];
}

void canary_fill(void *memory, size_t size, uint8_t seed)
{
	volatile uint8_t *bytes = memory;
	size_t offset = 0;

	if (!((uintptr_t)memory % WORD)) {
		volatile uint64_t *words = memory;

		for (; offset + WORD <= size; offset += WORD)
			words[offset / WORD] = pattern(offset / WORD, seed);
	}
	for (; offset < size; offset++)
		bytes[offset] = pattern_byte(offset, seed);
}

size_t canary_changed(const void *memory, size_t size, uint8_t seed, size_t from)
{
	const volatile uint8_t *bytes = memory;
	size_t offset = from;

	if (!((uintptr_t)memory % WORD)) {
		const volatile uint64_t *words = memory;

		for (; offset < size && offset % WORD; offset++) {
			if (bytes[offset] != pattern_byte(offset, seed))
				return offset;
		}
		while (offset + WORD <= size &&
		       words[offset / WORD] == pattern(offset / WORD, seed))
			offset += WORD;
	}
	/* The byte of the word that differs, or what is left behind the last whole word. */
	for (; offset < size; offset++) {
		if (bytes[offset] != pattern_byte(offset, seed))
			return offset;
	}
	return size;
}

bool canary_intact(const void *memory, size_t size, uint8_t seed)
{
	return canary_changed(memory, size, seed, 0) == size;
}

bool canary_holds_only(const void *memory, size_t size, uint8_t seed, size_t offset,
		       const void *expected, size_t length)
{
	const volatile uint8_t *bytes = memory;
	const uint8_t *wanted = expected;
	size_t i;

	for (i = 0; i < length; i++) {
		if (bytes[offset + i] != wanted[i])
			return false;
	}
	return canary_changed(memory, offset, seed, 0) == offset &&
	       canary_changed(memory, size, seed, offset + length) == size;
}
