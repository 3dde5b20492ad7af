// SPDX-License-Identifier: GPL-2.0-only
/* What a device reaches through a container: just what is mapped, as far as it may, in every mode. */
#include <sys/mman.h>

#include "type1.h"

#define MIB 1048576UL

CTS_TEST_F(type1, exactly,
	   .title = "The device's writes change just the bytes that they address, in each of two mappings that adjoin",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	const struct dma_limits *limits = dma_write_limits(compat->dma);
	const size_t page = page_size(), length = limits->smallest;
	const size_t last = aligned_down(limits, page - length);
	uint64_t iova = iova_alloc(&compat->space, 2 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 3);

	/* Not in the order of the memory. */
	container_map(compat->container, memory + 2 * page, page, iova);
	container_map(compat->container, memory, page, iova + page);
	EXPECT_TRUE(write_lands(compat->dma, iova, length, memory, 3 * page, 2 * page));
	EXPECT_TRUE(
		write_lands(compat->dma, iova + last, length, memory, 3 * page, 2 * page + last));
	EXPECT_TRUE(write_lands(compat->dma, iova + page, length, memory, 3 * page, 0));
	EXPECT_TRUE(write_lands(compat->dma, iova + page + last, length, memory, 3 * page, last));
}

CTS_TEST_F(type1, after_unmap,
	   .title = "What was unmapped is out of reach when the call returns, and other mappings aren't",
	   .requirements = { "COMPAT-018", "COMPAT-006" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	uint64_t iova = iova_alloc(&compat->space, 2 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	container_map(compat->container, memory, page, iova);
	container_map(compat->container, memory + page, page, iova + page);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	EXPECT_TRUE(page_written(compat->dma, iova + page, memory + page));
	container_unmap(compat->container, iova, page);
	EXPECT_TRUE(page_written(compat->dma, iova + page, memory + page));
	canary_fill(memory, 2 * page, 1);
	EXPECT_TRUE(write_spares(compat->dma, iova, length, memory, 2 * page, 1));
	EXPECT_TRUE(page_written(compat->dma, iova + page, memory + page));
}

CTS_TEST_F(type1, next_mapping,
	   .title = "A new mapping at an IOVA leads to the new memory only, a hundred times",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	uint64_t iova = iova_alloc(&compat->space, page, page);
	struct rounds rounds = { .want = 100, .least = 4, .seconds = 3 };
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	while (another_round(&rounds)) {
		size_t offset = rounds.done % 2 ? page : 0;

		container_map(compat->container, memory + offset, page, iova);
		ASSERT_TRUE(write_lands(compat->dma, iova, length, memory, 2 * page, offset));
		container_unmap(compat->container, iova, page);
	}
}

CTS_TEST_F(type1, all_unmapped,
	   .title = "After unmapping all, an IOVA leads to what is mapped there anew and to nothing that was there",
	   .requirements = { "COMPAT-018", "COMPAT-006" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	uint64_t iova = iova_alloc(&compat->space, page, page), size = 0;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	container_map(compat->container, memory, page, iova);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	EXPECT_EQ(0, __container_unmap_flags(compat->container, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	EXPECT_EQ(page + dma_rings_size(), size);
	/* The rings went with the rest; they are no part of what is asked. */
	compat_map_rings(compat);
	container_map(compat->container, memory + page, page, iova);
	EXPECT_TRUE(write_lands(compat->dma, iova, length, memory, 2 * page, page));
}

CTS_TEST_F(type1, read_only,
	   .title = "A mapping that is only readable can be read and not written",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE | CTS_NEED_DMA_READ,
	   .timeout_s = 60,
	   .faults = true)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size();
	uint64_t iova = iova_alloc(&compat->space, 2 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	ASSERT_EQ(0, __container_map_flags(compat->container, VFIO_DMA_MAP_FLAG_READ, memory, page,
					   iova));
	container_map(compat->container, memory + page, page, iova + page);
	EXPECT_TRUE(page_written(compat->dma, iova + page, memory + page));
	canary_fill(memory, page, 1);
	EXPECT_TRUE(read_sees(compat->dma, iova, dma_read_limits(compat->dma)->smallest, memory));
	EXPECT_TRUE(write_spares(compat->dma, iova, dma_write_limits(compat->dma)->smallest, memory,
				 page, 1));
}

CTS_TEST_F(type1, write_only,
	   .title = "A mapping that is only writable takes writes",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->compat.space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	ASSERT_EQ(0, __container_map_flags(self->compat.container, VFIO_DMA_MAP_FLAG_WRITE, memory,
					   page_size(), iova));
	EXPECT_TRUE(page_written(self->compat.dma, iova, memory));
}

CTS_TEST_F(type1, large,
	   .title = "Each end of a mapping of 4 MiB leads to its own page, and so does what is mapped there after it",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), size = 4 * MIB, huge = buffer_page(BUFFER_THP);
	uint64_t iova = iova_alloc(&compat->space, size, 2 * MIB);
	struct buffer buffer;
	char *memory;

	/* Of large pages, where there are any that are not larger than that. */
	buffer_alloc(&buffer, huge && !(size % huge) ? BUFFER_THP : BUFFER_BASE, size);
	memory = buffer.memory;
	container_map(compat->container, memory, size, iova);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	EXPECT_TRUE(page_written(compat->dma, iova + size / 2, memory + size / 2));
	EXPECT_TRUE(page_written(compat->dma, iova + size - page, memory + size - page));
	container_unmap(compat->container, iova, size);
	container_map(compat->container, memory, page, iova + size - page);
	EXPECT_TRUE(page_written(compat->dma, iova + size - page, memory));
}

CTS_TEST_F(type1, pages_stay,
	   .title = "A mapping keeps its pages when the process maps other memory in their place",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size();
	uint64_t iova = iova_alloc(&compat->space, page, page);
	struct buffer buffer;
	char *alias;

	buffer_alloc(&buffer, BUFFER_MEMFD, page);
	alias = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.fd, 0);
	ASSERT_NE(MAP_FAILED, alias);
	container_map(compat->container, buffer.memory, page, iova);
	EXPECT_TRUE(page_written(compat->dma, iova, buffer.memory));
	ASSERT_EQ(buffer.memory, mmap(buffer.memory, page, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	canary_fill(buffer.memory, page, 1);
	EXPECT_TRUE(page_written(compat->dma, iova, alias));
	EXPECT_TRUE(canary_intact(buffer.memory, page, 1));
}

CTS_TEST_F(type1, refused,
	   .title = "A mapping that is refused in its middle leaves no page of it within reach of the device",
	   .requirements = { "COMPAT-014", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), length = dma_write_limits(compat->dma)->smallest;
	uint64_t iova = iova_alloc(&compat->space, 4 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 4);

	ASSERT_EQ(0, mprotect(memory + 2 * page, page, PROT_NONE));
	EXPECT_EQ(-EFAULT, __container_map(compat->container, memory, 4 * page, iova));
	/* Had it stayed, this would be EEXIST or the write would go to the page before. */
	container_map(compat->container, memory + page, page, iova);
	EXPECT_TRUE(write_lands(compat->dma, iova, length, memory, 2 * page, page));
}

CTS_TEST_F(type1, second_file,
	   .title = "When one of two files of the device is closed, the device stays where it is",
	   .requirements = { "GROUP-009", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	uint64_t iova = iova_alloc(&compat->space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	int second = vfio_group_device_fd(compat->group);

	container_map(compat->container, memory, page_size(), iova);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	cts_close(&second);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_TEST_F(type1, alone,
	   .title = "While the device is open it reaches what is mapped, though group and container were closed",
	   .requirements = { "GROUP-009", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	uint64_t iova = iova_alloc(&compat->space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	container_map(compat->container, memory, page_size(), iova);
	cts_close(&compat->container);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	cts_close(&compat->group);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_TEST_F(type1, left_by_the_group,
	   .title = "A device that its group left behind in an iommufd reaches what is mapped there",
	   .requirements = { "GROUP-005", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	uint64_t iova = iova_alloc(&compat->space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	container_map(compat->container, memory, page_size(), iova);
	EXPECT_EQ(either(compat, -EBUSY, 0), __vfio_group_unset_container(compat->group));
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_TEST_F(type1, opened_later,
	   .title = "A device that is opened after a mapping was made reaches it",
	   .requirements = { "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	uint64_t iova = iova_alloc(&compat->space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	dma_close(compat->dma);
	compat->dma = NULL;
	cts_close(&compat->device);
	compat_unmap_rings(compat);
	container_map(compat->container, memory, page_size(), iova);
	compat_open_device(compat);
	compat_start_dma(compat);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_MAIN
