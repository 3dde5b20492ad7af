// SPDX-License-Identifier: GPL-2.0-only
/*
 * When IOMMU_IOAS_UNMAP returns, the memory is out of the device's reach, though the IOMMU or the
 * device had the translation cached: each test makes the device use it just before.
 */
#include "ioas.h"

#define ROUNDS 10000
#define SECONDS 8
#define MIB ((size_t)1 << 20)

/* Maps @size bytes of @memory at @iova as @pieces mappings of equal length. */
static void map_in_pieces(struct dut *dut, char *memory, size_t size, size_t pieces, uint64_t iova)
{
	size_t i, piece = size / pieces;

	for (i = 0; i < pieces; i++)
		iommufd_map(dut->iommufd, dut->ioas, memory + i * piece, piece, iova + i * piece);
}

/*
 * Two memories take turns at one IOVA; after each turn the device writes there. Nothing is
 * refused, so this is quick, and a translation that outlived its mapping shows as a write to the
 * wrong memory. For each turn, how many mappings the memory is divided into.
 */
static bool take_turns(struct dut *dut, struct buffer *buffers, const size_t *pieces,
		       struct rounds rounds)
{
	size_t size = buffers[0].size, length = dma_write_limits(dut->dma)->smallest;
	uint64_t iova = iova_alloc(&dut->space, size, size);
	/* Not in the first page, where a table that was taken for a page would be found alike. */
	size_t at = size > page_size() ? size - page_size() : 0;
	uint8_t wrote[LONGEST];

	while (another_round(&rounds)) {
		size_t turn = rounds.done % 2;
		char *mine = buffers[turn].memory, *other = buffers[!turn].memory;
		int status;

		canary_fill(mine + at, page_size(), 0);
		canary_fill(other + at, page_size(), 1);
		map_in_pieces(dut, mine, size, pieces[turn], iova);
		status = dma_write(dut->dma, iova + at, length, wrote);
		if (status || !canary_intact(other + at, page_size(), 1) ||
		    !canary_holds_only(mine + at, page_size(), 0, 0, wrote, length)) {
			fprintf(stderr, "# round %u: status %d, the memory unmapped before is %s\n",
				rounds.done, status,
				canary_intact(other + at, page_size(), 1) ? "intact" : "changed");
			return false;
		}
		iommufd_unmap(dut->iommufd, dut->ioas, iova, size);
	}
	return true;
}

CTS_TEST_F(ioas, next_mapping_is_used,
	   .title = "Memory mapped where other memory was is what the device writes to, ten thousand times",
	   .requirements = { "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 180)
{
	struct rounds rounds = { .want = ROUNDS, .least = 20, .seconds = SECONDS };
	struct buffer buffers[2];

	pages_alloc(&buffers[0], 1);
	pages_alloc(&buffers[1], 1);
	EXPECT_TRUE(take_turns(&self->dut, buffers, (const size_t[]){ 1, 1 }, rounds));
}

/* __buffer_alloc() of memory whose pages may be larger than it. */
static bool alloc_if_any(struct buffer *buffer, enum buffer_kind kind, size_t size)
{
	size_t page = buffer_page(kind);

	return page && !(size % page) && !__buffer_alloc(buffer, kind, size);
}

/* Twice 2 MiB of huge pages, so that the table has large entries for each. */
static bool two_huge(struct buffer *buffers)
{
	const enum buffer_kind kinds[] = { BUFFER_HUGETLB_2M, BUFFER_THP };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!alloc_if_any(&buffers[0], kinds[i], 2 * MIB))
			continue;
		if (alloc_if_any(&buffers[1], kinds[i], 2 * MIB)) {
			printf("# twice 2 MiB of %s\n", buffer_kind_name(kinds[i]));
			return true;
		}
		buffer_free(&buffers[0]);
	}
	return false;
}

CTS_TEST_F(ioas, next_mapping_of_other_pages,
	   .title = "The same where huge pages and base pages follow each other at the IOVA",
	   .requirements = { "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 180)
{
	struct rounds rounds = { .want = 200, .least = 4, .seconds = SECONDS / 4 };
	struct buffer buffers[2];

	if (!two_huge(buffers))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no two huge pages of 2 MiB");
	EXPECT_TRUE(take_turns(&self->dut, buffers, (const size_t[]){ 1, 1 }, rounds));
	EXPECT_TRUE(take_turns(&self->dut, buffers, (const size_t[]){ 1, 2 * MIB / page_size() },
			       rounds));
}

/* One round: mapped, written, unmapped, and then a write that must not arrive. */
static bool revoked(struct dut *dut, struct buffer *buffer, uint64_t iova, size_t at)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	char *page = (char *)buffer->memory + at;

	iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size, iova);
	if (!page_written(dut->dma, iova + at, page))
		return false;
	iommufd_unmap(dut->iommufd, dut->ioas, iova, buffer->size);
	canary_fill(page, page_size(), 1);
	return write_spares(dut->dma, iova + at, limits->smallest, page, page_size(), 1);
}

CTS_TEST_F(ioas, write_after_unmap,
	   .title = "A write to what was unmapped changes nothing, ten thousand times where that is quick",
	   .requirements = { "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 300,
	   .faults = true)
{
	struct rounds rounds = { .want = ROUNDS, .least = 3, .seconds = SECONDS };
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	struct buffer buffer;

	pages_alloc(&buffer, 1);
	while (another_round(&rounds)) {
		ASSERT_TRUE(revoked(&self->dut, &buffer, iova, 0));
	}
}

CTS_TEST_F(ioas, read_after_unmap,
	   .title = "A read of what was unmapped doesn't return it",
	   .requirements = { "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .timeout_s = 120,
	   .faults = true)
{
	struct rounds rounds = { .want = 100, .least = 2, .seconds = SECONDS / 4 };
	size_t length = dma_read_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	while (another_round(&rounds)) {
		iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
		canary_fill(memory, page_size(), rounds.done);
		ASSERT_TRUE(read_sees(self->dut.dma, iova, length, memory));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page_size());
		canary_fill(memory, page_size(), rounds.done + 1);
		ASSERT_TRUE(read_learns_nothing(self->dut.dma, iova, length, memory));
	}
}

/* Mappings with the table's large entries. */
FIXTURE(large)
{
	struct dut dut;
	struct buffer buffer;
	uint64_t iova;
};

FIXTURE_VARIANT(large)
{
	enum buffer_kind kind;
	size_t size;
};

FIXTURE_VARIANT_ADD(large, hugetlb_2m)
{
	.kind = BUFFER_HUGETLB_2M,
	.size = 2 * MIB,
};
FIXTURE_VARIANT_ADD(large, thp)
{
	.kind = BUFFER_THP,
	.size = 2 * MIB,
};
FIXTURE_VARIANT_ADD(large, hugetlb_1g)
{
	.kind = BUFFER_HUGETLB_1G,
	.size = 1024 * MIB,
};
FIXTURE_VARIANT_ADD(large, aliased_1g)
{
	.kind = BUFFER_ALIASED,
	.size = 1024 * MIB,
};

FIXTURE_SETUP(large)
{
	CTS_CHECK_NEEDS();
	if (!buffer_page(variant->kind))
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->kind));
	if (!alloc_if_any(&self->buffer, variant->kind, variant->size))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no %zu bytes of kind %s are free", variant->size,
			 buffer_kind_name(variant->kind));
	DUT_OPEN_OR_SKIP(&self->dut);
	self->iova = __iova_alloc(&self->dut.space, variant->size, variant->size);
	if (self->iova == UINT64_MAX)
		CTS_SKIP(DEVICE_LACKS, "%zu bytes are more than the device addresses",
			 variant->size);
}

FIXTURE_TEARDOWN(large)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

CTS_TEST_F(large, large_write_after_unmap,
	   .title = "The same for a mapping of 2 MiB or 1 GiB, at its last page",
	   .requirements = { "ISO-002", "MAP-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120,
	   .faults = true)
{
	EXPECT_TRUE(revoked(&self->dut, &self->buffer, self->iova, variant->size - page_size()));
}

CTS_MAIN
