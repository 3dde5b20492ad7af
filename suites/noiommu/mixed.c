// SPDX-License-Identifier: GPL-2.0-only
/*
 * Beside a device that an IOMMU guards: what the table of one is to the other, none. A table that
 * an IOMMU walks holds no addresses for a device that has none, and the other way round.
 */
#include <fcntl.h>

#include "../attach/calls.h"
#include "unguarded.h"

FIXTURE(mixed)
{
	int iommufd;
	uint32_t ioas;
	struct buffer buffer;
	uint64_t iova;
	int bare;    /* behind no IOMMU */
	int guarded; /* behind one */
	uint32_t bare_id, guarded_id;
};

/* Opens the first device with an IOMMU that was named for the run: its file, or -ENODEV. */
static int open_guarded(void)
{
	char bdf[SYSFS_BDF], path[SYSFS_PATH];
	int device;

	if (__sysfs_guarded(bdf) || __sysfs_cdev_path_of(bdf, path))
		return -ENODEV;
	device = open(path, O_RDWR | O_CLOEXEC);
	cts_require(device >= 0, "%s", path);
	return device;
}

FIXTURE_SETUP(mixed)
{
	CTS_CHECK_NEEDS();
	self->guarded = open_guarded();
	if (self->guarded < 0)
		CTS_SKIP(NO_CDEV, "no device behind an IOMMU was named beside this one");
	self->iommufd = iommufd_open();
	self->guarded_id = vfio_bind(self->guarded, self->iommufd);
	self->bare = noiommu_open();
	self->bare_id = vfio_bind(self->bare, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
}

FIXTURE_TEARDOWN(mixed)
{
	cts_close(&self->bare);
	cts_close(&self->guarded);
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* Can the address of what is mapped be asked for? */
static int try_physical(FIXTURE_DATA(mixed) * self)
{
	uint64_t length = 1, physical;

	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, page_size(), page_size());
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, page_size(), self->iova);
	return __noiommu_physical(self->iommufd, self->ioas, self->iova, &length, &physical);
}

CTS_TEST_F(mixed, guarded_first,
	   .title = "Attached after one with an IOMMU, a device without has a table of its own",
	   .requirements = { "NOIOMMU-009" },
	   .needs = NEEDS)
{
	uint32_t theirs = vfio_attach(self->guarded, self->ioas);

	EXPECT_NE(theirs, vfio_attach(self->bare, self->ioas));
	EXPECT_EQ(0, try_physical(self));
}

CTS_TEST_F(mixed, bare_first,
	   .title = "Attached before one with an IOMMU, a device without has a table of its own",
	   .requirements = { "NOIOMMU-009" },
	   .needs = NEEDS)
{
	uint32_t ours = vfio_attach(self->bare, self->ioas);

	EXPECT_NE(ours, vfio_attach(self->guarded, self->ioas));
	EXPECT_EQ(0, try_physical(self));
}

CTS_TEST_F(mixed, bare_takes_no_table_of_an_iommu,
	   .title = "A device without an IOMMU is not attached to a table that was made for one with",
	   .requirements = { "NOIOMMU-009" },
	   .needs = NEEDS)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->guarded_id, self->ioas);

	EXPECT_EQ(-EINVAL, try_attach(self->bare, hwpt));
	EXPECT_EQ(0, try_attach(self->guarded, hwpt));
}

CTS_TEST_F(mixed, guarded_takes_no_bare_table,
	   .title = "A device with an IOMMU is not attached to a table that was made for one without",
	   .requirements = { "NOIOMMU-009" },
	   .needs = NEEDS)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->bare_id, self->ioas);

	EXPECT_EQ(-EINVAL, try_attach(self->guarded, hwpt));
	EXPECT_EQ(0, try_attach(self->bare, hwpt));
	cts_close(&self->bare);
	EXPECT_EQ(0, try_attach(self->guarded, self->ioas));
}

CTS_MAIN
