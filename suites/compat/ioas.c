// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_VFIO_IOAS: which IOAS of an iommufd the requests of a container are for. No device is
 * needed for that.
 */
#include <sys/ioctl.h>

#include "../ioas/access.h"
#include "container.h"
#include "iommufd.h"

FIXTURE(ioas)
{
	int iommufd;
	uint32_t ioas;
	struct buffer buffer;
	uint64_t iova;
};

FIXTURE_SETUP(ioas)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, 4 * page_size(), page_size());
	pages_alloc(&self->buffer, 4);
}

FIXTURE_TEARDOWN(ioas)
{
	buffer_free(&self->buffer);
	cts_close(&self->iommufd);
}

static int set(int iommufd, uint32_t ioas)
{
	return __container_ioas(iommufd, IOMMU_VFIO_IOAS_SET, &ioas);
}

static int clear(int iommufd)
{
	uint32_t ioas = 0;

	return __container_ioas(iommufd, IOMMU_VFIO_IOAS_CLEAR, &ioas);
}

/* The id of the compatibility IOAS, or -errno. */
static int get(int iommufd)
{
	uint32_t ioas = 0;
	int rc = __container_ioas(iommufd, IOMMU_VFIO_IOAS_GET, &ioas);

	return rc ?: (int)ioas;
}

CTS_TEST_F(ioas, get_set_clear,
	   .title = "The compatibility IOAS is none at first, the one that was set, another one, and none again",
	   .requirements = { "COMPAT-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	EXPECT_EQ(-ENODEV, get(self->iommufd));
	EXPECT_EQ(0, clear(self->iommufd));
	EXPECT_EQ(-ENODEV, get(self->iommufd));
	EXPECT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ((int)self->ioas, get(self->iommufd));
	EXPECT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(0, set(self->iommufd, other));
	EXPECT_EQ((int)other, get(self->iommufd));
	EXPECT_EQ(0, clear(self->iommufd));
	EXPECT_EQ(-ENODEV, get(self->iommufd));
	/* Both are there still. */
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(ioas, refusals,
	   .title = "An unknown id is ENOENT, an unknown operation or a reserved field EOPNOTSUPP; the setting stays",
	   .requirements = { "COMPAT-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct iommu_vfio_ioas args = { .size = sizeof(args), .op = IOMMU_VFIO_IOAS_CLEAR };
	uint32_t ioas = self->ioas, gone = iommufd_ioas_alloc(self->iommufd);

	iommufd_destroy(self->iommufd, gone);
	ASSERT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, set(self->iommufd, 0));
	EXPECT_EQ(-ENOENT, set(self->iommufd, gone));
	EXPECT_EQ(-ENOENT, set(self->iommufd, UINT32_MAX));
	EXPECT_EQ(-EOPNOTSUPP, __container_ioas(self->iommufd, 3, &ioas));
	EXPECT_EQ(-EOPNOTSUPP, __container_ioas(self->iommufd, UINT16_MAX, &ioas));
	args.__reserved = 1;
	EXPECT_EQ(-1, ioctl(self->iommufd, IOMMU_VFIO_IOAS, &args));
	EXPECT_EQ(EOPNOTSUPP, errno);
	args.__reserved = 0;
	args.size = sizeof(args) - 1;
	EXPECT_EQ(-1, ioctl(self->iommufd, IOMMU_VFIO_IOAS, &args));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ((int)self->ioas, get(self->iommufd));
}

CTS_TEST_F(ioas, destroyed,
	   .title = "The compatibility IOAS can be destroyed; then there is none, for any request",
	   .requirements = { "COMPAT-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	uint64_t size = page_size();

	ASSERT_EQ(0, set(self->iommufd, self->ioas));
	container_map(self->iommufd, self->buffer.memory, page_size(), self->iova);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(-ENODEV, get(self->iommufd));
	EXPECT_EQ(-ENODEV, __container_set_iommu(self->iommufd, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-ENODEV, __container_extension(self->iommufd, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(-ENODEV,
		  __container_map(self->iommufd, self->buffer.memory, page_size(), self->iova));
	EXPECT_EQ(-ENODEV, __container_unmap(self->iommufd, self->iova, &size));
	EXPECT_EQ(-1, ioctl(self->iommufd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(ENODEV, errno);
	/* A new IOAS is no compatibility IOAS, even if it gets the old one's id. */
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	EXPECT_EQ(-ENODEV, get(self->iommufd));
	EXPECT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(0, __container_map(self->iommufd, self->buffer.memory, page_size(), self->iova));
}

CTS_TEST_F(ioas, cleared,
	   .title = "Without a compatibility IOAS each request is ENODEV; arguments are looked at before",
	   .requirements = { "COMPAT-001", "COMPAT-005", "COMPAT-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct vfio_iommu_type1_info info = { .argsz = 15 };
	const int iommufd = self->iommufd;
	uint64_t size = page_size();

	ASSERT_EQ(0, set(iommufd, self->ioas));
	ASSERT_EQ(0, clear(iommufd));
	EXPECT_EQ(-ENODEV, __container_map(iommufd, self->buffer.memory, size, self->iova));
	EXPECT_EQ(-EINVAL,
		  __container_map_flags(iommufd, 1U << 7, self->buffer.memory, size, self->iova));
	EXPECT_EQ(-ENODEV, __container_unmap(iommufd, self->iova, &size));
	EXPECT_EQ(-EINVAL, __container_unmap_flags(iommufd, 1U << 7, self->iova, &size));
	EXPECT_EQ(-ENODEV, __container_set_iommu(iommufd, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-EINVAL, __container_set_iommu(iommufd, 99));
	EXPECT_EQ(-1, ioctl(iommufd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.argsz = sizeof(info);
	EXPECT_EQ(-1, ioctl(iommufd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(ENODEV, errno);
	/* Nothing was mapped by what was refused. */
	EXPECT_EQ(0, iommufd_unmap_all(iommufd, self->ioas));
}

CTS_TEST_F(ioas, both_ways,
	   .title = "What MAP_DMA maps IOMMU_IOAS_UNMAP takes away, and the other way round; each sees the other's mappings",
	   .requirements = { "COMPAT-005", "COMPAT-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t page = page_size();
	const int iommufd = self->iommufd;
	char *memory = self->buffer.memory;
	uint64_t size;

	ASSERT_EQ(0, set(iommufd, self->ioas));
	container_map(iommufd, memory, 2 * page, self->iova);
	EXPECT_EQ(-EEXIST, __iommufd_map(iommufd, self->ioas, memory, page, self->iova));
	iommufd_unmap(iommufd, self->ioas, self->iova, 2 * page);

	iommufd_map(iommufd, self->ioas, memory, 2 * page, self->iova);
	EXPECT_EQ(-EEXIST, __container_map(iommufd, memory, page, self->iova + page));
	container_unmap(iommufd, self->iova, 2 * page);

	container_map(iommufd, memory, page, self->iova);
	iommufd_map(iommufd, self->ioas, memory, page, self->iova + 2 * page);
	EXPECT_EQ(2 * page, iommufd_unmap_all(iommufd, self->ioas));
	container_map(iommufd, memory, page, self->iova);
	iommufd_map(iommufd, self->ioas, memory, page, self->iova + 2 * page);
	size = 0;
	EXPECT_EQ(0, __container_unmap_flags(iommufd, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	EXPECT_EQ(2 * page, size);
}

CTS_TEST_F(ioas, other_is_spared,
	   .title = "MAP_DMA and UNMAP_DMA are for the IOAS that is set, and for no other",
	   .requirements = { "COMPAT-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t page = page_size();
	const int iommufd = self->iommufd;
	uint32_t other = iommufd_ioas_alloc(iommufd);
	uint64_t size = 0;

	iommufd_map(iommufd, other, self->buffer.memory, page, self->iova);
	ASSERT_EQ(0, set(iommufd, self->ioas));
	EXPECT_EQ(0, __container_map(iommufd, self->buffer.memory, page, self->iova));
	EXPECT_EQ(0, __container_unmap_flags(iommufd, VFIO_DMA_UNMAP_FLAG_ALL, 0, &size));
	EXPECT_EQ(page, size);
	ASSERT_EQ(0, set(iommufd, other));
	EXPECT_EQ(-EEXIST, __container_map(iommufd, self->buffer.memory, page, self->iova));
	EXPECT_EQ(0, iommufd_unmap_all(iommufd, self->ioas));
	EXPECT_EQ(page, iommufd_unmap_all(iommufd, other));
}

CTS_TEST_F(ioas, other_context,
	   .title = "Each open of /dev/iommu has a compatibility IOAS of its own",
	   .requirements = { "COMPAT-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	int other = iommufd_open();

	ASSERT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(-ENODEV, get(other));
	EXPECT_EQ(-ENOENT, set(other, self->ioas));
	EXPECT_EQ((int)self->ioas, get(self->iommufd));
	EXPECT_EQ(0, clear(other));
	EXPECT_EQ((int)self->ioas, get(self->iommufd));
	cts_close(&other);
}

/* IOMMU_OPTION_HUGE_PAGES of the IOAS. */
static uint64_t huge_pages(int iommufd, uint32_t ioas)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = ioas,
	};

	cts_require(!ioctl(iommufd, IOMMU_OPTION, &args), "IOMMU_OPTION_HUGE_PAGES");
	return args.val64;
}

CTS_TEST_F(ioas, type1_splits,
	   .title = "VFIO_SET_IOMMU of type1 switches large pages of the IOAS off, and of type1v2 leaves them",
	   .requirements = { "COMPAT-004", "COMPAT-007" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t page = page_size();
	uint64_t size = page;

	ASSERT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(1, huge_pages(self->iommufd, self->ioas));
	EXPECT_EQ(0, __container_set_iommu(self->iommufd, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, huge_pages(self->iommufd, self->ioas));
	EXPECT_EQ(0, __container_set_iommu(self->iommufd, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(0, huge_pages(self->iommufd, self->ioas));
	/* Once switched off they stay so, and a mapping can be cut. */
	EXPECT_EQ(0, __container_set_iommu(self->iommufd, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, huge_pages(self->iommufd, self->ioas));
	container_map(self->iommufd, self->buffer.memory, 3 * page, self->iova);
	EXPECT_EQ(0, __container_unmap(self->iommufd, self->iova + page, &size));
	EXPECT_EQ(page, size);
	EXPECT_EQ(2 * page, iommufd_unmap_all(self->iommufd, self->ioas));
}

CTS_TEST_F(ioas, no_permission,
	   .title = "A mapping with no permission is EINVAL also where no device is attached, and leaves nothing",
	   .requirements = { "COMPAT-005" },
	   .needs = CTS_NEED_IOMMUFD)
{
	ASSERT_EQ(0, set(self->iommufd, self->ioas));
	EXPECT_EQ(-EINVAL, __container_map_flags(self->iommufd, 0, self->buffer.memory, page_size(),
						 self->iova));
	EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, self->ioas));
}

CTS_MAIN
