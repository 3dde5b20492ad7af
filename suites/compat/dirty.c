// SPDX-License-Identifier: GPL-2.0-only
/*
 * The older way to learn of dirty pages, VFIO_IOMMU_DIRTY_PAGES and a flag of UNMAP_DMA. The
 * container of vfio has it for type1v2 and takes every page that a device can reach for dirty; an
 * iommufd does without, since there page tables track.
 */
#include "type1.h"

#define START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

#define PAGES 3

struct request {
	struct vfio_iommu_type1_dirty_bitmap head;
	struct vfio_iommu_type1_dirty_bitmap_get get;
};

static int dirty_pages(int container, void *request)
{
	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, request) ? -errno : 0;
}

static int dirty_flags(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap head = { .argsz = sizeof(head), .flags = flags };

	return dirty_pages(container, &head);
}

/* The dirty bits of @pages pages from @iova on; *@bits, 64 of them, is what they become. */
static int get_bitmap(int container, uint64_t iova, size_t pages, uint64_t *bits)
{
	struct request request = {
		.head = { .argsz = sizeof(request), .flags = GET },
		.get = { .iova = iova,
			 .size = pages * page_size(),
			 .bitmap = { .pgsize = page_size(),
				     .size = sizeof(*bits),
				     .data = (void *)bits } },
	};

	return dirty_pages(container, &request);
}

struct unmap_request {
	struct vfio_iommu_type1_dma_unmap head;
	struct vfio_bitmap bitmap;
};

/* UNMAP_DMA of @pages pages that returns their dirty bits, with more flags. */
static int unmap_bitmap(int container, uint32_t flags, uint64_t iova, size_t pages, uint64_t *bits)
{
	struct unmap_request request = {
		.head = { .argsz = sizeof(request),
			  .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | flags,
			  .iova = iova,
			  .size = pages * page_size() },
		.bitmap = { .pgsize = page_size(), .size = sizeof(*bits), .data = (void *)bits },
	};

	return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &request) ? -errno : 0;
}

struct scene {
	struct buffer buffer;
	uint64_t iova; /* PAGES pages are mapped here, and the page before is not */
};

static void set_scene(struct compat *compat, struct scene *scene)
{
	const size_t page = page_size();
	char *memory = pages_alloc(&scene->buffer, PAGES);

	scene->iova = iova_alloc(&compat->space, (PAGES + 2) * page, page) + page;
	container_map(compat->container, memory, PAGES * page, scene->iova);
}

/* Where the requests are not known or not allowed: @error, all of them, and the mapping stays. */
static void judge_without(struct __test_metadata *_metadata, struct compat *compat,
			  const struct scene *scene, int error)
{
	uint64_t bits = 0;

	EXPECT_EQ(error, dirty_flags(compat->container, START));
	EXPECT_EQ(error, dirty_flags(compat->container, STOP));
	EXPECT_EQ(error, get_bitmap(compat->container, scene->iova, PAGES, &bits));
	EXPECT_EQ(-EINVAL, unmap_bitmap(compat->container, 0, scene->iova, PAGES, &bits));
	EXPECT_EQ(0, bits);
	container_unmap(compat->container, scene->iova, PAGES * page_size());
}

static void judge_arguments(struct __test_metadata *_metadata, struct compat *compat,
			    const struct scene *scene)
{
	const int container = compat->container;
	struct vfio_iommu_type1_dirty_bitmap head = { .argsz = sizeof(head) - 1, .flags = START };
	uint64_t bits = 0;

	EXPECT_EQ(-EINVAL, dirty_pages(container, &head));
	EXPECT_EQ(-EFAULT, dirty_pages(container, inaccessible_page()));
	EXPECT_EQ(-EINVAL, dirty_flags(container, 1U << 3));
	EXPECT_EQ(-EINVAL, dirty_flags(container, START | 1U << 31));
	EXPECT_EQ(-EINVAL, dirty_flags(container, START | STOP));
	EXPECT_EQ(-EINVAL, dirty_flags(container, START | GET));
	EXPECT_EQ(-EINVAL, dirty_flags(container, STOP | GET));
	/* Without room for the range. */
	EXPECT_EQ(-EINVAL, dirty_flags(container, GET));
	/* And nothing was started by any of it. */
	EXPECT_EQ(-EINVAL, get_bitmap(container, scene->iova, PAGES, &bits));
	EXPECT_EQ(-EINVAL, unmap_bitmap(container, 0, scene->iova, PAGES, &bits));
}

static void judge_tracking(struct __test_metadata *_metadata, struct compat *compat,
			   const struct scene *scene)
{
	const int container = compat->container;
	const uint64_t iova = scene->iova, page = page_size();
	uint64_t bits = 0;

	ASSERT_EQ(0, dirty_flags(container, START));
	EXPECT_EQ(0, dirty_flags(container, START));
	EXPECT_EQ(0, get_bitmap(container, iova, PAGES, &bits));
	EXPECT_EQ(0x7, bits);
	bits = 0;
	EXPECT_EQ(-EINVAL, get_bitmap(container, iova, PAGES - 1, &bits));
	EXPECT_EQ(-EINVAL, get_bitmap(container, iova + page, PAGES - 1, &bits));
	EXPECT_EQ(-EINVAL, get_bitmap(container, iova + 1, PAGES, &bits));
	EXPECT_EQ(-EINVAL, get_bitmap(container, iova, 0, &bits));
	EXPECT_EQ(-EINVAL, unmap_bitmap(container, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, &bits));
	EXPECT_EQ(-EINVAL, unmap_bitmap(container, VFIO_DMA_UNMAP_FLAG_VADDR, iova, PAGES, &bits));
	EXPECT_EQ(0, bits);
	EXPECT_EQ(0, unmap_bitmap(container, 0, iova, PAGES, &bits));
	EXPECT_EQ(0x7, bits);
	bits = 0;
	EXPECT_EQ(0, get_bitmap(container, iova, PAGES, &bits));
	EXPECT_EQ(0, bits);
	EXPECT_EQ(0, dirty_flags(container, STOP));
	EXPECT_EQ(-EINVAL, get_bitmap(container, iova, PAGES, &bits));
}

CTS_TEST_F(type1, tracking,
	   .title = "The container of vfio tracks dirty pages for type1v2, as one who can't see what devices write; type1 is EACCES, an iommufd ENOTTY",
	   .requirements = { "COMPAT-020" },
	   .needs = NEEDS)
{
	struct scene scene;

	set_scene(&self->compat, &scene);
	if (!self->compat.native) {
		judge_without(_metadata, &self->compat, &scene, -ENOTTY);
	} else if (self->cuts) {
		judge_without(_metadata, &self->compat, &scene, -EACCES);
	} else {
		judge_arguments(_metadata, &self->compat, &scene);
		judge_tracking(_metadata, &self->compat, &scene);
	}
}

/* Starts tracking, which one mode has. */
#define TRACKING_OR_SKIP(self)                                                           \
	do {                                                                             \
		if (!(self)->compat.native || (self)->cuts)                              \
			CTS_SKIP(KERNEL_LACKS,                                           \
				 "only type1v2 of vfio's container tracks dirty pages"); \
		ASSERT_EQ(0, dirty_flags((self)->compat.container, START));              \
	} while (0)

CTS_TEST_F(type1, place_in_the_bitmap,
	   .title = "The first bit is that of the first IOVA asked for, wherever mappings begin",
	   .requirements = { "COMPAT-020" },
	   .needs = NEEDS)
{
	struct scene scene;
	uint64_t bits = 0;

	set_scene(&self->compat, &scene);
	TRACKING_OR_SKIP(self);
	EXPECT_EQ(0,
		  get_bitmap(self->compat.container, scene.iova - page_size(), PAGES + 2, &bits));
	EXPECT_EQ(0xe, bits);
}

CTS_TEST_F(type1, next_bitmap,
	   .title = "A bitmap that began before a mapping leaves no bit behind its end in the next one",
	   .requirements = { "COMPAT-020" },
	   .needs = NEEDS)
{
	const int container = self->compat.container;
	struct scene scene;
	uint64_t bits = 0;

	set_scene(&self->compat, &scene);
	TRACKING_OR_SKIP(self);
	ASSERT_EQ(0, get_bitmap(container, scene.iova - page_size(), PAGES + 1, &bits));
	bits = 0;
	EXPECT_EQ(0, get_bitmap(container, scene.iova, PAGES, &bits));
	EXPECT_EQ(0x7, bits);
	bits = 0;
	EXPECT_EQ(0, get_bitmap(container, scene.iova, PAGES + 1, &bits));
	EXPECT_EQ(0x7, bits);
}

CTS_MAIN
