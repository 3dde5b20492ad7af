// SPDX-License-Identifier: GPL-2.0-only
/*
 * PASID 0 stands for the device's own requests, those without PASID. Attach and detach know these
 * without a PASID: named by one, it must not become a second attachment that a detach leaves.
 */
#include "buffer.h"
#include "calls.h"
#include "canary.h"
#include "dut.h"
#include "hwpt.h"
#include "test.h"

FIXTURE(zero)
{
	struct dut dut;
	struct buffer memory;
	uint64_t iova;
	uint32_t hwpt; /* a table for PASIDs, in which the memory and the rings are mapped */
	size_t length; /* of a write, bytes */
};

FIXTURE_SETUP(zero)
{
	struct iommu_hwpt_alloc args = { .flags = HWPT_ALLOC_PASID };
	const struct dma_limits *limits;

	CTS_CHECK_NEEDS();
	DUT_OPEN_DETACHED_OR_SKIP(&self->dut);
	limits = dma_write_limits(self->dut.dma);
	self->length = limits->smallest;
	buffer_alloc(&self->memory, BUFFER_BASE, page_size());
	canary_fill(self->memory.memory, self->memory.size, 0);
	self->iova = iova_alloc(&self->dut.space, page_size(),
				limits->align > page_size() ? limits->align : page_size());
	args.dev_id = self->dut.device_id;
	args.pt_id = iommufd_ioas_alloc(self->dut.iommufd);
	iommufd_map(self->dut.iommufd, args.pt_id, self->memory.memory, page_size(), self->iova);
	dma_map_rings(self->dut.dma, self->dut.iommufd, args.pt_id);
	if (__hwpt_alloc(self->dut.iommufd, &args))
		CTS_SKIP(IOMMU_LACKS, "no table is made for PASIDs");
	self->hwpt = args.out_hwpt_id;
}

FIXTURE_TEARDOWN(zero)
{
	dut_close(&self->dut);
	buffer_free(&self->memory);
}

/* Does a write of the device arrive? */
static bool reaches(FIXTURE_DATA(zero) * self)
{
	char wrote[64];
	bool intact;

	cts_lab_require(self->length <= sizeof(wrote), "a write of %zu bytes", self->length);
	dma_write(self->dut.dma, self->iova, self->length, wrote);
	intact = canary_intact(self->memory.memory, self->memory.size, 0);
	canary_fill(self->memory.memory, self->memory.size, 0);
	return !intact;
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

CTS_TEST_F(zero, detach,
	   .title = "After a detach the device reaches nothing, also if PASID 0 was attached",
	   .requirements = { "PASID-011", "DET-001" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	int rc = pasid_attach(self->dut.device, 0, self->hwpt);

	EXPECT_EQ(!rc, reaches(self));
	vfio_detach(self->dut.device);
	EXPECT_FALSE(reaches(self));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->hwpt));
}

CTS_TEST_F(zero, detach_of_zero,
	   .title = "After a detach of PASID 0 the device reaches nothing, or what it was attached to without",
	   .requirements = { "PASID-011" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	int attached, rc;

	vfio_attach(self->dut.device, self->hwpt);
	attached = pasid_attach(self->dut.device, 0, self->hwpt);
	EXPECT_TRUE(reaches(self));
	rc = pasid_detach(self->dut.device, 0);
	/* What returned 0 for an attachment that was made by PASID 0 has ended it. */
	EXPECT_EQ(!!attached || !!rc, reaches(self));
	vfio_detach(self->dut.device);
	EXPECT_FALSE(reaches(self));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->hwpt));
}

CTS_MAIN
