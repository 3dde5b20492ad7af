/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the siblings_*.c tests: two devices of one IOMMU group, which the same vfio driver
 * has, each with a parked file, and two iommufds.
 */
#ifndef ACCESS_SIBLINGS_H
#define ACCESS_SIBLINGS_H

#include "gates.h"
#include "iommufd.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

FIXTURE(siblings)
{
	struct vfio_layout layout;
	char bdf[1][SYSFS_BDF];	   /* the sibling */
	char override[SYSFS_PATH]; /* siblings_driver.c: its driver_override */
	int iommufd;
	int other; /* another iommufd */
	int device;
	int sibling;
};

static inline void setup_siblings(struct __test_metadata *_metadata, FIXTURE_DATA(siblings) * self)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	if (__sysfs_siblings(self->bdf, 1) < 1)
		CTS_SKIP(GROUP_TOO_SMALL, "no other device of the group has the same driver");
	self->iommufd = iommufd_open();
	self->other = iommufd_open();
	self->device = vfio_open();
	self->sibling = vfio_open_function(self->bdf[0]);
}

static inline void teardown_siblings(FIXTURE_DATA(siblings) * self)
{
	cts_close(&self->device);
	cts_close(&self->sibling);
	cts_close(&self->iommufd);
	cts_close(&self->other);
}

/*
 * Every gate of @device but mmap refuses: where regions lie in the sibling's file nobody asked, and
 * where nothing is an mmap would be refused by the driver too.
 */
#define EXPECT_PARKED(device)                                                \
	do {                                                                 \
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(device, &self->layout)); \
		EXPECT_EQ(-EINVAL, gate_read.probe(device, &self->layout));  \
		EXPECT_EQ(-EINVAL, gate_write.probe(device, &self->layout)); \
	} while (0)

#define EXPECT_WORKS(device) EXPECT_EQ(0, gate_ioctl.use(device, &self->layout))

#endif
