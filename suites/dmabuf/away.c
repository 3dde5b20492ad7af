// SPDX-License-Identifier: GPL-2.0-only
/* As long as the BAR is lost no dma-buf of it can be mapped, whenever that was made. */
#include "lost.h"

FIXTURE_VARIANT(peer)
{
	int (*lose)(const struct function *function);
	void (*get_back)(const struct function *function);
};

FIXTURE_VARIANT_ADD(peer, decoding)
{
	.lose = lose_decoding,
	.get_back = return_decoding,
};
FIXTURE_VARIANT_ADD(peer, d3hot)
{
	.lose = lose_power,
	.get_back = return_power,
};
FIXTURE_VARIANT_ADD(peer, low_power)
{
	.lose = lose_by_low_power,
	.get_back = return_from_low_power,
};

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

#define LOSE_OR_SKIP(function)                                                                     \
	do {                                                                                       \
		int __lost = variant->lose(function);                                              \
                                                                                                   \
		if (__lost)                                                                        \
			CTS_SKIP(DEVICE_LACKS, "the BAR can't be lost so: %s", strerror(-__lost)); \
	} while (0)

CTS_TEST_F(peer, made_before,
	   .title = "A dma-buf that was made before the BAR was lost is ENODEV to a mapping until it is back",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self), round;

	for (round = 0; round < 2; round++) {
		LOSE_OR_SKIP(function);
		EXPECT_EQ(-ENODEV, peer_map(self, fd, 0, peer_pages(self)));
		variant->get_back(function);
		ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
		EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, peer_pages(self));
	}
	cts_close(&fd);
}

CTS_TEST_F(peer, made_meanwhile,
	   .title = "A dma-buf that is made while the BAR is lost is ENODEV to a mapping until it is back",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd;

	LOSE_OR_SKIP(function);
	fd = peer_export(self);
	EXPECT_EQ(-ENODEV, peer_map(self, fd, 0, peer_pages(self)));
	variant->get_back(function);
	iommufd_unmap_all(self->dut.iommufd, self->dut.ioas);
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->dut.ioas);
	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	cts_close(&fd);
}

CTS_MAIN
