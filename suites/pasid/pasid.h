/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests that need no DMA: a bound device, two tables for PASIDs, and one that
 * isn't. What is attached to a table shows by what IOMMU_DESTROY says of it.
 *
 * A device without PASIDs does as well where the kernel attaches them all the same (PASID-016): its
 * iommufd keeps the books as it does for any device.
 */
#ifndef PASID_PASID_H
#define PASID_PASID_H

#include "calls.h"
#include "device_fixture.h"
#include "hwpt.h"

#define FIRST 1U
/* Of a device without PASIDs. */
#define ANY_LAST 0xfffffU

FIXTURE(pasid)
{
	DEVICE_FIELDS;
	uint32_t able, other; /* tables for PASIDs */
	uint32_t plain;	      /* a table that isn't for them */
	uint32_t width;	      /* of the device's PASIDs, bits; 0: it has none */
	uint32_t last;	      /* the highest PASID */
};

/* *@hwpt becomes a table for PASIDs on the IOAS of the fixture. */
#define PASID_TABLE_OR_SKIP(self, hwpt)                                                    \
	do {                                                                               \
		struct iommu_hwpt_alloc __args = {                                         \
			.dev_id = (self)->id,                                              \
			.pt_id = (self)->ioas,                                             \
			.flags = HWPT_ALLOC_PASID,                                         \
		};                                                                         \
		int __error = __hwpt_alloc((self)->iommufd, &__args);                      \
                                                                                           \
		if (__error == -EOPNOTSUPP)                                                \
			CTS_SKIP(IOMMU_LACKS, "no table is made for PASIDs (EOPNOTSUPP)"); \
		ASSERT_EQ(0, __error);                                                     \
		*(hwpt) = __args.out_hwpt_id;                                              \
	} while (0)

/* Skips the test where the kernel, or the device, has no PASIDs to attach. */
#define PASIDS_OR_SKIP(self)                                                                      \
	do {                                                                                      \
		(self)->width = hw_info((self)->iommufd, (self)->id).out_max_pasid_log2;          \
		(self)->last = (self)->width ? (1U << (self)->width) - 1 : ANY_LAST;              \
		if (!(self)->width && pasid_attach((self)->device, FIRST, (self)->able))          \
			CTS_SKIP(DEVICE_LACKS, "the device has no PASIDs, and none is attached"); \
		ASSERT_EQ(0, pasid_detach((self)->device, FIRST));                                \
	} while (0)

FIXTURE_SETUP(pasid)
{
	DEVICE_SETUP_OR_SKIP(self);
	PASID_TABLE_OR_SKIP(self, &self->able);
	PASID_TABLE_OR_SKIP(self, &self->other);
	self->plain = hwpt_alloc(self->iommufd, self->id, self->ioas, 0);
	PASIDS_OR_SKIP(self);
}

FIXTURE_TEARDOWN(pasid)
{
	DEVICE_TEARDOWN(self);
}

/* A table that is not in use is gone afterwards. */
#define EXPECT_IN_USE(hwpt) EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, hwpt))
#define EXPECT_UNUSED(hwpt) EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt))

#endif
