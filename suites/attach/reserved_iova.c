// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOVAs that the platform reserves for a device can't be mapped in the IOAS that it is attached to,
 * because the device would not reach the memory there. So an attach narrows the usable ranges, and
 * is refused where user space has already taken, or was promised, what it would have to reserve.
 * The ranges widen again when the device leaves.
 */
#include "calls.h"
#include "iommufd.h"
#include "reserved.h"
#include "test.h"
#include "vfio.h"

#define MAX_REGIONS 16

FIXTURE(reserved)
{
	struct vfio_layout layout;
	struct reserved_region regions[MAX_REGIONS];
	unsigned int count;
	int iommufd;
	int device;
	uint32_t id;
	uint32_t ioas;
	uint32_t other_ioas;
};

FIXTURE_SETUP(reserved)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->count = reserved_regions(self->regions, MAX_REGIONS);
	if (!self->count)
		CTS_SKIP(DEVICE_LACKS, "the platform reserves no IOVA for the device");
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	self->other_ioas = iommufd_ioas_alloc(self->iommufd);
}

FIXTURE_TEARDOWN(reserved)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

static uint64_t region_size(const struct reserved_region *region)
{
	return region->last - region->start + 1;
}

/* How many bytes of @region the IOAS offers. */
static uint64_t offered(int iommufd, uint32_t ioas, const struct reserved_region *region)
{
	return iommufd_usable_bytes(iommufd, ioas, region->start, region->last);
}

/* All reserved regions are withheld from @of: not offered, and not to be mapped. */
#define EXPECT_WITHHELD(of)                                                                   \
	do {                                                                                  \
		unsigned int __i;                                                             \
                                                                                              \
		for (__i = 0; __i < self->count; __i++) {                                     \
			const struct reserved_region *__region = &self->regions[__i];         \
                                                                                              \
			EXPECT_EQ(0, offered(self->iommufd, of, __region));                   \
			EXPECT_EQ(-EINVAL, __iommufd_map(self->iommufd, of, guarded_page(),   \
							 page_size(), __region->start))       \
			TH_LOG("IOVA %#llx was mapped", (unsigned long long)__region->start); \
		}                                                                             \
	} while (0)

/* All reserved regions are offered by @of. */
#define EXPECT_OFFERED(of)                                                                     \
	do {                                                                                   \
		unsigned int __i;                                                              \
                                                                                               \
		for (__i = 0; __i < self->count; __i++) {                                      \
			const struct reserved_region *__region = &self->regions[__i];          \
                                                                                               \
			EXPECT_EQ(region_size(__region), offered(self->iommufd, of, __region)) \
			TH_LOG("region at %#llx", (unsigned long long)__region->start);        \
		}                                                                              \
	} while (0)

CTS_TEST_F(reserved, withheld_while_attached,
	   .title = "An IOAS offers the reserved regions before attach and after detach, not between",
	   .requirements = { "ATT-011" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_OFFERED(self->ioas);
	vfio_attach(self->device, self->ioas);
	EXPECT_WITHHELD(self->ioas);
	EXPECT_OFFERED(self->other_ioas);
	vfio_detach(self->device);
	EXPECT_OFFERED(self->ioas);
	EXPECT_EQ(0, __iommufd_map(self->iommufd, self->ioas, guarded_page(), page_size(),
				   self->regions[0].start));
}

CTS_TEST_F(reserved, withheld_through_hwpt,
	   .title = "Attached to an HWPT, the device narrows the IOAS that it is for, and no sooner",
	   .requirements = { "ATT-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);

	EXPECT_OFFERED(self->ioas);
	vfio_attach(self->device, hwpt);
	EXPECT_WITHHELD(self->ioas);
	vfio_detach(self->device);
	EXPECT_OFFERED(self->ioas);
}

CTS_TEST_F(reserved, offered_after_close,
	   .title = "Closing the device widens the IOAS as detach does",
	   .requirements = { "DET-006" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_attach(self->device, self->ioas);
	EXPECT_WITHHELD(self->ioas);
	cts_close(&self->device);
	EXPECT_OFFERED(self->ioas);
}

CTS_TEST_F(reserved, follows_a_replace,
	   .title = "A replace widens the old IOAS and narrows the new one",
	   .requirements = { "ATT-011" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_attach(self->device, self->ioas);
	vfio_attach(self->device, self->other_ioas);
	EXPECT_OFFERED(self->ioas);
	EXPECT_WITHHELD(self->other_ioas);
}

CTS_TEST_F(reserved, stays_within_an_ioas,
	   .title = "A replace by another table of the same IOAS leaves it narrowed, detach widens it",
	   .requirements = { "ATT-011" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);

	vfio_attach(self->device, self->ioas);
	vfio_attach(self->device, hwpt);
	EXPECT_WITHHELD(self->ioas);
	vfio_attach(self->device, self->ioas);
	EXPECT_WITHHELD(self->ioas);
	vfio_detach(self->device);
	EXPECT_OFFERED(self->ioas);
}

CTS_TEST_F(reserved, conflict_with_mapping,
	   .title = "Attach to an IOAS with a mapping in a reserved region ends in EADDRINUSE",
	   .requirements = { "ATT-010" },
	   .needs = CTS_NEED_CDEV)
{
	const uint64_t iova = self->regions[self->count - 1].start;
	uint64_t length = page_size();

	iommufd_map(self->iommufd, self->ioas, guarded_page(), page_size(), iova);
	EXPECT_EQ(-EADDRINUSE, try_attach(self->device, self->ioas));
	EXPECT_OFFERED(self->ioas);

	ASSERT_EQ(0, __iommufd_unmap(self->iommufd, self->ioas, iova, &length));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_WITHHELD(self->ioas);
}

CTS_TEST_F(reserved, conflict_with_promise,
	   .title = "Attach to an IOAS that allows IOVAs of a reserved region ends in EADDRINUSE",
	   .requirements = { "ATT-010" },
	   .needs = CTS_NEED_CDEV)
{
	const struct reserved_region *region = &self->regions[self->count - 1];

	ASSERT_EQ(0, __iommufd_allow_iovas(self->iommufd, self->ioas,
					   region->last + 1 - page_size(), region->last));
	EXPECT_EQ(-EADDRINUSE, try_attach(self->device, self->ioas));
	EXPECT_OFFERED(self->ioas);

	iommufd_allow_all(self->iommufd, self->ioas);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_WITHHELD(self->ioas);
}

CTS_TEST_F(reserved, no_promise_while_attached,
	   .title = "An IOAS can't allow IOVAs that are reserved for a device attached to it",
	   .requirements = { "ATT-010" },
	   .needs = CTS_NEED_CDEV)
{
	const struct reserved_region *region = &self->regions[0];

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EADDRINUSE,
		  __iommufd_allow_iovas(self->iommufd, self->ioas, region->start, region->last));
	vfio_detach(self->device);
	EXPECT_EQ(0, __iommufd_allow_iovas(self->iommufd, self->ioas, region->start, region->last));
}

CTS_TEST_F(reserved, conflict_replaces_nothing,
	   .title = "A replace that ends in EADDRINUSE leaves both IOASes as they were",
	   .requirements = { "ATT-009", "ATT-010" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt;

	iommufd_map(self->iommufd, self->other_ioas, guarded_page(), page_size(),
		    self->regions[self->count - 1].start);
	hwpt = vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EADDRINUSE, try_attach(self->device, self->other_ioas));
	EXPECT_OFFERED(self->other_ioas);
	EXPECT_WITHHELD(self->ioas);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other_ioas));
}

CTS_TEST_F(reserved, unwritable_result,
	   .title = "A first attach whose pt_id can't be stored leaves the IOAS as wide as it was",
	   .requirements = { "ATT-016" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EFAULT, attach_unwritable(self->device, self->ioas));
	EXPECT_OFFERED(self->ioas);
}

CTS_TEST_F(reserved, refused_within_an_ioas,
	   .title = "A table of the same IOAS that the device can't take leaves the IOAS narrowed",
	   .requirements = { "ATT-022" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = 0;
	int fd = -1;

	FAULT_TABLE_OR_SKIP(self->iommufd, self->id, self->ioas, &hwpt, &fd);
	vfio_attach(self->device, self->ioas);
	if (!try_attach(self->device, hwpt))
		CTS_SKIP(DEVICE_LACKS, "the device takes a table with a fault queue, as others");
	EXPECT_WITHHELD(self->ioas);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	cts_close(&fd);
}

CTS_MAIN
