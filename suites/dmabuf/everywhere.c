// SPDX-License-Identifier: GPL-2.0-only
/* A BAR that is lost is out of reach through every table and copy, and in the midst of DMA. */
#include "lost.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

static void lose_and_get_back(const struct peer *peer)
{
	lose_decoding(&peer->bound.function);
	return_decoding(&peer->bound.function);
}

CTS_TEST_F(peer, every_table,
	   .title = "The BAR is out of reach through each table of an IOAS, also one that is made afterwards",
	   .requirements = { "DMABUF-003", "MFILE-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dut *dut = &self->dut;
	uint32_t second = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas), third;
	int fd = peer_export(self);

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	third = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	vfio_attach(dut->device, second);
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	vfio_attach(dut->device, third);
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));

	lose_and_get_back(&self->peer);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	vfio_attach(dut->device, second);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	vfio_attach(dut->device, dut->ioas);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	iommufd_destroy(dut->iommufd, third);
	third = iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas);
	vfio_attach(dut->device, third);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	EXPECT_EQ(0, unmap_exactly(dut->iommufd, dut->ioas, self->iova, peer_pages(self)));
	cts_close(&fd);
}

CTS_TEST_F(peer, every_copy,
	   .title = "The BAR is out of reach through a copy of its mapping, and what is copied afterwards",
	   .requirements = { "DMABUF-003", "MFILE-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dut *dut = &self->dut;
	uint32_t other = iommufd_ioas_alloc(dut->iommufd);
	int fd = peer_export(self);

	dma_map_rings(dut->dma, dut->iommufd, other);
	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	iommufd_copy(dut->iommufd, other, dut->ioas, peer_pages(self), self->iova, self->iova);
	vfio_attach(dut->device, other);
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	lose_and_get_back(&self->peer);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	EXPECT_EQ(0, unmap_exactly(dut->iommufd, other, self->iova, peer_pages(self)));
	iommufd_copy(dut->iommufd, other, dut->ioas, peer_pages(self), self->iova, self->iova);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	EXPECT_EQ(0, unmap_exactly(dut->iommufd, other, self->iova, peer_pages(self)));
	EXPECT_EQ(0, unmap_exactly(dut->iommufd, dut->ioas, self->iova, peer_pages(self)));
	cts_close(&fd);
}

CTS_TEST_F(peer, in_a_storm,
	   .title = "When the call that takes the BAR away has returned, no write of a storm arrives any more",
	   .requirements = { "DMABUF-003", "MFILE-009" },
	   .needs = NEEDS | CTS_NEED_DMA_STORM,
	   .timeout_s = 60,
	   .faults = true)
{
	struct peer *peer = &self->peer;
	int fd = peer_export(self);

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	peer_fill(peer);
	dma_storm_start(self->dut.dma, self->iova + peer_in_page(self), self->length);
	dma_storm_go_on(self->dut.dma);
	EXPECT_FALSE(peer_holds(peer, NULL, 0));
	lose_and_get_back(peer);
	peer_fill(peer);
	dma_storm_go_on(self->dut.dma);
	EXPECT_TRUE(peer_holds(peer, NULL, 0));
	dma_storm_stop(self->dut.dma);
	EXPECT_TRUE(peer_holds(peer, NULL, 0));
	cts_close(&fd);
}

CTS_MAIN
