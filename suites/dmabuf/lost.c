// SPDX-License-Identifier: GPL-2.0-only
/* Who loses the BAR loses the dma-bufs of it: what was mapped stays out of reach for good. */
#include "lost.h"

FIXTURE_VARIANT(peer)
{
	int (*lose)(const struct function *function);
	/* NULL: it is back at once. */
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
FIXTURE_VARIANT_ADD(peer, reset)
{
	.lose = __function_reset,
};
FIXTURE_VARIANT_ADD(peer, flr)
{
	.lose = lose_by_register,
};
FIXTURE_VARIANT_ADD(peer, hot_reset)
{
	.lose = lose_by_hot_reset,
};

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

CTS_TEST_F(peer, mapping_is_dead,
	   .title = "After the BAR was lost nothing arrives through what was mapped; mapped anew it does",
	   .requirements = { "DMABUF-003", "MFILE-009" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self), lost;

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	lost = variant->lose(function);
	if (lost)
		CTS_SKIP(DEVICE_LACKS, "the BAR can't be lost so: %s", strerror(-lost));
	if (variant->get_back)
		variant->get_back(function);
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	EXPECT_EQ(0,
		  unmap_exactly(self->dut.iommufd, self->dut.ioas, self->iova, peer_pages(self)));

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	cts_close(&fd);
}

CTS_MAIN
