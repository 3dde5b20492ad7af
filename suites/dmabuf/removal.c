// SPDX-License-Identifier: GPL-2.0-only
/* A dma-buf of a BAR whose device is closed, and then loses its driver. */
#include "removal.h"
#include "../ioas/calls.h"
#include "../pci/bar.h"
#include "dmabuf.h"

FIXTURE(removal)
{
	struct bound bound;
	struct removal_before before;
	uint32_t bar;
	uint32_t ioas;
	uint64_t iova;
	int fd; /* the dma-buf of a page */
};

FIXTURE_SETUP(removal)
{
	CTS_CHECK_NEEDS();
	removal_remember(&self->before);
	BOUND_OPEN_OR_SKIP(&self->bound);
	DMABUF_OR_SKIP(self->bound.device);
	MAP_FILE_OR_SKIP(self->bound.iommufd);
	BAR_OR_SKIP(&self->bound.function, &self->bar);
	if (self->bound.function.region[self->bar].size < page_size())
		CTS_SKIP(DEVICE_LACKS, "no region of a page can be mapped");
	self->ioas = iommufd_ioas_alloc(self->bound.iommufd);
	vfio_attach(self->bound.device, self->ioas);
	self->iova = iommufd_usable_iova(self->bound.iommufd, self->ioas, page_size(), page_size());
	self->fd = dmabuf_export(self->bound.device, self->bar, 0, page_size());
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(removal)
{
	if (self->before.driver[0])
		removal_undo(&self->before);
}

static int map(const FIXTURE_DATA(removal) * self)
{
	uint64_t iova = self->iova;

	return map_file(self->bound.iommufd, self->ioas, FIXED | READ_WRITE, self->fd, 0,
			page_size(), &iova);
}

CTS_TEST_F(removal, driver_is_taken,
	   .title = "A device that was closed can be taken from its driver while its dma-buf is open and mapped",
	   .requirements = { "DMABUF-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 120)
{
	struct removal removal;

	ASSERT_EQ(0, map(self));
	bound_close_device(&self->bound);
	removal_start_unbind(&removal);
	EXPECT_EQ(0, removal_finish(&removal));
	EXPECT_EQ(-ENODEV, map(self));
	EXPECT_TRUE(held_just(self->bound.iommufd, self->ioas, page_size()));
	EXPECT_EQ(-ENODEV, map(self));
	cts_close(&self->fd);
	bound_close(&self->bound);
}

CTS_TEST_F(removal, driver_is_taken_from_a_user,
	   .title = "A device that is being taken from its driver goes when its file is closed, not when its dma-buf is",
	   .requirements = { "DMABUF-004", "LIFE-012" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 120)
{
	struct removal removal;

	ASSERT_EQ(0, map(self));
	removal_start_unbind(&removal);
	EXPECT_TRUE(removal_waits(&removal));
	bound_close_device(&self->bound);
	EXPECT_EQ(0, removal_finish(&removal));
	EXPECT_EQ(-ENODEV, map(self));
	EXPECT_TRUE(held_just(self->bound.iommufd, self->ioas, page_size()));
	cts_close(&self->fd);
	bound_close(&self->bound);
}

CTS_MAIN
