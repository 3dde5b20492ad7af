// SPDX-License-Identifier: GPL-2.0-only
/* Mappings from a page to 1 GiB: their first, middle and last bytes are reached, and none beyond. */
#include "ioas.h"

#define MIB ((size_t)1 << 20)

/*
 * Maps @size bytes of @memory and writes at the beginning, in the middle and at the end; then
 * unmaps them. A mapping of another page just behind goes on to lead to its own memory. Nothing is
 * refused.
 */
static bool size_works(struct dut *dut, char *memory, size_t size, uint64_t iova)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	const size_t page = page_size();
	const size_t places[] = { 0, size / page / 2 * page, size - page };
	struct buffer behind;
	bool good = true;
	size_t i;

	pages_alloc(&behind, 1);
	iommufd_map(dut->iommufd, dut->ioas, behind.memory, page, iova + size);
	iommufd_map(dut->iommufd, dut->ioas, memory, size, iova);
	canary_fill(behind.memory, page, 1);
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t offset = i ? aligned_down(limits, page - limits->smallest) : 0;

		good &= write_lands(dut->dma, iova + places[i] + offset, limits->smallest,
				    memory + places[i], page, offset);
	}
	good &= canary_intact(behind.memory, page, 1);
	iommufd_unmap(dut->iommufd, dut->ioas, iova, size);
	good &= page_written(dut->dma, iova + size, behind.memory);
	iommufd_unmap(dut->iommufd, dut->ioas, iova + size, page);
	buffer_free(&behind);
	if (!good)
		fprintf(stderr, "# a mapping of %zu bytes at IOVA %#llx\n", size,
			(unsigned long long)iova);
	return good;
}

/*
 * All powers of four from @smallest to @largest, each at an IOVA where the IOMMU can use its
 * largest pages and, if @shifted, at one where it can't; of the same memory. *@tried becomes the
 * largest of them that the device has room for, 0 if there is none.
 */
static bool powers_work(struct dut *dut, char *memory, size_t smallest, size_t largest,
			bool shifted, size_t *tried)
{
	size_t size;

	*tried = 0;
	for (size = smallest; size <= largest; size *= 4) {
		uint64_t room = shifted ? 2 * size : size;
		uint64_t iova = __iova_alloc(&dut->space, room + page_size(), room);

		if (iova == UINT64_MAX) {
			printf("# up to %zu bytes: the device addresses no more\n", *tried);
			return true;
		}
		*tried = size;
		if (!size_works(dut, memory, size, iova))
			return false;
		if (shifted && size > page_size() &&
		    !size_works(dut, memory, size, iova + page_size()))
			return false;
	}
	return true;
}

CTS_TEST_F(ioas, page_to_16m,
	   .title = "Mappings of every power of four up to 16 MiB are reached to their ends",
	   .requirements = { "MAP-015", "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	struct buffer buffer;
	size_t tried;

	buffer_alloc(&buffer, BUFFER_BASE, 16 * MIB);
	EXPECT_TRUE(powers_work(&self->dut, buffer.memory, page_size(), buffer.size, true, &tried));
	buffer_free(&buffer);
	if (!tried)
		CTS_SKIP(DEVICE_LACKS, "the device has no room for a mapping and its neighbours");
}

/*
 * Little memory again and again, in base pages: what is judged is that each IOVA leads to some of
 * it. Aligned only: what does not lie within 1 GiB is invalidated at once with an address mask
 * that QEMU's VT-d refuses, though the specification allows it (CAP_REG.MAMV is no limit for
 * PASID-based-IOTLB invalidation).
 */
CTS_TEST_F(ioas, up_to_1g,
	   .title = "Mappings of 64 MiB, 256 MiB and 1 GiB are reached to their ends",
	   .requirements = { "MAP-015", "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 180)
{
	struct buffer buffer;
	size_t tried;

	buffer_alloc(&buffer, BUFFER_ALIASED, 1024 * MIB);
	EXPECT_TRUE(powers_work(&self->dut, buffer.memory, 64 * MIB, buffer.size, false, &tried));
	buffer_free(&buffer);
	if (tried < 1024 * MIB)
		CTS_SKIP(DEVICE_LACKS, "of the three sizes the device has room up to %zu bytes",
			 tried);
}

CTS_MAIN
