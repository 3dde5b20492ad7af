// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_UNMAP_DMA: whole mappings go, and the reply says how many bytes that were. */
#include "type1.h"

#define ALL VFIO_DMA_UNMAP_FLAG_ALL

static int unmap_raw(int container, void *args)
{
	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, args) ? -errno : 0;
}

/* Is something mapped at every page of it? Nothing is changed. */
static bool all_mapped(struct compat *compat, const void *memory, uint64_t iova, size_t size)
{
	uint64_t offset;

	for (offset = 0; offset < size; offset += page_size()) {
		int error = __container_map(compat->container, memory, page_size(), iova + offset);

		if (error != -EEXIST) {
			fprintf(stderr, "# IOVA %#llx: %d\n", (unsigned long long)(iova + offset),
				error);
			return false;
		}
	}
	return true;
}

CTS_TEST_F(type1, argument,
	   .title = "An argument that is too short, has unknown flags or can't be read is refused, and the mapping stays",
	   .requirements = { "COMPAT-006" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	char *end = (char *)guarded_page() + page;
	struct vfio_iommu_type1_dma_unmap args = { .size = page };
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	unsigned int bit;

	args.iova = iova_alloc(&self->compat.space, page, page);
	container_map(container, memory, page, args.iova);
	args.argsz = sizeof(args) - 1;
	EXPECT_EQ(-EINVAL, unmap_raw(container, &args));
	args.argsz = 0;
	EXPECT_EQ(-EINVAL, unmap_raw(container, &args));
	args.argsz = sizeof(args);
	for (bit = 3; bit < 32; bit++) {
		args.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, unmap_raw(container, &args))
		{
			TH_LOG("flag %#x", args.flags);
		}
	}
	args.flags = 0;
	EXPECT_EQ(-EFAULT, unmap_raw(container, end));
	memcpy(end - sizeof(args) + 1, &args, sizeof(args) - 1);
	EXPECT_EQ(-EFAULT, unmap_raw(container, end - sizeof(args) + 1));
	EXPECT_TRUE(all_mapped(&self->compat, memory, args.iova, page));

	memcpy(end - sizeof(args), &args, sizeof(args));
	EXPECT_EQ(0, unmap_raw(container, end - sizeof(args)));
	memcpy(&args, end - sizeof(args), sizeof(args));
	EXPECT_EQ(page, args.size);
}

CTS_TEST_F(type1, several,
	   .title = "A range around mappings and holes takes the mappings away and reports just their bytes",
	   .requirements = { "COMPAT-006" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iova_alloc(&self->compat.space, 10 * page, page), size = 8 * page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 3);

	/* Pages of IOVA: 0, 2 and 3, 6, 9. */
	container_map(container, memory, page, iova);
	container_map(container, memory, 2 * page, iova + 2 * page);
	container_map(container, memory, page, iova + 6 * page);
	container_map(container, memory, page, iova + 9 * page);
	EXPECT_EQ(0, __container_unmap(container, iova + page, &size));
	EXPECT_EQ(3 * page, size);
	EXPECT_TRUE(all_mapped(&self->compat, memory, iova, page));
	EXPECT_TRUE(all_mapped(&self->compat, memory, iova + 9 * page, page));
	EXPECT_EQ(0, __container_map(container, memory, 3 * page, iova + page));
	size = 10 * page;
	EXPECT_EQ(0, __container_unmap(container, iova, &size));
	EXPECT_EQ(5 * page, size);
}

CTS_TEST_F(type1, nothing,
	   .title = "Unmapping where nothing is mapped succeeds and reports no byte",
	   .requirements = { "COMPAT-006" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iova_alloc(&self->compat.space, 3 * page, page), size = page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	EXPECT_EQ(0, __container_unmap(container, iova, &size));
	EXPECT_EQ(0, size);
	container_map(container, memory, page, iova + page);
	size = page;
	EXPECT_EQ(0, __container_unmap(container, iova, &size));
	EXPECT_EQ(0, size);
	size = page;
	EXPECT_EQ(0, __container_unmap(container, iova + 2 * page, &size));
	EXPECT_EQ(0, size);
	container_unmap(container, iova + page, page);
	size = page;
	EXPECT_EQ(0, __container_unmap(container, iova + page, &size));
	EXPECT_EQ(0, size);
}

CTS_TEST_F(type1, no_bytes,
	   .title = "Unmapping no byte without asking for all is EINVAL, unmapping a range that wraps EOVERFLOW; the mapping stays",
	   .requirements = { "COMPAT-016" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	/*
	 * High, so that a range as long as nearly all there is wraps, but not at the very end: a
	 * mapping there is another matter (ioas/place/scattered_at_the_ends).
	 */
	uint64_t iova = iova_alloc_top(&self->compat.space, 3 * page, page);
	const struct {
		uint64_t iova, size;
		int error;
	} ranges[] = {
		{ iova, 0, -EINVAL },
		{ 0, 0, -EINVAL },
		{ -(uint64_t)page, 2 * page, -EOVERFLOW },
		{ iova, -(uint64_t)page, -EOVERFLOW },
		{ iova + page, -(uint64_t)page, -EOVERFLOW },
	};
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	size_t i;

	container_map(container, memory, 2 * page, iova);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t size = ranges[i].size;

		EXPECT_EQ(ranges[i].error, __container_unmap(container, ranges[i].iova, &size))
		{
			TH_LOG("range %zu", i);
		}
	}
	EXPECT_TRUE(all_mapped(&self->compat, memory, iova, 2 * page));
	container_unmap(container, iova, 2 * page);
}

CTS_TEST_F(type1, unaligned,
	   .title = "An unaligned range that would cut a mapping is refused, by the container of vfio with EINVAL, and the mapping stays",
	   .requirements = { "COMPAT-016" },
	   .needs = NEEDS)
{
	const size_t page = page_size(), half = self->compat.space.alignment / 2;
	const int container = self->compat.container;
	uint64_t iova = iova_alloc(&self->compat.space, 2 * page, page);
	const struct {
		uint64_t iova, size;
	} ranges[] = {
		{ iova, half },
		{ iova, page + half },
		{ iova + half, page },
		{ iova + half, page + half },
		{ iova + page, page - 1 },
		{ iova + 1, 2 * page },
	};
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	size_t i;

	container_map(container, memory, 2 * page, iova);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		uint64_t size = ranges[i].size;
		int error = __container_unmap(container, ranges[i].iova, &size);

		EXPECT_TRUE(error == -EINVAL || (!self->compat.native && error == -ENOENT))
		{
			TH_LOG("range %zu: %d, %llu bytes", i, error, (unsigned long long)size);
		}
	}
	EXPECT_TRUE(all_mapped(&self->compat, memory, iova, 2 * page));
	container_unmap(container, iova, 2 * page);
}

CTS_TEST_F(type1, all,
	   .title = "Unmapping all takes every mapping away, the lowest and the highest, and reports their bytes",
	   .requirements = { "COMPAT-006" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t low = self->compat.space.ranges[0].start, size = 0;
	uint64_t top = iova_alloc_top(&self->compat.space, page, page);
	uint64_t iova = iova_alloc(&self->compat.space, 3 * page, page) + page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	EXPECT_EQ(0, __container_unmap_flags(container, ALL, 0, &size));
	EXPECT_EQ(0, size);
	container_map(container, memory, page, low);
	container_map(container, memory, 2 * page, iova);
	container_map(container, memory, page, top);
	EXPECT_EQ(0, __container_unmap_flags(container, ALL, 0, &size));
	EXPECT_EQ(4 * page, size);
	container_map(container, memory, page, low);
	container_map(container, memory, 2 * page, iova);
	container_map(container, memory, page, top);
	size = 0;
	EXPECT_EQ(0, __container_unmap_flags(container, ALL, 0, &size));
	EXPECT_EQ(4 * page, size);
}

CTS_TEST_F(type1, all_of_a_range,
	   .title = "Unmapping all with an IOVA or a size is EINVAL, and every mapping stays",
	   .requirements = { "COMPAT-006" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	uint64_t iova = iova_alloc(&self->compat.space, page, page), size = page;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	container_map(container, memory, page, iova);
	EXPECT_EQ(-EINVAL, __container_unmap_flags(container, ALL, iova, &size));
	EXPECT_EQ(-EINVAL, __container_unmap_flags(container, ALL, 0, &size));
	size = 0;
	EXPECT_EQ(-EINVAL, __container_unmap_flags(container, ALL, iova, &size));
	EXPECT_TRUE(all_mapped(&self->compat, memory, iova, page));
	EXPECT_EQ(0, __container_unmap_flags(container, ALL, 0, &size));
	EXPECT_EQ(page, size);
}

CTS_MAIN
