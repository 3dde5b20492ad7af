// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bound device keeps the iommufd that it is bound to, and all that is in it, after the last
 * descriptor of that was closed: only the device's own file reaches it then, and with its close all
 * is gone.
 */
#include "../attach/calls.h"
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

#define PAGES 16

FIXTURE(outlive)
{
	struct vfio_layout layout;
	struct buffer buffer;
	long pins; /* before anything was mapped */
};

FIXTURE_SETUP(outlive)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
}

FIXTURE_TEARDOWN(outlive)
{
	buffer_free(&self->buffer);
}

CTS_TEST_F(outlive, attach,
	   .title = "The tables of an iommufd that was closed can be attached through the device, until it is closed too",
	   .requirements = { "LIFE-003", "LIFE-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	int iommufd = iommufd_open(), device = vfio_open();
	uint32_t id = vfio_bind(device, iommufd);
	uint32_t ioas = iommufd_ioas_alloc(iommufd), other = iommufd_ioas_alloc(iommufd);
	uint32_t hwpt, gone = iommufd_ioas_alloc(iommufd);
	uint64_t iova;

	self->pins = pins_now();
	hwpt = iommufd_hwpt_alloc(iommufd, id, other);
	vfio_attach(device, ioas);
	iova = iommufd_usable_iova(iommufd, ioas, self->buffer.size, page_size());
	iommufd_map(iommufd, ioas, self->buffer.memory, self->buffer.size, iova);
	EXPECT_TRUE(pins_become(self->pins + PAGES));
	iommufd_destroy(iommufd, gone);
	cts_close(&iommufd);

	/* What is mapped is pinned as long as there is a table of the IOAS. */
	EXPECT_TRUE(pins_become(self->pins + PAGES));
	EXPECT_EQ(0, try_attach(device, other));
	EXPECT_TRUE(pins_become(self->pins));
	EXPECT_EQ(0, try_attach(device, hwpt));
	EXPECT_EQ(0, __vfio_detach(device));
	EXPECT_EQ(-ENOENT, try_attach(device, gone));
	EXPECT_EQ(-EINVAL, try_attach(device, id));
	EXPECT_EQ(0, try_attach(device, ioas));
	EXPECT_TRUE(pins_become(self->pins + PAGES));
	cts_close(&device);
	EXPECT_TRUE(pins_become(self->pins));
}

CTS_TEST_F(outlive, dma,
	   .title = "DMA goes on through the mappings of an iommufd that was closed, also after a detach and an attach",
	   .requirements = { "LIFE-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	size_t page = page_size(), length;
	struct dut dut;
	uint64_t iova;
	uint8_t *wrote;
	int round;

	dut_open(&dut);
	length = dma_write_limits(dut.dma)->smallest;
	wrote = malloc(length);
	ASSERT_NE(NULL, wrote);
	iova = iova_alloc(&dut.space, self->buffer.size, page);
	iommufd_map(dut.iommufd, dut.ioas, self->buffer.memory, self->buffer.size, iova);
	cts_close(&dut.iommufd);
	for (round = 0; round < 2; round++) {
		canary_fill(self->buffer.memory, self->buffer.size, 0);
		EXPECT_EQ(0, dma_write(dut.dma, iova + page, length, wrote));
		EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 0, page,
					      wrote, length));
		EXPECT_EQ(0, __vfio_detach(dut.device));
		EXPECT_EQ(0, try_attach(dut.device, dut.ioas));
	}
	dma_close(dut.dma);
	cts_close(&dut.device);
	free(wrote);
}

CTS_MAIN
