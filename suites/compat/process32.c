// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit process has the group and vfio's container as others do: the arguments look the same. An
 * iommufd serves no such process, and nothing says that it does.
 */
#include "../access/compat.h"
#include "type1.h"

CTS_TEST_F(type1, container,
	   .title = "A 32-bit process asks, maps and unmaps as others do, and is refused the same",
	   .requirements = { "COMPAT-023" },
	   .needs = NEEDS)
{
	const size_t page = page_size();
	const int container = self->compat.container;
	struct vfio_iommu_type1_dma_unmap *unmap;
	struct vfio_iommu_type1_info *info;
	struct vfio_iommu_type1_dma_map *map;
	struct buffer buffer;
	char *argument;

	COMPAT_OR_SKIP();
	if (!self->compat.native &&
	    __compat_ioctl(container, VFIO_GET_API_VERSION, NULL) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "/dev/iommu serves no 32-bit process");
	argument = compat_guarded_page();
	info = (void *)argument;
	info->argsz = sizeof(*info);
	EXPECT_EQ(0, __compat_ioctl(container, VFIO_IOMMU_GET_INFO, info));
	EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, info->flags);

	map = (void *)argument;
	*map = (struct vfio_iommu_type1_dma_map){
		.argsz = sizeof(*map) - 1,
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)pages_alloc(&buffer, 1),
		.iova = iova_alloc(&self->compat.space, page, page),
		.size = page,
	};
	EXPECT_EQ(-EINVAL, __compat_ioctl(container, VFIO_IOMMU_MAP_DMA, map));
	map->argsz = sizeof(*map);
	EXPECT_EQ(0, __compat_ioctl(container, VFIO_IOMMU_MAP_DMA, map));
	EXPECT_EQ(-EEXIST, __compat_ioctl(container, VFIO_IOMMU_MAP_DMA, map));

	unmap = (void *)(argument + page / 2);
	*unmap = (struct vfio_iommu_type1_dma_unmap){
		.argsz = sizeof(*unmap),
		.iova = map->iova,
		.size = page,
	};
	EXPECT_EQ(0, __compat_ioctl(container, VFIO_IOMMU_UNMAP_DMA, unmap));
	EXPECT_EQ(page, unmap->size);
	EXPECT_EQ(0, __compat_ioctl(container, VFIO_IOMMU_MAP_DMA, map));
}

CTS_TEST_F(type1, group,
	   .title = "A 32-bit process has its group's status and a device from it",
	   .requirements = { "COMPAT-023" },
	   .needs = NEEDS)
{
	struct vfio_group_status *status;
	char *name;
	int device;

	COMPAT_OR_SKIP();
	status = (void *)compat_guarded_page();
	status->argsz = sizeof(*status);
	EXPECT_EQ(0, __compat_ioctl(self->compat.group, VFIO_GROUP_GET_STATUS, status));
	EXPECT_EQ(VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET, status->flags);
	name = compat_guarded_page();
	snprintf(name, page_size(), "%s", sysfs_device());
	device = __compat_call(COMPAT_IOCTL, (uint32_t)self->compat.group, VFIO_GROUP_GET_DEVICE_FD,
			       (uint32_t)(uintptr_t)name);
	EXPECT_LE(0, device);
	cts_close(&device);
}

CTS_MAIN
