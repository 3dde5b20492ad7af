// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device may mark its DMA as such that doesn't look into the CPU's caches (no-snoop). An IOMMU
 * that can makes it look all the same, if its table says so. Whether all tables of an IOAS do is
 * told by VFIO_DMA_CC_IOMMU, of the IOAS that stands for a vfio container.
 */
#include "container.h"
#include "device_fixture.h"
#include "snooping.h"

FIXTURE(forced)
{
	DEVICE_FIELDS;
	int expected; /* of an IOAS with a table of the device */
};

FIXTURE_SETUP(forced)
{
	DEVICE_SETUP_OR_SKIP(self);
	self->expected = controls_snooping();
	if (self->expected < 0)
		CTS_SKIP(IOMMU_LACKS, "nothing tells whether the IOMMU controls snooping");
	TH_LOG("the IOMMU %s snooping", self->expected ? "controls" : "doesn't control");
	ASSERT_EQ(0, __container_ioas(self->iommufd, IOMMU_VFIO_IOAS_SET, &self->ioas));
}

FIXTURE_TEARDOWN(forced)
{
	DEVICE_TEARDOWN(self);
}

/* What is said of all tables of the IOAS. */
#define EXPECT_FORCED(forced) \
	EXPECT_EQ(forced, __container_extension(self->iommufd, VFIO_DMA_CC_IOMMU))

CTS_TEST_F(forced, by_attach,
	   .title = "A table that attach makes forces snooping if the IOMMU can, and as long as it is there",
	   .requirements = { "COH-001", "COH-003" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_FORCED(1);
	vfio_attach(self->device, self->ioas);
	EXPECT_FORCED(self->expected);
	vfio_detach(self->device);
	EXPECT_FORCED(1);
}

CTS_TEST_F(forced, by_alloc,
	   .title = "A table forces snooping from its making on, before anything is attached to it",
	   .requirements = { "COH-001", "COH-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);

	EXPECT_FORCED(self->expected);
	vfio_attach(self->device, hwpt);
	EXPECT_FORCED(self->expected);
	vfio_detach(self->device);
	EXPECT_FORCED(self->expected);
	iommufd_destroy(self->iommufd, hwpt);
	EXPECT_FORCED(1);
}

CTS_TEST_F(forced, by_replace,
	   .title = "A table that a device is moved to forces snooping if the IOMMU can",
	   .requirements = { "COH-001", "COH-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	vfio_attach(self->device, other);
	EXPECT_FORCED(1);
	vfio_attach(self->device, self->ioas);
	EXPECT_FORCED(self->expected);
}

CTS_TEST_F(forced, of_the_compatibility_ioas,
	   .title = "It is said of one IOAS only, and of none there is nothing to say: ENODEV",
	   .requirements = { "COH-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	vfio_attach(self->device, self->ioas);
	ASSERT_EQ(0, __container_ioas(self->iommufd, IOMMU_VFIO_IOAS_SET, &other));
	EXPECT_FORCED(1);
	ASSERT_EQ(0, __container_ioas(self->iommufd, IOMMU_VFIO_IOAS_CLEAR, &other));
	EXPECT_FORCED(-ENODEV);
	ASSERT_EQ(0, __container_ioas(self->iommufd, IOMMU_VFIO_IOAS_SET, &self->ioas));
	EXPECT_FORCED(self->expected);
}

CTS_MAIN
