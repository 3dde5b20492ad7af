// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a dma-buf of a BAR holds neither the device nor, once that is closed, any of it. */
#include "peer.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE)

CTS_TEST_F(peer, next_user,
	   .title = "While a dma-buf of it is mapped a device is closed and bound again, and the next user's registers are out of reach",
	   .requirements = { "DMABUF-004", "DMABUF-003", "MFILE-009" },
	   .needs = NEEDS,
	   .faults = true)
{
	struct peer *peer = &self->peer;
	int fd = peer_export(self), other = iommufd_open(), again;

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	bound_close_device(&peer->bound);
	ASSERT_EQ(0, peer_open(peer, other));
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	EXPECT_TRUE(
		held_just(self->dut.iommufd, self->dut.ioas, peer_pages(self) + dma_rings_size()));
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->dut.ioas);

	/* Neither can it be mapped again, nor does that stand in the way of one that can. */
	EXPECT_EQ(-ENODEV, peer_map(self, fd, 0, peer_pages(self)));
	again = peer_export(self);
	ASSERT_EQ(0, peer_map(self, again, 0, peer_pages(self)));
	cts_close(&fd);
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	cts_close(&again);
	/* The next user's iommufd ends with his device. */
	bound_close_device(&peer->bound);
	cts_close(&other);
}

CTS_MAIN
