// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flags VADDR of MAP_DMA and UNMAP_DMA, by which a process takes a mapping over to another
 * address of the same memory. They work where VFIO_UPDATE_VADDR is offered, and are unknown flags
 * elsewhere.
 */
#include <sys/mman.h>

#include "type1.h"

#define PAGES 2

struct scene {
	struct buffer buffer; /* a memfd */
	char *alias;	      /* the same pages at another address */
	uint64_t iova;	      /* where PAGES pages are mapped */
	size_t size;
};

static void set_scene(struct compat *compat, struct scene *scene)
{
	scene->size = PAGES * page_size();
	buffer_alloc(&scene->buffer, BUFFER_MEMFD, scene->size);
	scene->alias =
		mmap(NULL, scene->size, PROT_READ | PROT_WRITE, MAP_SHARED, scene->buffer.fd, 0);
	cts_require(scene->alias != MAP_FAILED, "mmap of a memfd");
	scene->iova = iova_alloc(&compat->space, scene->size, page_size());
	container_map(compat->container, scene->buffer.memory, scene->size, scene->iova);
}

static int invalidate(const struct compat *compat, const struct scene *scene, uint64_t *size)
{
	*size = scene->size;
	return __container_unmap_flags(compat->container, VFIO_DMA_UNMAP_FLAG_VADDR, scene->iova,
				       size);
}

static int update(const struct compat *compat, const struct scene *scene)
{
	return __container_map_flags(compat->container, VFIO_DMA_MAP_FLAG_VADDR, scene->alias,
				     scene->size, scene->iova);
}

/* Where the flags are unknown: each is EINVAL, alone and with others, and the mapping stays. */
static void judge_unknown(struct __test_metadata *_metadata, const struct compat *compat,
			  const struct scene *scene)
{
	uint64_t size;

	EXPECT_EQ(-EINVAL, invalidate(compat, scene, &size));
	size = 0;
	EXPECT_EQ(-EINVAL, __container_unmap_flags(
				   compat->container,
				   VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	EXPECT_EQ(-EINVAL, update(compat, scene));
	container_unmap(compat->container, scene->iova, scene->size);
}

static void judge_refusals(struct __test_metadata *_metadata, const struct compat *compat,
			   const struct scene *scene)
{
	const int container = compat->container;
	uint64_t size;

	/* Nothing was invalidated yet. */
	EXPECT_EQ(-EINVAL, update(compat, scene));
	ASSERT_EQ(0, invalidate(compat, scene, &size));
	EXPECT_EQ(scene->size, size);
	EXPECT_EQ(-EINVAL, invalidate(compat, scene, &size));
	EXPECT_EQ(-EINVAL,
		  __container_map_flags(container, VFIO_DMA_MAP_FLAG_VADDR | VFIO_DMA_MAP_FLAG_READ,
					scene->alias, scene->size, scene->iova));
	EXPECT_EQ(-EINVAL, __container_map_flags(container, VFIO_DMA_MAP_FLAG_VADDR, scene->alias,
						 page_size(), scene->iova));
	EXPECT_EQ(-ENOENT, __container_map_flags(container, VFIO_DMA_MAP_FLAG_VADDR, scene->alias,
						 page_size(), scene->iova + scene->size));
	/* It is a mapping all the time. */
	EXPECT_EQ(-EEXIST, __container_map(container, scene->alias, page_size(), scene->iova));
	EXPECT_EQ(0, update(compat, scene));
	EXPECT_EQ(-EINVAL, update(compat, scene));
	size = 0;
	EXPECT_EQ(0, __container_unmap_flags(container,
					     VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, 0,
					     &size));
	EXPECT_EQ(scene->size, size);
	EXPECT_EQ(0, update(compat, scene));
	container_unmap(container, scene->iova, scene->size);
}

CTS_TEST_F(type1, flags,
	   .title = "Where updating addresses is offered the flags work in their order; elsewhere they are EINVAL and the mapping stays",
	   .requirements = { "COMPAT-009" },
	   .needs = NEEDS)
{
	struct scene scene;

	set_scene(&self->compat, &scene);
	if (__container_extension(self->compat.container, VFIO_UPDATE_VADDR))
		judge_refusals(_metadata, &self->compat, &scene);
	else
		judge_unknown(_metadata, &self->compat, &scene);
}

CTS_TEST_F(type1, dma,
	   .title = "A device reaches the memory of a mapping while its address is invalid, and when it is another",
	   .requirements = { "COMPAT-009", "COMPAT-018" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	struct compat *compat = &self->compat;
	int error = __container_extension(compat->container, VFIO_UPDATE_VADDR) ? 0 : -EINVAL;
	struct scene scene;
	uint64_t size;

	set_scene(compat, &scene);
	EXPECT_TRUE(page_written(compat->dma, scene.iova, scene.buffer.memory));
	EXPECT_EQ(error, invalidate(compat, &scene, &size));
	EXPECT_TRUE(page_written(compat->dma, scene.iova, scene.alias));
	EXPECT_EQ(error, update(compat, &scene));
	EXPECT_TRUE(page_written(compat->dma, scene.iova, scene.alias));
	ASSERT_EQ(0, munmap(scene.buffer.memory, scene.size));
	EXPECT_TRUE(page_written(compat->dma, scene.iova + page_size(), scene.alias + page_size()));
	container_unmap(compat->container, scene.iova, scene.size);
}

CTS_MAIN
