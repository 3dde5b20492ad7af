/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device's accesses did: the questions that the tests ask.
 *
 * The answers are memory's. A device may take a refused access for done (a posted write is not
 * answered), so its status is asked where an access must work, and only told where one must not.
 * Each test that expects a refusal also makes an access that works: a device that does nothing at
 * all must not pass.
 */
#ifndef IOAS_ACCESS_H
#define IOAS_ACCESS_H

#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "calls.h"
#include "canary.h"
#include "dma.h"
#include "dut.h"
#include "iova.h"
#include "measure.h"
#include "memory.h"
#include "test.h"

/* The longest access of any test; devices have their own limits below it. */
#define LONGEST 8192

/* What the device can be asked for that comes nearest to @want bytes. */
static inline size_t length_near(const struct dma_limits *limits, size_t want)
{
	size_t length = want / limits->step * limits->step;

	if (length < limits->smallest)
		length = limits->smallest;
	return length < limits->largest ? length : limits->largest;
}

/* The last place not after @offset where an access may begin. */
static inline uint64_t aligned_down(const struct dma_limits *limits, uint64_t offset)
{
	return offset & ~(uint64_t)(limits->align - 1);
}

/* Can the device have an access of @length bytes at @iova in one piece? */
static inline bool in_one_piece(const struct dma_limits *limits, uint64_t iova, size_t length)
{
	return !limits->boundary || iova % limits->boundary + length <= limits->boundary;
}

/*
 * Counts repetitions: @want of them where they take @seconds or less, else as many as fit, but at
 * least @least. Devices differ by four orders of magnitude, and how much was done is said, not
 * judged.
 */
struct rounds {
	unsigned int want, least, seconds;
	unsigned int done;
	uint64_t begun;
};

/* Is there to be another round? The answer no comes with the count in the output. */
static inline bool another_round(struct rounds *rounds)
{
	uint64_t now = measure_now();

	if (!rounds->done)
		rounds->begun = now;
	if (rounds->done < rounds->least ||
	    (rounds->done < rounds->want &&
	     now - rounds->begun < rounds->seconds * 1000000000ULL)) {
		rounds->done++;
		return true;
	}
	printf("# %u rounds of %u\n", rounds->done, rounds->want);
	return false;
}

/* The first byte of @memory that changed and should not have, or did not and should have. */
static inline size_t first_wrong(const void *memory, size_t size, uint8_t seed, size_t offset,
				 const uint8_t *wrote, size_t length)
{
	const volatile uint8_t *bytes = memory;
	size_t at = canary_changed(memory, size, seed, 0);
	size_t i;

	if (at < offset)
		return at;
	for (i = 0; i < length; i++)
		if (bytes[offset + i] != wrote[i])
			return offset + i;
	return canary_changed(memory, size, seed, offset + length);
}

/*
 * Makes the device write @length bytes at @iova, where a mapping leads to byte @offset of the
 * @size bytes at @memory. Are they there, and is nothing else in @memory changed? @memory is
 * filled anew before.
 */
static inline bool write_lands(struct dma *dma, uint64_t iova, size_t length, void *memory,
			       size_t size, size_t offset)
{
	uint8_t wrote[LONGEST];
	int status;

	canary_fill(memory, size, 0);
	status = dma_write(dma, iova, length, wrote);
	if (!status && canary_holds_only(memory, size, 0, offset, wrote, length))
		return true;
	fprintf(stderr,
		"# a write of %zu bytes at IOVA %#llx: status %d; expected at byte %zu, wrong is byte %zu\n",
		length, (unsigned long long)iova, status, offset,
		status ? canary_changed(memory, size, 0, 0)
		       : first_wrong(memory, size, 0, offset, wrote, length));
	return false;
}

/* The shortest such write, as early in the page at @iova and @memory as the device can. */
static inline bool page_written(struct dma *dma, uint64_t iova, void *memory)
{
	return write_lands(dma, iova, dma_write_limits(dma)->smallest, memory, page_size(), 0);
}

/* Does the shortest write at @iova arrive at page @number of @buffer, and only there? */
static inline bool leads_to(struct dut *dut, uint64_t iova, const struct buffer *buffer,
			    size_t number)
{
	return write_lands(dut->dma, iova, dma_write_limits(dut->dma)->smallest, buffer->memory,
			   buffer->size, number * page_size());
}

/*
 * Makes the device write @length bytes at @iova, which must not reach @memory. Is every byte of it
 * as canary_fill() with @seed left it?
 */
static inline bool write_spares(struct dma *dma, uint64_t iova, size_t length, const void *memory,
				size_t size, uint8_t seed)
{
	uint8_t wrote[LONGEST];
	int status = dma_write(dma, iova, length, wrote);
	size_t changed = canary_changed(memory, size, seed, 0);

	if (changed == size)
		return true;
	fprintf(stderr, "# a write of %zu bytes at IOVA %#llx: status %d; it changed byte %zu\n",
		length, (unsigned long long)iova, status, changed);
	return false;
}

/* Makes the device read @length bytes at @iova. Is what it saw what is at @expected? */
static inline bool read_sees(struct dma *dma, uint64_t iova, size_t length, const void *expected)
{
	uint8_t saw[LONGEST];
	size_t i;
	int status;

	memset(saw, 0, length);
	status = dma_read(dma, iova, length, saw);
	for (i = 0; !status && i < length && saw[i] == ((const volatile uint8_t *)expected)[i]; i++)
		;
	if (!status && i == length)
		return true;
	fprintf(stderr, "# a read of %zu bytes at IOVA %#llx: status %d; wrong is byte %zu\n",
		length, (unsigned long long)iova, status, i);
	return false;
}

/*
 * Makes the device read @length bytes at @iova, which must not tell what is at @secret. Has it
 * seen something else, or nothing?
 */
static inline bool read_learns_nothing(struct dma *dma, uint64_t iova, size_t length,
				       const void *secret)
{
	uint8_t saw[LONGEST];

	if (dma_read(dma, iova, length, saw) || memcmp(saw, secret, length))
		return true;
	fprintf(stderr, "# a read of %zu bytes at IOVA %#llx returned what is not to be seen\n",
		length, (unsigned long long)iova);
	return false;
}

/* A page's worth of each of @count pages of memory, which adjoin. */
static inline char *pages_alloc(struct buffer *buffer, size_t count)
{
	buffer_alloc(buffer, BUFFER_BASE, count * page_size());
	return buffer->memory;
}

#endif
