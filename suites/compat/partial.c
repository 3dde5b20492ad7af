// SPDX-License-Identifier: GPL-2.0-only
/*
 * A range that cuts a mapping. type1v2 refuses it. type1 takes it, and what goes differs: an
 * iommufd cuts the mapping and takes away just what was asked for; the container of vfio takes the
 * whole mapping if its first byte is in the range, and nothing else. What the reply says went is
 * gone, and what it doesn't stays, everywhere.
 */
#include "type1.h"

#define PAGES 4

/* Ranges of pages, counted from the page before the mapping of PAGES; what goes of them, as bits. */
static const struct cut {
	const char *name;
	size_t first, count;
	unsigned int native_goes, iommufd_goes;
} cuts[] = {
	{ "head", 1, 1, 0xf, 0x1 },
	{ "inside", 2, 2, 0x0, 0x6 },
	{ "tail", 4, 1, 0x0, 0x8 },
	{ "before and head", 0, 2, 0xf, 0x1 },
	{ "all but head", 2, 3, 0x0, 0xe },
	{ "all but tail", 1, 3, 0xf, 0x7 },
	{ "tail and behind", 4, 2, 0x0, 0x8 },
};

struct row {
	uint64_t iova; /* of the first of PAGES pages; the pages before and behind are free */
	char *memory;
};

static void set_row(struct compat *compat, struct row *row, struct buffer *buffer)
{
	const size_t page = page_size();

	row->iova = iova_alloc(&compat->space, (PAGES + 2) * page, page) + page;
	row->memory = pages_alloc(buffer, PAGES);
	container_map(compat->container, row->memory, PAGES * page, row->iova);
}

/* Which pages of the row are mapped, as bits. What is not is mapped for a moment. */
static unsigned int mapped(struct compat *compat, const struct row *row)
{
	const size_t page = page_size();
	unsigned int bits = 0;
	size_t i;

	for (i = 0; i < PAGES; i++) {
		int error =
			__container_map(compat->container, row->memory, page, row->iova + i * page);

		cts_require(!error || error == -EEXIST, "VFIO_IOMMU_MAP_DMA: %d", error);
		if (error)
			bits |= 1U << i;
		else
			container_unmap(compat->container, row->iova + i * page, page);
	}
	return bits;
}

static uint64_t bytes_of(unsigned int bits)
{
	return (uint64_t)__builtin_popcount(bits) * page_size();
}

static int unmap_cut(struct compat *compat, const struct row *row, const struct cut *cut,
		     uint64_t *size)
{
	const size_t page = page_size();

	*size = cut->count * page;
	return __container_unmap(compat->container, row->iova + cut->first * page - page, size);
}

CTS_TEST_F(type1, cut,
	   .title = "type1v2 refuses to cut a mapping, which stays; type1 takes away what it says that it did",
	   .requirements = { "COMPAT-007" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	const unsigned int whole = (1U << PAGES) - 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		unsigned int goes = compat->native ? cuts[i].native_goes : cuts[i].iommufd_goes;
		struct buffer buffer;
		uint64_t size = 0;
		struct row row;
		int error;

		TH_LOG("%s", cuts[i].name);
		set_row(compat, &row, &buffer);
		error = unmap_cut(compat, &row, &cuts[i], &size);
		if (self->cuts) {
			EXPECT_EQ(0, error);
			EXPECT_EQ(bytes_of(goes), size);
			EXPECT_EQ(whole & ~goes, mapped(compat, &row));
		} else {
			EXPECT_EQ(either(compat, -EINVAL, -ENOENT), error);
			EXPECT_EQ(whole, mapped(compat, &row));
			container_unmap(compat->container, row.iova, PAGES * page_size());
		}
		size = 0;
		EXPECT_EQ(0, __container_unmap_flags(compat->container, VFIO_DMA_UNMAP_FLAG_ALL, 0,
						     &size));
		buffer_free(&buffer);
	}
}

CTS_TEST_F(type1, cut_by_dma,
	   .title = "The device reaches what a range that cuts a mapping left, and not what it took away",
	   .requirements = { "COMPAT-007", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	static const struct cut inside = { "inside", 2, 2, 0x0, 0x6 };
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	const unsigned int goes = !self->cuts || compat->native ? 0 : inside.iommufd_goes;
	struct buffer buffer;
	uint64_t size = 0;
	struct row row;
	size_t i;

	set_row(compat, &row, &buffer);
	for (i = 0; i < PAGES; i++) {
		EXPECT_TRUE(page_written(compat->dma, row.iova + i * page, row.memory + i * page));
	}
	unmap_cut(compat, &row, &inside, &size);
	for (i = 0; i < PAGES; i++) {
		if (goes & 1U << i)
			continue;
		EXPECT_TRUE(write_lands(compat->dma, row.iova + i * page, length, row.memory,
					PAGES * page, i * page));
	}
	if (goes) {
		canary_fill(row.memory, PAGES * page, 1);
		EXPECT_TRUE(write_spares(compat->dma, row.iova + page, length, row.memory,
					 PAGES * page, 1));
	}
}

CTS_TEST_F(type1, hole_filled,
	   .title = "Where a piece of a mapping was taken away other memory can be mapped, and the device reaches each where it is",
	   .requirements = { "COMPAT-007", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	struct buffer buffer, other;
	struct row row;
	size_t i;

	set_row(compat, &row, &buffer);
	pages_alloc(&other, PAGES);
	if (self->cuts && !compat->native) {
		container_unmap(compat->container, row.iova + page, page);
	} else {
		/* Cut by hand, so that what the device reaches is judged alike. */
		container_unmap(compat->container, row.iova, PAGES * page);
		container_map(compat->container, row.memory, page, row.iova);
		container_map(compat->container, row.memory + 2 * page, 2 * page,
			      row.iova + 2 * page);
	}
	container_map(compat->container, other.memory, page, row.iova + page);
	canary_fill(other.memory, other.size, 2);
	for (i = 0; i < PAGES; i++) {
		if (i == 1)
			continue;
		EXPECT_TRUE(write_lands(compat->dma, row.iova + i * page, length, row.memory,
					PAGES * page, i * page));
	}
	EXPECT_TRUE(canary_intact(other.memory, other.size, 2));
	canary_fill(row.memory, PAGES * page, 3);
	EXPECT_TRUE(write_lands(compat->dma, row.iova + page, length, other.memory, other.size, 0));
	EXPECT_TRUE(canary_intact(row.memory, PAGES * page, 3));
}

CTS_MAIN
