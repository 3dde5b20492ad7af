// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_MAP_DMA: what is refused, with what, and that nothing of it is left behind. */
#include <sys/mman.h>

#include "type1.h"

#define READ VFIO_DMA_MAP_FLAG_READ
#define WRITE VFIO_DMA_MAP_FLAG_WRITE

/* Where a test maps: @count pages of IOVA, and as many of memory. */
static uint64_t iovas(struct compat *compat, size_t count)
{
	return iova_alloc(&compat->space, count * page_size(), page_size());
}

/* That nothing is mapped there: it can be now, and what is unmapped then is just that. */
#define EXPECT_FREE(compat, memory, size, iova)                                         \
	do {                                                                            \
		uint64_t __size = (size);                                               \
                                                                                        \
		EXPECT_EQ(0, __container_map((compat)->container, memory, size, iova)); \
		EXPECT_EQ(0, __container_unmap((compat)->container, iova, &__size));    \
		EXPECT_EQ((uint64_t)(size), __size);                                    \
	} while (0)

static int map_raw(int container, const void *args)
{
	return ioctl(container, VFIO_IOMMU_MAP_DMA, args) ? -errno : 0;
}

CTS_TEST_F(type1, argument,
	   .title = "An argument that is too short, has unknown flags or can't be read is refused; one that is longer, or ends with its page, is taken",
	   .requirements = { "COMPAT-005" },
	   .needs = NEEDS)
{
	const uint64_t iova = iovas(&self->compat, 1);
	char *end = (char *)guarded_page() + page_size();
	struct vfio_iommu_type1_dma_map args = { .flags = READ | WRITE, .iova = iova };
	struct buffer buffer;
	unsigned int bit;

	args.vaddr = (uintptr_t)pages_alloc(&buffer, 1);
	args.size = page_size();
	args.argsz = sizeof(args) - 1;
	EXPECT_EQ(-EINVAL, map_raw(self->compat.container, &args));
	args.argsz = 0;
	EXPECT_EQ(-EINVAL, map_raw(self->compat.container, &args));
	args.argsz = sizeof(args);
	for (bit = 3; bit < 32; bit++) {
		args.flags = READ | WRITE | 1U << bit;
		EXPECT_EQ(-EINVAL, map_raw(self->compat.container, &args))
		{
			TH_LOG("flag %#x", 1U << bit);
		}
	}
	args.flags = READ | WRITE;
	EXPECT_EQ(-EFAULT, map_raw(self->compat.container, end));
	memcpy(end - sizeof(args) + 1, &args, sizeof(args) - 1);
	EXPECT_EQ(-EFAULT, map_raw(self->compat.container, end - sizeof(args) + 1));
	EXPECT_FREE(&self->compat, buffer.memory, page_size(), iova);

	args.argsz = 2 * sizeof(args);
	memcpy(end - sizeof(args), &args, sizeof(args));
	EXPECT_EQ(0, map_raw(self->compat.container, end - sizeof(args)));
	container_unmap(self->compat.container, iova, page_size());
}

CTS_TEST_F(type1, no_permission,
	   .title = "A mapping that is neither readable nor writable is EINVAL, and leaves the IOVA free",
	   .requirements = { "COMPAT-005" },
	   .needs = NEEDS)
{
	uint64_t iova = iovas(&self->compat, 1);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	EXPECT_EQ(-EINVAL,
		  __container_map_flags(self->compat.container, 0, memory, page_size(), iova));
	EXPECT_FREE(&self->compat, memory, page_size(), iova);
}

CTS_TEST_F(type1, permissions,
	   .title = "A mapping may be readable, writable or both",
	   .requirements = { "COMPAT-005" },
	   .needs = NEEDS)
{
	static const uint32_t flags[] = { READ, WRITE, READ | WRITE };
	uint64_t iova = iovas(&self->compat, 1);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(0, __container_map_flags(self->compat.container, flags[i], memory,
						   page_size(), iova));
		container_unmap(self->compat.container, iova, page_size());
	}
}

CTS_TEST_F(type1, no_bytes,
	   .title = "A mapping of no byte is EINVAL",
	   .requirements = { "COMPAT-014" },
	   .needs = NEEDS)
{
	uint64_t iova = iovas(&self->compat, 1);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	EXPECT_EQ(-EINVAL, __container_map(self->compat.container, memory, 0, iova));
	EXPECT_EQ(-EINVAL, __container_map(self->compat.container, NULL, 0, 0));
	EXPECT_FREE(&self->compat, memory, page_size(), iova);
}

CTS_TEST_F(type1, unaligned,
	   .title = "An IOVA, a length or memory that isn't aligned to the smallest page is EINVAL",
	   .requirements = { "COMPAT-014" },
	   .needs = NEEDS)
{
	const size_t page = page_size(), half = self->compat.space.alignment / 2;
	const int container = self->compat.container;
	uint64_t iova = iovas(&self->compat, 3);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 3);

	ASSERT_LT(0, half);
	EXPECT_EQ(-EINVAL, __container_map(container, memory, page, iova + half));
	EXPECT_EQ(-EINVAL, __container_map(container, memory + half, page, iova));
	EXPECT_EQ(-EINVAL, __container_map(container, memory + half, page, iova + half));
	EXPECT_EQ(-EINVAL, __container_map(container, memory, page + half, iova));
	EXPECT_EQ(-EINVAL, __container_map(container, memory, 1, iova));
	EXPECT_EQ(-EINVAL, __container_map(container, memory + 1, page, iova + 1));
	EXPECT_FREE(&self->compat, memory, 3 * page, iova);
}

CTS_TEST_F(type1, wrap,
	   .title = "A range of IOVA or of memory that wraps is EOVERFLOW",
	   .requirements = { "COMPAT-014" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iovas(&self->compat, 2);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	EXPECT_EQ(-EOVERFLOW, __container_map(container, memory, 2 * page, -(uint64_t)page));
	EXPECT_EQ(-EOVERFLOW, __container_map(container, memory, -(uint64_t)page, 2 * page));
	EXPECT_EQ(-EOVERFLOW, __container_map(container, (void *)-page, 2 * page, iova));
	EXPECT_EQ(-EOVERFLOW, __container_map(container, (void *)-page, 2 * page, -(uint64_t)page));
	EXPECT_FREE(&self->compat, memory, 2 * page, iova);
}

CTS_TEST_F(type1, overlap,
	   .title = "A mapping that overlaps another is EEXIST, and the other stays; one beside it isn't refused",
	   .requirements = { "COMPAT-005" },
	   .needs = NEEDS)
{
	/* Pages, from the page before the mapping of four. */
	static const struct {
		size_t first, count;
	} overlaps[] = { { 1, 4 }, { 2, 2 }, { 0, 6 }, { 0, 2 }, { 4, 2 }, { 1, 1 }, { 4, 1 } };
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iovas(&self->compat, 6) + page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 6);
	size_t i;

	container_map(container, memory, 4 * page, iova);
	for (i = 0; i < ARRAY_SIZE(overlaps); i++) {
		EXPECT_EQ(-EEXIST, __container_map(container, memory, overlaps[i].count * page,
						   iova + overlaps[i].first * page - page))
		{
			TH_LOG("overlap %zu", i);
		}
	}
	EXPECT_EQ(0, __container_map(container, memory, page, iova - page));
	EXPECT_EQ(0, __container_map(container, memory, page, iova + 4 * page));
	container_unmap(container, iova, 4 * page);
	container_unmap(container, iova - page, page);
	container_unmap(container, iova + 4 * page, page);
}

CTS_TEST_F(type1, ranges,
	   .title = "The first and last page of each reported range can be mapped; a mapping with a page outside is EINVAL",
	   .requirements = { "COMPAT-015" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	uint32_t i;

	for (i = 0; i < self->compat.space.count; i++) {
		const struct iommu_iova_range *range = &self->compat.space.ranges[i];
		const uint64_t last = range->last + 1 - page;

		if (range->start) {
			EXPECT_EQ(-EINVAL,
				  __container_map(container, memory, page, range->start - page));
			EXPECT_EQ(-EINVAL, __container_map(container, memory, 2 * page,
							   range->start - page));
		}
		if (range->last < UINT64_MAX - 2 * page) {
			EXPECT_EQ(-EINVAL,
				  __container_map(container, memory, page, range->last + 1));
			EXPECT_EQ(-EINVAL, __container_map(container, memory, 2 * page, last));
		}
		EXPECT_FREE(&self->compat, memory, page, range->start);
		EXPECT_FREE(&self->compat, memory, page, last);
	}
}

CTS_TEST_F(type1, absent_memory,
	   .title = "Memory of which a page is absent or inaccessible is EFAULT, and none of it is mapped",
	   .requirements = { "COMPAT-014" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	uint64_t iova = iovas(&self->compat, 4);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 4);

	ASSERT_EQ(0, mprotect(memory + 2 * page, page, PROT_NONE));
	EXPECT_EQ(-EFAULT, __container_map(self->compat.container, memory, 4 * page, iova));
	EXPECT_FREE(&self->compat, memory, 2 * page, iova);
	ASSERT_EQ(0, munmap(memory + 2 * page, page));
	EXPECT_EQ(-EFAULT, __container_map(self->compat.container, memory, 4 * page, iova));
	EXPECT_FREE(&self->compat, memory, 2 * page, iova);
}

CTS_TEST_F(type1, read_only_memory,
	   .title = "Memory that the process may only read can be mapped readable, and not writable",
	   .requirements = { "COMPAT-014" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iovas(&self->compat, 1);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	ASSERT_EQ(0, mprotect(memory, page, PROT_READ));
	EXPECT_EQ(-EFAULT, __container_map_flags(container, WRITE, memory, page, iova));
	EXPECT_EQ(-EFAULT, __container_map(container, memory, page, iova));
	EXPECT_EQ(0, __container_map_flags(container, READ, memory, page, iova));
	container_unmap(container, iova, page);
}

CTS_MAIN
