// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_OPTION_HUGE_PAGES 0: everything is mapped in base pages. A device can't tell, but the table
 * takes more memory: at least a page for each huge page that is mapped, which the kernel counts
 * (nr_iommu_pages in /proc/vmstat).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "ioas.h"

#define HUGE_PAGES IOMMU_OPTION_HUGE_PAGES
#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

/* How often the one huge page is mapped. */
#define TIMES 8

/* Pages that hold tables of IOMMUs; -1 where the kernel does not count them. */
static int64_t table_pages(void)
{
	int refresh = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	int64_t pages = -1;
	char line[128];
	FILE *file;

	/* Each processor counts for itself, and the sum comes later, unless it is asked for. */
	if (refresh < 0 || read(refresh, line, sizeof(line)) < 0)
		return -1;
	cts_close(&refresh);
	file = fopen("/proc/vmstat", "re");
	cts_require(file, "/proc/vmstat");
	while (pages < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "nr_iommu_pages %" SCNd64, &pages);
	fclose(file);
	return pages;
}

/*
 * Maps the huge page @buffer @times times, each where a table can have a huge page too, and unmaps
 * it. Returns how many pages of table that took, -1 if a write did not arrive.
 */
static int64_t table_for(struct dut *dut, const struct buffer *buffer, unsigned int times,
			 uint64_t iova)
{
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	const size_t places[] = { 0, buffer->size / 2,
				  aligned_down(limits, buffer->size - limits->smallest) };
	int64_t before = table_pages(), took;
	bool good = true;
	unsigned int i;

	for (i = 0; i < times; i++)
		iommufd_map(dut->iommufd, dut->ioas, buffer->memory, buffer->size,
			    iova + i * buffer->size);
	took = table_pages() - before;
	for (i = 0; i < 3; i++)
		good &= write_lands(dut->dma, iova + (times - 1) * buffer->size + places[i],
				    limits->smallest, buffer->memory, buffer->size, places[i]);
	for (i = 0; i < times; i++)
		iommufd_unmap(dut->iommufd, dut->ioas, iova + i * buffer->size, buffer->size);
	return good ? took : -1;
}

/* A huge page, from the pool or a transparent one: has *@buffer got one? */
static bool huge_page(struct buffer *buffer)
{
	const enum buffer_kind kinds[] = { BUFFER_HUGETLB_2M, BUFFER_THP };
	size_t i, huge;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		huge = buffer_page(kinds[i]);
		if (huge && !__buffer_alloc(buffer, kinds[i], huge))
			return true;
	}
	return false;
}

CTS_TEST_F(ioas, base_pages,
	   .title = "Without HUGE_PAGES each huge page takes a table of base pages, and is reached as with it",
	   .requirements = { "OPT-008", "MAP-015" },
	   .needs = NEEDS | CTS_NEED_ROOT,
	   .timeout_s = 120)
{
	struct dut *dut = &self->dut;
	uint64_t iova;
	struct buffer buffer;
	int64_t with, without;

	if (!huge_page(&buffer))
		CTS_SKIP(TOO_LITTLE_MEMORY, "no huge page is free");
	if (table_pages() < 0)
		CTS_SKIP(KERNEL_LACKS, "nr_iommu_pages in /proc/vmstat");
	iova = iova_alloc(&dut->space, TIMES * buffer.size, TIMES * buffer.size);
	with = table_for(dut, &buffer, TIMES, iova);
	EXPECT_LE(0, with);

	dma_unmap_rings(dut->dma, dut->iommufd, dut->ioas);
	ASSERT_EQ(0, set_option(dut->iommufd, HUGE_PAGES, dut->ioas, 0));
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	without = table_for(dut, &buffer, TIMES, iova);
	printf("# tables for %d huge pages: %lld pages, without HUGE_PAGES %lld\n", TIMES,
	       (long long)with, (long long)without);
	if (!without)
		CTS_SKIP(IOMMU_LACKS, "tables in memory that the kernel counts");
	EXPECT_LE(TIMES, without);
	EXPECT_LE(with, without);
	buffer_free(&buffer);
}

CTS_TEST_F(ioas, under_a_mapping,
	   .title = "HUGE_PAGES can't be taken away while there are a table and a mapping, and can with one alone",
	   .requirements = { "OPT-007", "OPT-006" },
	   .needs = NEEDS)
{
	struct dut *dut = &self->dut;
	uint64_t iova = iova_alloc(&dut->space, 2 * page_size(), page_size()), value = 2;
	uint32_t bare = iommufd_ioas_alloc(dut->iommufd);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	iommufd_unmap_all(dut->iommufd, dut->ioas);
	iommufd_map(dut->iommufd, dut->ioas, memory, page_size(), iova);
	EXPECT_EQ(-EINVAL, set_option(dut->iommufd, HUGE_PAGES, dut->ioas, 0));
	EXPECT_EQ(0, get_option(dut->iommufd, HUGE_PAGES, dut->ioas, &value));
	EXPECT_EQ(1, value);
	iommufd_unmap(dut->iommufd, dut->ioas, iova, page_size());
	EXPECT_EQ(0, set_option(dut->iommufd, HUGE_PAGES, dut->ioas, 0));
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	iommufd_map(dut->iommufd, dut->ioas, memory, 2 * page_size(), iova);
	EXPECT_EQ(0, set_option(dut->iommufd, HUGE_PAGES, dut->ioas, 0));
	EXPECT_EQ(0, get_option(dut->iommufd, HUGE_PAGES, dut->ioas, &value));
	EXPECT_EQ(0, value);
	EXPECT_TRUE(page_written(dut->dma, iova + page_size(), memory + page_size()));

	/* A mapping, no table yet: what is mapped gets into one in base pages. */
	iommufd_map(dut->iommufd, bare, memory, 2 * page_size(), iova);
	EXPECT_EQ(0, set_option(dut->iommufd, HUGE_PAGES, bare, 0));
	dma_map_rings(dut->dma, dut->iommufd, bare);
	vfio_attach(dut->device, bare);
	EXPECT_TRUE(page_written(dut->dma, iova + page_size(), memory + page_size()));
	EXPECT_EQ(0, set_option(dut->iommufd, HUGE_PAGES, bare, 1));
	EXPECT_EQ(-EINVAL, set_option(dut->iommufd, HUGE_PAGES, bare, 0));
}

CTS_MAIN
