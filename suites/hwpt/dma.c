// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA through tables of the user's: a device that is attached to one reaches what the IOAS has, and
 * through another of the same IOAS the same.
 */
#include <string.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

/* No device's shortest write is longer. */
#define LONGEST 8192

/* The device is attached to table `first`; `memory` has a page at `iova` and room for another. */
FIXTURE(table)
{
	struct dut dut;
	uint32_t first, second;
	struct buffer buffer;
	char *memory;
	uint64_t iova;
	size_t page;
};

FIXTURE_SETUP(table)
{
	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	self->page = page_size();
	self->iova = iova_alloc(&self->dut.space, 2 * self->page, self->page);
	buffer_alloc(&self->buffer, BUFFER_BASE, 2 * self->page);
	self->memory = self->buffer.memory;
	self->first = hwpt_alloc(self->dut.iommufd, self->dut.device_id, self->dut.ioas, 0);
	iommufd_map(self->dut.iommufd, self->dut.ioas, self->memory, self->page, self->iova);
	self->second = hwpt_alloc(self->dut.iommufd, self->dut.device_id, self->dut.ioas, 0);
	ASSERT_EQ(self->first, vfio_attach(self->dut.device, self->first));
}

FIXTURE_TEARDOWN(table)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

/* Does the shortest write of the device at @iova change the bytes at @memory, and no other? */
static bool written(struct dut *dut, const struct buffer *buffer, uint64_t iova, size_t offset)
{
	const size_t length = dma_write_limits(dut->dma)->smallest;
	uint8_t wrote[LONGEST];

	canary_fill(buffer->memory, buffer->size, 1);
	return !dma_write(dut->dma, iova, length, wrote) &&
	       canary_holds_only(buffer->memory, buffer->size, 1, offset, wrote, length);
}

/* Does it change nothing? */
static bool refused(struct dut *dut, const struct buffer *buffer, uint64_t iova)
{
	const size_t length = dma_write_limits(dut->dma)->smallest;
	uint8_t wrote[LONGEST];

	canary_fill(buffer->memory, buffer->size, 1);
	dma_write(dut->dma, iova, length, wrote);
	return canary_intact(buffer->memory, buffer->size, 1);
}

CTS_TEST_F(table, before_and_after,
	   .title = "A device reaches what was mapped before its table was made, and what is mapped afterwards",
	   .requirements = { "HWPT-014", "HWPT-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	struct dut *dut = &self->dut;

	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
	EXPECT_EQ(self->second, vfio_attach(dut->device, self->second));
	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
	iommufd_map(dut->iommufd, dut->ioas, self->memory + self->page, self->page,
		    self->iova + self->page);
	EXPECT_TRUE(written(dut, &self->buffer, self->iova + self->page, self->page));
	EXPECT_EQ(self->first, vfio_attach(dut->device, self->first));
	EXPECT_TRUE(written(dut, &self->buffer, self->iova + self->page, self->page));
}

CTS_TEST_F(table, unmapped,
	   .title = "What is unmapped is out of reach through every table of the IOAS",
	   .requirements = { "HWPT-014", "HWPT-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;

	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
	iommufd_unmap(dut->iommufd, dut->ioas, self->iova, self->page);
	EXPECT_TRUE(refused(dut, &self->buffer, self->iova));
	EXPECT_EQ(self->second, vfio_attach(dut->device, self->second));
	EXPECT_TRUE(refused(dut, &self->buffer, self->iova));
	iommufd_map(dut->iommufd, dut->ioas, self->memory, self->page, self->iova);
	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
}

CTS_TEST_F(table, other_destroyed,
	   .title = "A table that is destroyed beside the device's changes nothing; the device's own is EBUSY",
	   .requirements = { "HWPT-014", "OBJ-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	struct dut *dut = &self->dut;

	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, self->second));
	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, self->first));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, dut->ioas));
	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));

	vfio_attach(dut->device, dut->ioas);
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, self->first));
	EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0));
}

/* Each flag's table may be of another format: VT-d has two stages. */
CTS_TEST_F(table, of_every_kind,
	   .title = "A table of every kind that the IOMMU has leads to what the IOAS has, and to no more",
	   .requirements = { "HWPT-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 90,
	   .faults = true)
{
	static const uint32_t kinds[] = {
		IOMMU_HWPT_ALLOC_NEST_PARENT,
		IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		HWPT_ALLOC_PASID,
	};
	struct dut *dut = &self->dut;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct iommu_hwpt_alloc args = {
			.flags = kinds[i],
			.dev_id = dut->device_id,
			.pt_id = dut->ioas,
		};
		int rc = __hwpt_alloc(dut->iommufd, &args);

		if (rc == -EOPNOTSUPP)
			continue;
		ASSERT_EQ(0, rc)
		TH_LOG("flags %#x", kinds[i]);
		EXPECT_EQ(args.out_hwpt_id, vfio_attach(dut->device, args.out_hwpt_id));
		EXPECT_TRUE(written(dut, &self->buffer, self->iova, 0))
		TH_LOG("flags %#x", kinds[i]);
		EXPECT_TRUE(refused(dut, &self->buffer, self->iova + self->page))
		TH_LOG("flags %#x", kinds[i]);
		vfio_attach(dut->device, self->first);
		EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, args.out_hwpt_id));
	}
}

CTS_MAIN
