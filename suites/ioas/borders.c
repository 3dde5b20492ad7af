// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that cross a multiple of 1 GiB or more. No aligned block of up to 1 GiB holds such a
 * range, so what an IOMMU is told to forget when it is unmapped is more than one block, a block of
 * 2 GiB and more, or everything: whatever it is, both sides have to be out of reach.
 */
#include "ioas.h"

#define GIB ((uint64_t)1 << 30)
#define MIB ((size_t)1 << 20)

/* Where the device writes: first and last page of the mapping, and those beside the border. */
#define SPOTS 4

/*
 * Maps the @size bytes at @memory so that the border, an IOVA, lies in their middle. The device
 * reaches both sides, and neither when they are unmapped.
 */
static bool border_crossed(struct dut *dut, char *memory, size_t size, uint64_t border)
{
	const size_t length = dma_write_limits(dut->dma)->smallest;
	const size_t page = page_size(), half = size / 2;
	const size_t spots[SPOTS] = { 0, half - page, half, size - page };
	const uint64_t iova = border - half;
	bool good = true;
	size_t i;

	iommufd_map(dut->iommufd, dut->ioas, memory, size, iova);
	for (i = 0; i < SPOTS; i++)
		good &= page_written(dut->dma, iova + spots[i], memory + spots[i]);
	iommufd_unmap(dut->iommufd, dut->ioas, iova, size);
	for (i = 0; i < SPOTS; i++) {
		canary_fill(memory + spots[i], page, 1);
		good &= write_spares(dut->dma, iova + spots[i], length, memory + spots[i], page, 1);
	}
	if (!good)
		fprintf(stderr, "# %zu bytes, half of them below IOVA %#llx\n", size,
			(unsigned long long)border);
	return good;
}

/* A border that is an odd multiple of @multiple, a power of two; 0 if the device addresses none. */
static uint64_t border_alloc(struct dut *dut, uint64_t multiple)
{
	uint64_t around = __iova_alloc(&dut->space, 2 * multiple, 2 * multiple);

	return around == UINT64_MAX ? 0 : around + multiple;
}

CTS_TEST_F(ioas, pages,
	   .title = "Pages on both sides of a multiple of 1 GiB, 2 GiB and so on are reached while they are mapped, and not afterwards",
	   .requirements = { "ISO-002", "MAP-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 6);
	uint64_t multiple, border, last = 0;

	for (multiple = GIB; multiple <= 1ULL << 62; multiple *= 2) {
		border = border_alloc(&self->dut, multiple);
		if (!border)
			break;
		EXPECT_TRUE(border_crossed(&self->dut, memory, buffer.size, border));
		last = border;
	}
	if (!last)
		CTS_SKIP(DEVICE_LACKS, "it addresses too little");
	printf("# up to IOVA %#llx\n", (unsigned long long)last);
}

CTS_TEST_F(ioas, megabytes,
	   .title = "The same of a mapping of 64 MiB",
	   .requirements = { "ISO-002", "MAP-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	uint64_t border = border_alloc(&self->dut, GIB);
	struct buffer buffer;

	if (!border)
		CTS_SKIP(DEVICE_LACKS, "it addresses too little");
	buffer_alloc(&buffer, BUFFER_ALIASED, 64 * MIB);
	EXPECT_TRUE(border_crossed(&self->dut, buffer.memory, buffer.size, border));
	buffer_free(&buffer);
}

CTS_MAIN
