// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two IOMMUs in one open file, the device's own and the mock's: they share an IOAS, with what both
 * can reach, but neither has tables, vIOMMUs or vDEVICEs of the other.
 */
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "nesting.h"

/* The device and a mock device, both attached to one IOAS, and tables of both on another. */
FIXTURE(two)
{
	struct dut dut;
	uint32_t shared, ioas, own, parent;
	struct mock mock;
	struct buffer buffer;
};

FIXTURE_SETUP(two)
{
	uint64_t rings = 0;

	CTS_CHECK_NEEDS();
	DUT_OPEN_DETACHED_OR_SKIP(&self->dut);
	dma_close(self->dut.dma);
	self->dut.dma = NULL;
	self->shared = iommufd_ioas_alloc(self->dut.iommufd);
	self->ioas = iommufd_ioas_alloc(self->dut.iommufd);
	vfio_attach(self->dut.device, self->shared);
	mock_open(self->dut.iommufd, self->shared, MOCK_PLAIN, &self->mock);
	self->own = hwpt_alloc(self->dut.iommufd, self->dut.device_id, self->ioas, 0);
	self->parent = hwpt_alloc(self->dut.iommufd, self->mock.device, self->ioas,
				  IOMMU_HWPT_ALLOC_NEST_PARENT);
	/* What the device can reach was asked before the mock was there. */
	iova_exit(&self->dut.space);
	iova_init(&self->dut.space, self->dut.iommufd, self->shared, dma_highest_iova());
	if (dma_rings_size())
		rings = iova_alloc(&self->dut.space, dma_rings_size(), page_size());
	self->dut.dma = dma_open(self->dut.device, rings);
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->shared);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
}

FIXTURE_TEARDOWN(two)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

/* No device's shortest write is longer. */
#define LONGEST 8192

CTS_TEST_F(two, one_ioas,
	   .title = "What is mapped in an IOAS is in the tables of both, and the IOAS offers what both can reach",
	   .requirements = { "HWPT-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_MOCK)
{
	const size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page), below = MOCK_APERTURE_START;
	uint8_t wrote[LONGEST];

	EXPECT_EQ(0, iommufd_usable_bytes(self->dut.iommufd, self->shared, 0, below - 1));
	EXPECT_EQ(-EINVAL, __iommufd_map(self->dut.iommufd, self->shared, self->buffer.memory, page,
					 below - page));
	canary_fill(self->buffer.memory, page, 1);
	iommufd_map(self->dut.iommufd, self->shared, self->buffer.memory, page, iova);
	EXPECT_TRUE(
		mock_reaches(self->dut.iommufd, self->mock.hwpt, iova, self->buffer.memory, page));
	EXPECT_EQ(0, dma_write(self->dut.dma, iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, page, 1, 0, wrote, length));

	mock_close(self->dut.iommufd, &self->mock);
	EXPECT_LT(0, iommufd_usable_bytes(self->dut.iommufd, self->shared, page, below - 1));
	canary_fill(self->buffer.memory, page, 1);
	EXPECT_EQ(0, dma_write(self->dut.dma, iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, page, 1, 0, wrote, length));
}

CTS_TEST_F(two, others_table,
	   .title = "A device can't be attached to a table of another IOMMU's, and stays attached",
	   .requirements = { "HWPT-015", "HWPT-011" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_MOCK)
{
	const size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	uint32_t pt = self->parent;
	uint8_t wrote[LONGEST];

	iommufd_map(self->dut.iommufd, self->shared, self->buffer.memory, page, iova);
	EXPECT_EQ(-EINVAL, __vfio_attach(self->dut.device, &pt));
	EXPECT_EQ(-EINVAL, __mock_replace(self->dut.iommufd, &self->mock, self->own, NULL));
	canary_fill(self->buffer.memory, page, 1);
	EXPECT_EQ(0, dma_write(self->dut.dma, iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, page, 1, 0, wrote, length));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->own));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->parent));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->ioas));
}

CTS_TEST_F(two, others_nesting,
	   .title = "A device has no nested table, vIOMMU or vDEVICE on what is another IOMMU's",
	   .requirements = { "NEST-001", "VIOMMU-004", "VDEV-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_MOCK)
{
	const uint64_t data[8] = { 0 };
	int iommufd = self->dut.iommufd, rc;
	uint32_t viommu, next, none;

	VIOMMU_OR_SKIP(iommufd, &self->mock, self->parent, &viommu);
	next = next_object_id(iommufd);
	rc = __hwpt_alloc_data(iommufd, self->dut.device_id, self->parent, 0,
			       IOMMU_HWPT_DATA_SELFTEST, data, 8, &none);
	/* An IOMMU that doesn't nest so has nothing to compare. */
	EXPECT_TRUE(rc == -EINVAL || rc == -EOPNOTSUPP);
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(iommufd, self->dut.device_id, viommu, 0,
					     IOMMU_HWPT_DATA_SELFTEST, data, 8, &none));
	EXPECT_EQ(-EINVAL, __vdevice_alloc(iommufd, viommu, self->dut.device_id, 1, &none));
	EXPECT_EQ(-EOPNOTSUPP, __viommu_alloc(iommufd, self->dut.device_id, self->parent,
					      IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, &none));
	EXPECT_EQ(next, next_object_id(iommufd));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, viommu));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, self->parent));
}

CTS_MAIN
