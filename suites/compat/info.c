// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_IOMMU_GET_INFO: page sizes, and a chain of capabilities behind the fixed part. */
#include <stddef.h>

#include "type1.h"

#define MINIMUM (offsetof(struct vfio_iommu_type1_info, iova_pgsizes) + sizeof(uint64_t))
#define FIXED_PART sizeof(struct vfio_iommu_type1_info)

/*
 * Asks with an argument of @argsz bytes that ends where memory does, filled with 0xee; *@info
 * becomes the fixed part as far as there is one.
 */
static int ask(int container, uint32_t argsz, struct vfio_iommu_type1_info *info)
{
	struct vfio_iommu_type1_info head = { .argsz = argsz };
	struct buffer buffer;
	char *args;
	int rc;

	buffer_alloc(&buffer, BUFFER_BASE, 2 * page_size());
	cts_require(argsz <= buffer.size, "an argument of %u bytes", argsz);
	args = (char *)buffer.memory + buffer.size - argsz;
	memset(args, 0xee, argsz);
	memcpy(args, &head, argsz < 8 ? argsz : 8);
	rc = ioctl(container, VFIO_IOMMU_GET_INFO, args) ? -errno : 0;
	memset(info, 0xee, sizeof(*info));
	memcpy(info, args, argsz < sizeof(*info) ? argsz : sizeof(*info));
	buffer_free(&buffer);
	return rc;
}

CTS_TEST_F(type1, argument,
	   .title = "An argument below the fixed part's minimum is EINVAL, one that can't be read or written EFAULT",
	   .requirements = { "COMPAT-008" },
	   .needs = NEEDS)
{
	const struct vfio_iommu_type1_info good = { .argsz = sizeof(good) };
	const int container = self->compat.container;
	struct vfio_iommu_type1_info info = { .argsz = MINIMUM - 1, .flags = 0xff };

	EXPECT_EQ(-1, ioctl(container, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MINIMUM - 1, info.argsz);
	EXPECT_EQ(0xff, info.flags);
	EXPECT_EQ(-1, ioctl(container, VFIO_IOMMU_GET_INFO, inaccessible_page()));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(container, VFIO_IOMMU_GET_INFO, read_only_page(&good, sizeof(good))));
	EXPECT_EQ(EFAULT, errno);
}

CTS_TEST_F(type1, short_replies,
	   .title = "Where the chain doesn't fit, the reply says how much it takes, gives none of it, and writes no byte too many",
	   .requirements = { "COMPAT-008" },
	   .needs = NEEDS)
{
	struct vfio_iommu_type1_info info;
	uint32_t needed, argsz;

	ASSERT_EQ(0, ask(self->compat.container, FIXED_PART, &info));
	needed = info.argsz;
	ASSERT_LT(FIXED_PART, needed);
	for (argsz = MINIMUM; argsz < needed; argsz++) {
		ASSERT_EQ(0, ask(self->compat.container, argsz, &info));
		EXPECT_EQ(needed, info.argsz);
		EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, info.flags);
		if (argsz >= offsetof(struct vfio_iommu_type1_info, cap_offset) + 4) {
			EXPECT_EQ(0, info.cap_offset)
			{
				TH_LOG("argsz %u of %u", argsz, needed);
			}
		}
	}
	for (argsz = needed; argsz <= needed + 32; argsz += 8) {
		EXPECT_EQ(0, ask(self->compat.container, argsz, &info));
		EXPECT_EQ(FIXED_PART, info.cap_offset);
	}
}

CTS_TEST_F(type1, chain,
	   .title = "The chain tells the usable ranges and how many mappings may be made; of dirty pages only the container of vfio tells",
	   .requirements = { "COMPAT-008", "COMPAT-017" },
	   .needs = NEEDS)
{
	struct container_info info;
	uint32_t i;

	container_info_get(self->compat.container, &info);
	EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS, info.flags);
	EXPECT_NE(0, info.page_sizes);
	EXPECT_TRUE(info.first_version);
	EXPECT_TRUE(info.has_avail);
	EXPECT_LT(0, info.avail);
	ASSERT_LT(0, info.range_count);
	for (i = 0; i < info.range_count; i++) {
		EXPECT_LE(info.ranges[i].start, info.ranges[i].end);
		if (i) {
			EXPECT_LT(info.ranges[i - 1].end, info.ranges[i].start);
		}
	}
	EXPECT_EQ(self->compat.native, info.has_migration);
	if (info.has_migration) {
		EXPECT_EQ(info.page_sizes & -info.page_sizes, info.migration.pgsize_bitmap);
		EXPECT_LT(0, info.migration.max_dirty_bitmap_size);
	}
	container_info_free(&info);
}

CTS_TEST_F(type1, smallest_page,
	   .title = "The smallest of the reported page sizes is no less than the processor's, and a mapping may be that small",
	   .requirements = { "COMPAT-008" },
	   .needs = NEEDS)
{
	const uint64_t smallest = self->compat.space.alignment;
	uint64_t iova = iova_alloc(&self->compat.space, smallest, smallest);
	struct buffer buffer;

	ASSERT_NE(0, smallest);
	EXPECT_LE(page_size(), smallest);
	buffer_alloc(&buffer, BUFFER_BASE, smallest);
	EXPECT_EQ(0, __container_map(self->compat.container, buffer.memory, smallest, iova));
	container_unmap(self->compat.container, iova, smallest);
}

CTS_TEST_F(type1, avail,
	   .title = "A mapping costs one of those that the container of vfio allows, and gives it back; an iommufd counts none",
	   .requirements = { "COMPAT-017" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size();
	const uint32_t before = container_avail(compat->container);
	uint64_t iova = iova_alloc(&compat->space, 4 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 2);

	container_map(compat->container, memory, 2 * page, iova);
	EXPECT_EQ(before - (compat->native ? 1 : 0), container_avail(compat->container));
	container_map(compat->container, memory, page, iova + 2 * page);
	EXPECT_EQ(before - (compat->native ? 2 : 0), container_avail(compat->container));
	/* One that is refused costs nothing. */
	EXPECT_EQ(-EEXIST, __container_map(compat->container, memory, page, iova));
	EXPECT_EQ(-EFAULT,
		  __container_map(compat->container, inaccessible_page(), page, iova + 3 * page));
	EXPECT_EQ(before - (compat->native ? 2 : 0), container_avail(compat->container));
	container_unmap(compat->container, iova, 3 * page);
	EXPECT_EQ(before, container_avail(compat->container));
}

/* The ranges that an IOAS of an iommufd has with the device attached by its own node. */
static struct iommu_iova_range *ranges_by_cdev(uint32_t *count)
{
	int iommufd = iommufd_open(), device = vfio_open();
	struct iommu_iova_range *ranges;
	uint64_t alignment;
	uint32_t ioas;

	vfio_bind(device, iommufd);
	ioas = iommufd_ioas_alloc(iommufd);
	vfio_attach(device, ioas);
	ranges = iommufd_iova_ranges(iommufd, ioas, count, &alignment);
	cts_close(&device);
	cts_close(&iommufd);
	return ranges;
}

CTS_TEST_F(type1, same_ranges,
	   .title = "The usable ranges are those that IOMMU_IOAS_IOVA_RANGES reports of the device, by every way to it",
	   .requirements = { "COMPAT-008", "COMPAT-015" },
	   .needs = NEEDS)
{
	struct iommu_iova_range *ranges;
	struct container_info info;
	uint32_t count, i;

	container_info_get(self->compat.container, &info);
	compat_close(&self->compat);
	ranges = ranges_by_cdev(&count);
	ASSERT_EQ(count, info.range_count);
	for (i = 0; i < count; i++) {
		EXPECT_EQ(ranges[i].start, info.ranges[i].start);
		EXPECT_EQ(ranges[i].last, info.ranges[i].end);
	}
	free(ranges);
	container_info_free(&info);
}

CTS_MAIN
