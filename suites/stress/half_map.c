// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other calls meet while a map is under way: its IOVAs are taken, nobody else can unmap or
 * copy them yet, and when it has ended they are there as if nothing had been beside it.
 */
#include <sched.h>
#include <sys/ioctl.h>

#include "beside.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

FIXTURE(half_map)
{
	struct vfio_layout layout;
	struct half_map half;
	size_t size; /* of the map */
	char *page;  /* other memory */
	long pins;
	int iommufd;
	int device;
	uint32_t id;
	uint32_t ioas;
	uint64_t iova; /* the map goes one page behind it */
};

FIXTURE_SETUP(half_map)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	HALF_MAP_OR_SKIP(&self->half);
	self->page = guarded_page();
	self->size = HALF_PAGES * page_size();
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	vfio_attach(self->device, self->ioas);
	self->pins = pins_now();
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, 4 * self->size, page_size());
	half_map_start(&self->half, self->iommufd, self->ioas, self->iova + page_size());
}

FIXTURE_TEARDOWN(half_map)
{
	held_free(&self->half.held);
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* The map is whole: pinned, and unmapped by one call. */
#define EXPECT_WHOLE()                                                                             \
	do {                                                                                       \
		uint64_t __length = self->size;                                                    \
                                                                                                   \
		EXPECT_TRUE(pins_become(self->pins + HALF_PAGES));                                 \
		EXPECT_EQ(0,                                                                       \
			  __iommufd_unmap(self->iommufd, self->ioas, self->half.iova, &__length)); \
		EXPECT_EQ(self->size, __length);                                                   \
		EXPECT_TRUE(pins_become(self->pins));                                              \
	} while (0)

static int map_page(const FIXTURE_DATA(half_map) * self, uint64_t iova)
{
	return __iommufd_map(self->iommufd, self->ioas, self->page, page_size(), iova);
}

CTS_TEST_F(half_map, map,
	   .title = "IOVAs of a map under way are taken for every other map, their neighbours are not",
	   .requirements = { "CONC-001" },
	   .needs = NEEDS)
{
	const uint32_t anywhere = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE;
	uint64_t start = self->half.iova, end = start + self->size, chosen = 0;

	EXPECT_EQ(-EEXIST, map_page(self, start));
	EXPECT_EQ(-EEXIST, map_page(self, start + self->size / 2));
	EXPECT_EQ(-EEXIST, map_page(self, end - page_size()));
	EXPECT_EQ(0, map_page(self, start - page_size()));
	EXPECT_EQ(0, map_page(self, end));
	EXPECT_EQ(0, __iommufd_map_flags(self->iommufd, self->ioas, anywhere, self->page,
					 page_size(), &chosen));
	EXPECT_TRUE(chosen < start || chosen >= end);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(-EEXIST, map_page(self, start));
	iommufd_unmap(self->iommufd, self->ioas, start - page_size(), page_size());
	iommufd_unmap(self->iommufd, self->ioas, end, page_size());
	iommufd_unmap(self->iommufd, self->ioas, chosen, page_size());
	EXPECT_WHOLE();
}

CTS_TEST_F(half_map, unmap,
	   .title = "A map under way can't be unmapped, its neighbour can",
	   .requirements = { "CONC-002" },
	   .needs = NEEDS)
{
	uint64_t length = self->size;

	EXPECT_EQ(-EBUSY, __iommufd_unmap(self->iommufd, self->ioas, self->half.iova, &length));
	length = self->size + 2 * page_size();
	EXPECT_EQ(-EBUSY, __iommufd_unmap(self->iommufd, self->ioas, self->iova, &length));
	EXPECT_EQ(-EBUSY, __iommufd_unmap_all(self->iommufd, self->ioas, &length));
	ASSERT_EQ(0, map_page(self, self->iova));
	length = page_size();
	EXPECT_EQ(0, __iommufd_unmap(self->iommufd, self->ioas, self->iova, &length));
	EXPECT_EQ(page_size(), length);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_WHOLE();
}

CTS_TEST_F(half_map, copy,
	   .title = "A map under way can't be copied, and can when it has ended",
	   .requirements = { "CONC-002" },
	   .needs = NEEDS)
{
	const uint32_t flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE;
	uint32_t other = iommufd_ioas_alloc(self->iommufd);
	uint64_t to = self->half.iova;
	int rc = __iommufd_copy(self->iommufd, other, self->ioas, flags, self->size,
				self->half.iova, &to);

	EXPECT_TRUE(rc == -ENOENT || rc == -EBUSY) TH_LOG("the copy gave %d", rc);
	EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, other));
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(0, __iommufd_copy(self->iommufd, other, self->ioas, flags, self->size,
				    self->half.iova, &to));
	EXPECT_EQ(self->size, iommufd_unmap_all(self->iommufd, other));
	EXPECT_WHOLE();
}

CTS_TEST_F(half_map, destroy,
	   .title = "An IOAS with a map under way is busy, and can be destroyed when that has ended",
	   .requirements = { "CONC-003" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_TRUE(pins_become(self->pins + HALF_PAGES));
	vfio_detach(self->device);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_TRUE(pins_become(self->pins));
}

#ifdef IOMMU_IOAS_CHANGE_PROCESS
static int change_process(int iommufd)
{
	struct iommu_ioas_change_process args = { .size = sizeof(args) };

	return ioctl(iommufd, IOMMU_IOAS_CHANGE_PROCESS, &args) ? -errno : 0;
}
#endif

CTS_TEST_F(half_map, change_of_process,
	   .title = "A change of process is EBUSY as long as a map is under way",
	   .requirements = { "CONC-005" },
	   .needs = NEEDS)
{
#ifdef IOMMU_IOAS_CHANGE_PROCESS
	int rc = change_process(self->iommufd);

	if (rc == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "no IOMMU_IOAS_CHANGE_PROCESS");
	EXPECT_EQ(-EBUSY, rc);
	EXPECT_EQ(0, half_map_finish(&self->half));
	/* Memory that isn't a file's stays with its process. */
	EXPECT_EQ(-EINVAL, change_process(self->iommufd));
	EXPECT_WHOLE();
	EXPECT_EQ(0, change_process(self->iommufd));
#else
	CTS_SKIP(BUILT_WITHOUT, "no IOMMU_IOAS_CHANGE_PROCESS");
#endif
}

static int detach(void *argument)
{
	return __vfio_detach(*(int *)argument);
}

CTS_TEST_F(half_map, detach,
	   .title = "A device that is detached while a map is under way pins none of it, and all when it is back",
	   .requirements = { "CONC-004" },
	   .needs = NEEDS)
{
	uint32_t pt = self->ioas;
	struct call call;

	call_start(&call, detach, &self->device);
	call_settle(&call);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(0, call_finish(&call));
	EXPECT_TRUE(pins_become(self->pins));
	EXPECT_EQ(0, __vfio_attach(self->device, &pt));
	EXPECT_WHOLE();
}

static int reset(void *argument)
{
	/* A device that can't be reset alone says so at once. */
	return ioctl(*(int *)argument, VFIO_DEVICE_RESET) && errno != EINVAL ? -errno : 0;
}

CTS_TEST_F(half_map, reset,
	   .title = "A reset doesn't wait for a map under way, nor disturb it",
	   .requirements = { "CONC-008" },
	   .needs = NEEDS)
{
	struct call call;

	call_start(&call, reset, &self->device);
	EXPECT_EQ(0, call_finish(&call));
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_WHOLE();
}

CTS_MAIN
