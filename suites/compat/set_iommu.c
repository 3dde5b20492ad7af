// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_SET_IOMMU, and what comes in what order: a group, the backend, then mappings. An iommufd is
 * more lenient, because its compatibility IOAS is there as soon as a group is.
 */
#include "opened.h"

CTS_TEST_F(opened, without_a_group,
	   .title = "VFIO_SET_IOMMU is refused before there is a group, and works once there is",
	   .requirements = { "COMPAT-004", "COMPAT-012" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;

	EXPECT_EQ(either(compat, -EINVAL, -ENODEV),
		  __container_set_iommu(compat->container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(either(compat, -EINVAL, -ENODEV),
		  __container_set_iommu(compat->container, VFIO_TYPE1v2_IOMMU));
	COMPAT_SET_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
}

CTS_TEST_F(opened, other_types,
	   .title = "Every type but type1 and type1v2 is refused, and one of the two is taken then",
	   .requirements = { "COMPAT-004" },
	   .needs = NEEDS)
{
	static const unsigned long types[] = { 0,
					       VFIO_SPAPR_TCE_IOMMU,
					       VFIO_DMA_CC_IOMMU,
					       VFIO_EEH,
					       6,
					       VFIO_SPAPR_TCE_v2_IOMMU,
					       VFIO_NOIOMMU_IOMMU,
					       VFIO_UNMAP_ALL,
					       VFIO_UPDATE_VADDR,
					       11,
					       INT_MAX,
					       UINT_MAX };
	size_t i;

	vfio_group_set_container(self->compat.group, self->compat.container);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		int error = __container_set_iommu(self->compat.container, types[i]);

		/* The container of vfio may not find a backend at all. */
		EXPECT_TRUE(error == -EINVAL || (self->compat.native && error == -ENODEV))
		{
			TH_LOG("type %lu: %d", types[i], error);
		}
	}
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, VFIO_TYPE1_IOMMU);
}

CTS_TEST_F(opened, requests_without_a_group,
	   .title = "Without a group a container neither maps, nor unmaps, nor tells of its IOMMU",
	   .requirements = { "COMPAT-012" },
	   .needs = NEEDS)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	const int refused = either(&self->compat, -EINVAL, -ENODEV);
	uint64_t size = page_size();
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	EXPECT_EQ(refused,
		  __container_map(self->compat.container, memory, page_size(), 16 * page_size()));
	EXPECT_EQ(refused, __container_unmap(self->compat.container, 16 * page_size(), &size));
	size = 0;
	EXPECT_EQ(refused, __container_unmap_flags(self->compat.container, VFIO_DMA_UNMAP_FLAG_ALL,
						   0, &size));
	EXPECT_EQ(-1, ioctl(self->compat.container, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(-refused, errno);
}

CTS_TEST_F(opened, requests_before_the_backend,
	   .title = "With a group, but no VFIO_SET_IOMMU yet, only an iommufd maps and unmaps",
	   .requirements = { "COMPAT-012" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint64_t iova, size = page_size();
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	vfio_group_set_container(compat->group, compat->container);
	if (compat->native) {
		struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

		EXPECT_EQ(-EINVAL, __container_map(compat->container, memory, page_size(),
						   16 * page_size()));
		EXPECT_EQ(-EINVAL, __container_unmap(compat->container, 16 * page_size(), &size));
		EXPECT_EQ(-1, ioctl(compat->container, VFIO_IOMMU_GET_INFO, &info));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-EINVAL, __vfio_group_device_fd(compat->group, sysfs_device()));
		COMPAT_SET_IOMMU_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
		compat_open_device(compat);
	} else {
		compat_open_device(compat);
	}
	iova = iova_alloc(&compat->space, page_size(), page_size());
	EXPECT_EQ(0, __container_map(compat->container, memory, page_size(), iova));
	EXPECT_EQ(0, __container_unmap(compat->container, iova, &size));
	EXPECT_EQ(page_size(), size);
}

CTS_TEST_F(opened, second_time,
	   .title = "A second VFIO_SET_IOMMU is refused by the container of vfio, and harmless to an iommufd: mappings stay",
	   .requirements = { "COMPAT-013" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);
	uint64_t iova;

	COMPAT_SET_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(compat);
	iova = iova_alloc(&compat->space, page_size(), page_size());
	container_map(compat->container, memory, page_size(), iova);
	EXPECT_EQ(either(compat, -EINVAL, 0),
		  __container_set_iommu(compat->container, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EEXIST, __container_map(compat->container, memory, page_size(), iova));
	/* Large pages may have been used, so there is no way to become type1 now. */
	EXPECT_EQ(-EINVAL, __container_set_iommu(compat->container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-EINVAL, __container_set_iommu(compat->container, VFIO_NOIOMMU_IOMMU));
	container_unmap(compat->container, iova, page_size());
}

CTS_MAIN
