// SPDX-License-Identifier: GPL-2.0-only
/* What a container says of itself: its version, what it can do, and what it doesn't know. */
#include "opened.h"

/* A type that was taken out of the kernel, whose number stays taken. */
#define NESTING 6

CTS_TEST_F(opened, provider,
	   .title = "Who answers by each of the two files: vfio itself or an iommufd",
	   .requirements = { "COMPAT-019" },
	   .needs = NEEDS,
	   .kind = CTS_CHARACTERISATION)
{
	cts_record_fact(container_path(variant->mode), "%s",
			self->compat.native ? "the container of vfio" : "an iommufd");
}

CTS_TEST_F(opened, api_version,
	   .title = "VFIO_GET_API_VERSION is 0, before and after the group is there",
	   .requirements = { "COMPAT-003" },
	   .needs = NEEDS)
{
	EXPECT_EQ(VFIO_API_VERSION, __container_api_version(self->compat.container));
	vfio_group_set_container(self->compat.group, self->compat.container);
	EXPECT_EQ(VFIO_API_VERSION, __container_api_version(self->compat.container));
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(VFIO_API_VERSION, __container_api_version(self->compat.container));
}

/* What every container answers at every time. */
static void judge_extensions(struct __test_metadata *_metadata, int container)
{
	static const unsigned long unknown[] = {
		0, VFIO_SPAPR_TCE_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU, 11, 99, INT_MAX, UINT_MAX
	};
	size_t i;

	EXPECT_EQ(1, __container_extension(container, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(1, __container_extension(container, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, __container_extension(container, VFIO_UNMAP_ALL));
	EXPECT_EQ(0, __container_extension(container, NESTING));
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(0, __container_extension(container, unknown[i]))
		{
			TH_LOG("extension %lu", unknown[i]);
		}
	}
}

CTS_TEST_F(opened, extensions,
	   .title = "VFIO_CHECK_EXTENSION knows type1, type1v2 and unmapping of all, and no nesting, at every time",
	   .requirements = { "COMPAT-003" },
	   .needs = NEEDS)
{
	judge_extensions(_metadata, self->compat.container);
	vfio_group_set_container(self->compat.group, self->compat.container);
	judge_extensions(_metadata, self->compat.container);
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	judge_extensions(_metadata, self->compat.container);
	compat_open_device(&self->compat);
	judge_extensions(_metadata, self->compat.container);
}

CTS_TEST_F(opened, update_vaddr,
	   .title = "Only the container of vfio offers to update addresses, once its backend is chosen",
	   .requirements = { "COMPAT-009" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;

	EXPECT_EQ(0, __container_extension(compat->container, VFIO_UPDATE_VADDR));
	vfio_group_set_container(compat->group, compat->container);
	EXPECT_EQ(0, __container_extension(compat->container, VFIO_UPDATE_VADDR));
	COMPAT_SET_IOMMU_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
	EXPECT_EQ(either(compat, 1, 0),
		  __container_extension(compat->container, VFIO_UPDATE_VADDR));
}

CTS_TEST_F(opened, coherency_of_nothing,
	   .title = "What holds of coherency can't be asked before there is an address space",
	   .requirements = { "COMPAT-010" },
	   .needs = NEEDS)
{
	EXPECT_EQ(either(&self->compat, 0, -ENODEV),
		  __container_extension(self->compat.container, VFIO_DMA_CC_IOMMU));
	vfio_group_set_container(self->compat.group, self->compat.container);
	/* An IOAS without a device has no table that isn't coherent. */
	EXPECT_EQ(either(&self->compat, 0, 1),
		  __container_extension(self->compat.container, VFIO_DMA_CC_IOMMU));
}

CTS_TEST_F(opened, coherency_of_a_device,
	   .title = "Both files say the same of the coherency that a device is held to",
	   .requirements = { "COMPAT-010" },
	   .needs = NEEDS)
{
	const enum container_mode other = variant->mode == CONTAINER_IOMMUFD ? CONTAINER_VFIO
									     : CONTAINER_IOMMUFD;
	int coherent;

	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	coherent = __container_extension(self->compat.container, VFIO_DMA_CC_IOMMU);
	ASSERT_LE(0, coherent);
	ASSERT_GE(1, coherent);

	compat_close(&self->compat);
	COMPAT_OPEN_OR_SKIP(&self->compat, other);
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	EXPECT_EQ(coherent, __container_extension(self->compat.container, VFIO_DMA_CC_IOMMU));
}

/* The requests of a container that is in use, but for the one that only vfio's own answers. */
static bool is_known(unsigned int number)
{
	switch (_IO(VFIO_TYPE, number)) {
	case VFIO_GET_API_VERSION:
	case VFIO_CHECK_EXTENSION:
	case VFIO_SET_IOMMU:
	case VFIO_IOMMU_GET_INFO:
	case VFIO_IOMMU_MAP_DMA:
	case VFIO_IOMMU_UNMAP_DMA:
	case VFIO_IOMMU_DIRTY_PAGES:
		return true;
	}
	return false;
}

#define IOMMUFD_FIRST 0x80 /* from here on an iommufd's own requests */

CTS_TEST_F(opened, unknown_requests,
	   .title = "A container in use answers ENOTTY to what it doesn't know, by number, type, direction or size",
	   .requirements = { "COMPAT-011" },
	   .needs = NEEDS)
{
	static const unsigned int numbers[] = { VFIO_BASE, VFIO_BASE + 2, VFIO_BASE + 12,
						VFIO_BASE + 13, VFIO_BASE + 14 };
	char *argument = guarded_page();
	int container;
	unsigned int i;

	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	container = self->compat.container;
	for (i = 0; i < IOMMUFD_FIRST; i++) {
		if (is_known(i))
			continue;
		EXPECT_EQ(-1, ioctl(container, _IO(VFIO_TYPE, i), argument));
		EXPECT_EQ(ENOTTY, errno)
		{
			TH_LOG("number %u", i);
		}
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-1, ioctl(container, _IO('x', numbers[i]), argument));
		EXPECT_EQ(ENOTTY, errno);
		EXPECT_EQ(-1, ioctl(container, _IOR(VFIO_TYPE, numbers[i], int), argument));
		EXPECT_EQ(ENOTTY, errno);
		EXPECT_EQ(-1, ioctl(container, _IOW(VFIO_TYPE, numbers[i], int), argument));
		EXPECT_EQ(ENOTTY, errno);
	}
	EXPECT_EQ(VFIO_API_VERSION, __container_api_version(container));
}

CTS_MAIN
