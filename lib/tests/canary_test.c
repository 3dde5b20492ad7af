// SPDX-License-Identifier: GPL-2.0-only
/* Canaries notice every byte that changed, and no other. */
#include <string.h>

#include "canary.h"
#include "unit.h"

#define SIZE 64
#define PAGE 4096
#define PAGES 256

/* Every change of one byte, for all small sizes and at every alignment. */
static void single_bytes(void)
{
	_Alignas(8) static uint8_t memory[SIZE + 16];
	size_t base, size, at, from;

	for (base = 0; base < 8; base++) {
		for (size = 0; size <= 40; size++) {
			uint8_t *begin = memory + base;

			canary_fill(begin, size, 7);
			CHECK(canary_intact(begin, size, 7));
			CHECK(size == 0 || !canary_intact(begin, size, 8));
			for (at = 0; at < size; at++) {
				begin[at] ^= 0x10;
				CHECK(!canary_intact(begin, size, 7));
				for (from = 0; from <= size; from++) {
					CHECK(canary_changed(begin, size, 7, from) ==
					      (from <= at ? at : size));
				}
				begin[at] ^= 0x10;
			}
		}
	}
}

static void fill_keeps_to_its_bytes(void)
{
	uint8_t memory[SIZE];
	size_t i;

	memset(memory, 0xee, sizeof(memory));
	canary_fill(memory + 8, 21, 1);
	for (i = 0; i < SIZE; i++) {
		CHECK((i >= 8 && i < 29) || memory[i] == 0xee);
	}
}

static void seeds_differ_everywhere(void)
{
	static uint8_t first[PAGE], second[PAGE];
	unsigned int seed;
	size_t i;

	canary_fill(first, PAGE, 0);
	for (seed = 1; seed < 256; seed++) {
		canary_fill(second, PAGE, (uint8_t)seed);
		for (i = 0; i < PAGE; i++)
			CHECK(first[i] != second[i]);
	}
}

/* A page in the wrong place is noticed. */
static void pages_differ(void)
{
	uint8_t *memory = malloc((size_t)PAGES * PAGE);
	size_t i, j;

	CHECK(memory);
	canary_fill(memory, (size_t)PAGES * PAGE, 3);
	for (i = 0; i < PAGES; i++) {
		for (j = 0; j < i; j++)
			CHECK(memcmp(memory + i * PAGE, memory + j * PAGE, 64));
	}
	free(memory);
}

static void holds_only(void)
{
	static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	_Alignas(8) uint8_t memory[SIZE];
	size_t at, length, i;

	for (at = 0; at < 20; at++) {
		for (length = 0; length <= sizeof(expected); length++) {
			canary_fill(memory, SIZE, 5);
			memcpy(memory + at, expected, length);
			CHECK(canary_holds_only(memory, SIZE, 5, at, expected, length));
			for (i = 0; i < SIZE; i++) {
				memory[i] ^= 1;
				CHECK(!canary_holds_only(memory, SIZE, 5, at, expected, length));
				memory[i] ^= 1;
			}
		}
	}
}

int main(void)
{
	single_bytes();
	fill_keeps_to_its_bytes();
	seeds_differ_everywhere();
	pages_differ();
	holds_only();
	return 0;
}
