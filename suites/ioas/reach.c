// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA through a mapping reaches the memory that was mapped, to the byte: the addressed bytes and
 * no other, wherever an access begins and ends.
 */
#include "ioas.h"

/* Pages of memory, of which the device may reach all but the first and the last. */
#define PAGES 6
#define MAPPED (PAGES - 2)

/*
 * The bytes of a mapping at which accesses begin: the devices' limits leave what they can do of
 * it.
 */
static size_t begin_at(size_t number, size_t length)
{
	const size_t page = page_size();
	const size_t begins[] = {
		0,
		1,
		4,
		63,
		page / 2 + 2,
		page - length, /* to the end of the page */
		page - 1,      /* into the next one */
		page + 60,
		2 * page - length / 2,
		MAPPED * page - length, /* to the end of the mapping */
	};

	return number < sizeof(begins) / sizeof(begins[0]) ? begins[number] : SIZE_MAX;
}

/* Lengths to try, as they come nearest to these; of a slow device only the shortest. */
static size_t length_at(size_t number, const struct dma_limits *limits, uint64_t ns)
{
	const size_t lengths[] = { 1, 128, 1000, page_size(), 2 * page_size() };
	size_t length;

	if (number >= sizeof(lengths) / sizeof(lengths[0]) || (number && ns > 10000000))
		return 0;
	length = length_near(limits, lengths[number]);
	return length < LONGEST ? length : length_near(limits, LONGEST);
}

/* Calls @access for every place and length that the device can do; false if one was wrong. */
static bool everywhere(const struct dma_limits *limits, struct dma *dma,
		       bool (*access)(struct dma *dma, uint64_t iova, size_t length, char *memory,
				      size_t offset),
		       uint64_t iova, char *memory)
{
	size_t i, k, length;
	bool good = true;

	for (k = 0; (length = length_at(k, limits, dma_access_ns(dma))); k++) {
		for (i = 0; begin_at(i, length) != SIZE_MAX; i++) {
			size_t begin = aligned_down(limits, begin_at(i, length));

			if (begin <= MAPPED * page_size() - length &&
			    in_one_piece(limits, iova + begin, length))
				good &= access(dma, iova + begin, length, memory,
					       page_size() + begin);
		}
	}
	return good;
}

static bool written(struct dma *dma, uint64_t iova, size_t length, char *memory, size_t offset)
{
	return write_lands(dma, iova, length, memory, PAGES * page_size(), offset);
}

CTS_TEST_F(ioas, write_changes_its_bytes,
	   .title = "A write changes the bytes that it addresses and no other",
	   .requirements = { "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	uint64_t iova = iova_alloc(&self->dut.space, MAPPED * page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + page_size(), MAPPED * page_size(),
		    iova);
	EXPECT_TRUE(
		everywhere(dma_write_limits(self->dut.dma), self->dut.dma, written, iova, memory));
}

static bool read_right(struct dma *dma, uint64_t iova, size_t length, char *memory, size_t offset)
{
	return read_sees(dma, iova, length, memory + offset);
}

CTS_TEST_F(ioas, read_sees_its_bytes,
	   .title = "A read returns the bytes that it addresses and changes none",
	   .requirements = { "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .timeout_s = 120)
{
	uint64_t iova = iova_alloc(&self->dut.space, MAPPED * page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	canary_fill(memory, PAGES * page_size(), 0);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + page_size(), MAPPED * page_size(),
		    iova);
	EXPECT_TRUE(everywhere(dma_read_limits(self->dut.dma), self->dut.dma, read_right, iova,
			       memory));
	EXPECT_TRUE(canary_intact(memory, PAGES * page_size(), 0));
}

CTS_TEST_F(ioas, write_across_mappings,
	   .title = "A write across adjoining mappings changes the end of one's memory and the beginning of the other's",
	   .requirements = { "ISO-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	size_t page = page_size(), length = length_near(limits, 2 * limits->align + 128);
	uint64_t iova = iova_alloc(&self->dut.space, 2 * page, page);
	size_t head, begin = aligned_down(limits, page - length / 2);
	uint8_t wrote[LONGEST];
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 4);
	int i;

	if (begin + length <= page || !in_one_piece(limits, iova + begin, length))
		CTS_SKIP(DEVICE_LACKS, "no write of the device crosses a page");
	head = page - begin;
	/*
	 * The memory of the first mapping lies behind that of the second, with a page between
	 * them.
	 */
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + 2 * page, page, iova);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova + page);
	for (i = 0; i < 4; i++)
		canary_fill(memory + i * page, page, i);

	ASSERT_EQ(0, dma_write(self->dut.dma, iova + begin, length, wrote));
	EXPECT_TRUE(canary_holds_only(memory + 2 * page, page, 2, begin, wrote, head));
	EXPECT_TRUE(canary_holds_only(memory, page, 0, 0, wrote + head, length - head));
	EXPECT_TRUE(canary_intact(memory + page, page, 1));
	EXPECT_TRUE(canary_intact(memory + 3 * page, page, 3));
}

CTS_TEST_F(ioas, every_address_bit,
	   .title = "Mappings whose IOVAs differ in one bit lead each to its own page",
	   .requirements = { "ISO-001", "IOVA-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	size_t page = page_size(), bits = 0, i;
	uint64_t iova[64], align;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 64);

	for (align = page; align; align <<= 1) {
		iova[bits] = __iova_alloc(&self->dut.space, page, align);
		if (iova[bits] == UINT64_MAX)
			break;
		iommufd_map(self->dut.iommufd, self->dut.ioas, memory + bits * page, page,
			    iova[bits]);
		bits++;
	}
	printf("# %zu mappings up to IOVA %#llx\n", bits, (unsigned long long)iova[bits - 1]);
	for (i = 0; i < bits; i++) {
		EXPECT_TRUE(write_lands(self->dut.dma, iova[i],
					dma_write_limits(self->dut.dma)->smallest, memory,
					64 * page, i * page));
	}
}

CTS_MAIN
