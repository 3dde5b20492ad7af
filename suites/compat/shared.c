// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device from its group, whose container is an iommufd: the compatibility IOAS that it is
 * attached to is one like any other, and the same by both kinds of requests.
 */
#include "compat.h"

FIXTURE(shared)
{
	struct compat compat;
};

FIXTURE_SETUP(shared)
{
	unsigned int distrusted;

	CTS_CHECK_NEEDS();
	distrusted = dut_distrusted();
	COMPAT_OPEN_OR_SKIP(&self->compat, CONTAINER_IOMMUFD);
	self->compat.distrusted = distrusted;
}

FIXTURE_TEARDOWN(shared)
{
	compat_close(&self->compat);
}

#define NEEDS (CTS_NEED_IOMMUFD | CTS_NEED_CDEV | CTS_NEED_GROUP | CTS_NEED_DMA_WRITE)

static void start(struct compat *compat)
{
	vfio_group_set_container(compat->group, compat->container);
	compat_open_device(compat);
	compat_start_dma(compat);
}

CTS_TEST_F(shared, made_by_the_group,
	   .title = "A group that comes makes a compatibility IOAS, which its device is attached to: what is mapped there natively it reaches",
	   .requirements = { "GROUP-003", "COMPAT-018" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint32_t ioas = 0;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	uint64_t iova;

	EXPECT_EQ(-ENODEV, __container_ioas(compat->container, IOMMU_VFIO_IOAS_GET, &ioas));
	start(compat);
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_GET, &ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(compat->container, ioas));

	iova = iova_alloc(&compat->space, 2 * page_size(), page_size());
	iommufd_map(compat->container, ioas, memory, page_size(), iova);
	container_map(compat->container, memory + page_size(), page_size(), iova + page_size());
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	EXPECT_TRUE(page_written(compat->dma, iova + page_size(), memory + page_size()));
}

CTS_TEST_F(shared, set_before,
	   .title = "A group that comes to a compatibility IOAS that was set uses that, with what is mapped in it",
	   .requirements = { "GROUP-003", "COMPAT-018" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint32_t ioas = iommufd_ioas_alloc(compat->container), got = ioas;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova;

	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_SET, &got));
	vfio_group_set_container(compat->group, compat->container);
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_GET, &got));
	EXPECT_EQ(ioas, got);
	compat_open_device(compat);
	iova_exit(&compat->space);
	compat_learn_space(compat, dma_highest_iova());
	iova = iova_alloc_top(&compat->space, page_size(), page_size());
	cts_close(&compat->device);
	/* Now without a device, so that it meets the mapping when it comes. */
	container_map(compat->container, memory, page_size(), iova);
	compat_open_device(compat);
	compat_start_dma(compat);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_TEST_F(shared, set_behind,
	   .title = "A compatibility IOAS that is set while a device is open takes the requests; the device stays where it is",
	   .requirements = { "COMPAT-001", "COMPAT-018" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint32_t other = iommufd_ioas_alloc(compat->container), first = 0;
	struct buffer buffer, unseen;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova;

	pages_alloc(&unseen, 1);
	start(compat);
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_GET, &first));
	iova = iova_alloc(&compat->space, page_size(), page_size());
	container_map(compat->container, memory, page_size(), iova);
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_SET, &other));
	EXPECT_EQ(0, __container_map(compat->container, unseen.memory, page_size(), iova));
	canary_fill(unseen.memory, unseen.size, 1);
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	EXPECT_TRUE(canary_intact(unseen.memory, unseen.size, 1));
	container_unmap(compat->container, iova, page_size());
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_SET, &first));
	container_unmap(compat->container, iova, page_size());
}

CTS_TEST_F(shared, copied,
	   .title = "A mapping of MAP_DMA can be copied natively, and a native mapping of another IOAS into the compatibility IOAS",
	   .requirements = { "COMPAT-005", "COMPAT-018" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint32_t other = iommufd_ioas_alloc(compat->container), ioas = 0;
	const size_t page = page_size();
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);
	uint64_t iova;

	start(compat);
	ASSERT_EQ(0, __container_ioas(compat->container, IOMMU_VFIO_IOAS_GET, &ioas));
	iova = iova_alloc(&compat->space, 4 * page, page);
	container_map(compat->container, memory, page, iova);
	iommufd_map(compat->container, other, memory + page, page, iova);
	iommufd_copy(compat->container, ioas, ioas, page, iova, iova + page);
	iommufd_copy(compat->container, ioas, other, page, iova, iova + 2 * page);
	container_unmap(compat->container, iova, page);
	EXPECT_TRUE(page_written(compat->dma, iova + page, memory));
	EXPECT_TRUE(page_written(compat->dma, iova + 2 * page, memory + page));
	container_unmap(compat->container, iova + page, 2 * page);
}

CTS_TEST_F(shared, type1_too_late,
	   .title = "Large pages can't be switched off by VFIO_SET_IOMMU of type1 once the device has mappings: EINVAL, and they stay",
	   .requirements = { "COMPAT-004" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova;

	start(compat);
	iova = iova_alloc(&compat->space, page_size(), page_size());
	container_map(compat->container, memory, page_size(), iova);
	EXPECT_EQ(-EINVAL, __container_set_iommu(compat->container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, __container_set_iommu(compat->container, VFIO_TYPE1v2_IOMMU));
	EXPECT_TRUE(page_written(compat->dma, iova, memory));
}

CTS_TEST_F(shared, next_container,
	   .title = "A group that left its iommufd with the device open does not hand the device out for another iommufd, unless it is attached there",
	   .requirements = { "GROUP-010" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	int other = iommufd_open(), device;
	struct buffer buffer, unseen;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova;

	pages_alloc(&unseen, 1);
	start(compat);
	iova = iova_alloc(&compat->space, page_size(), page_size());
	container_map(compat->container, unseen.memory, page_size(), iova);
	ASSERT_EQ(0, __vfio_group_unset_container(compat->group));
	vfio_group_set_container(compat->group, other);
	device = __vfio_group_device_fd(compat->group, sysfs_device());
	printf("# VFIO_GROUP_GET_DEVICE_FD: %d\n", device < 0 ? device : 0);
	if (device >= 0) {
		if (dma_rings_size())
			container_map(other, dma_rings(compat->dma), dma_rings_size(),
				      compat->rings);
		container_map(other, memory, page_size(), iova);
		canary_fill(unseen.memory, unseen.size, 1);
		EXPECT_TRUE(page_written(compat->dma, iova, memory));
		EXPECT_TRUE(canary_intact(unseen.memory, unseen.size, 1));
		cts_close(&device);
	}
	cts_close(&other);
}

CTS_MAIN
