// SPDX-License-Identifier: GPL-2.0-only
/* Several groups in one container: each device reaches what is mapped, whoever came when. */
#include "compat.h"

FIXTURE(two_groups)
{
	struct compat compat; /* with a second group in it, and the device's not yet */
	int other;
};

FIXTURE_VARIANT(two_groups)
{
	enum container_mode mode;
	unsigned long type;
};

FIXTURE_VARIANT_ADD(two_groups, iommufd_v1)
{ CONTAINER_IOMMUFD, VFIO_TYPE1_IOMMU };
FIXTURE_VARIANT_ADD(two_groups, iommufd_v2)
{ CONTAINER_IOMMUFD, VFIO_TYPE1v2_IOMMU };
FIXTURE_VARIANT_ADD(two_groups, container_v1)
{ CONTAINER_VFIO, VFIO_TYPE1_IOMMU };
FIXTURE_VARIANT_ADD(two_groups, container_v2)
{ CONTAINER_VFIO, VFIO_TYPE1v2_IOMMU };

FIXTURE_SETUP(two_groups)
{
	unsigned int distrusted;

	CTS_CHECK_NEEDS();
	distrusted = dut_distrusted();
	COMPAT_OPEN_OR_SKIP(&self->compat, variant->mode);
	self->compat.distrusted = distrusted;
	self->other = __vfio_group_open_other();
	if (self->other < 0)
		CTS_SKIP(ONE_GROUP, "no other group is there and free");
	vfio_group_set_container(self->other, self->compat.container);
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, variant->type);
}

FIXTURE_TEARDOWN(two_groups)
{
	compat_close(&self->compat);
	cts_close(&self->other);
}

#define NEEDS (CTS_NEED_IOMMUFD | CTS_NEED_CDEV | CTS_NEED_GROUP | CTS_NEED_DMA_WRITE)

/* Brings the device's group in, and finds an IOVA that is far from the device's rings. */
static uint64_t join(struct compat *compat)
{
	vfio_group_set_container(compat->group, compat->container);
	compat_open_device(compat);
	iova_exit(&compat->space);
	compat_learn_space(compat, dma_highest_iova());
	return iova_alloc_top(&compat->space, page_size(), page_size());
}

/* And out again. */
static void leave(struct compat *compat)
{
	cts_close(&compat->device);
	cts_require(!__vfio_group_unset_container(compat->group), "VFIO_GROUP_UNSET_CONTAINER");
}

CTS_TEST_F(two_groups, joined_later,
	   .title = "The device of a group that comes to a container with mappings reaches them, also when it left and came back",
	   .requirements = { "COMPAT-022" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova = join(compat);

	leave(compat);
	container_map(compat->container, memory, page_size(), iova);
	join(compat);
	compat_start_dma(compat);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	dma_close(compat->dma);
	compat->dma = NULL;
	compat_unmap_rings(compat);
	leave(compat);
	join(compat);
	compat_start_dma(compat);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	container_unmap(compat->container, iova, page_size());
}

CTS_TEST_F(two_groups, other_leaves,
	   .title = "When another group leaves, the device reaches what it did, and what is mapped then",
	   .requirements = { "COMPAT-022", "GROUP-006" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	uint64_t iova = join(compat), second;

	compat_start_dma(compat);
	container_map(compat->container, memory, page_size(), iova);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	ASSERT_EQ(0, __vfio_group_unset_container(self->other));
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	second = iova_alloc(&compat->space, page_size(), page_size());
	EXPECT_EQ(0, __container_map(compat->container, memory + page_size(), page_size(), second));
	EXPECT_TRUE(page_written(compat->dma, second, memory + page_size()));
	container_unmap(compat->container, iova, page_size());
}

CTS_TEST_F(two_groups, while_invalid,
	   .title = "No group comes to a container while the address of a mapping is invalid: EBUSY; when it is valid one does",
	   .requirements = { "COMPAT-022", "COMPAT-009" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint64_t iova = join(compat), size = page_size();
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	leave(compat);
	if (!__container_extension(compat->container, VFIO_UPDATE_VADDR))
		CTS_SKIP(KERNEL_LACKS, "VFIO_UPDATE_VADDR is not offered");
	container_map(compat->container, memory, page_size(), iova);
	ASSERT_EQ(0, __container_unmap_flags(compat->container, VFIO_DMA_UNMAP_FLAG_VADDR, iova,
					     &size));
	EXPECT_EQ(-EBUSY, __vfio_group_set_container(compat->group, compat->container));
	EXPECT_TRUE(vfio_group_is_viable(compat->group));
	ASSERT_EQ(0, __container_map_flags(compat->container, VFIO_DMA_MAP_FLAG_VADDR, memory,
					   page_size(), iova));
	EXPECT_EQ(0, __vfio_group_set_container(compat->group, compat->container));
}

CTS_MAIN
