// SPDX-License-Identifier: GPL-2.0-only
/* What a device reaches through the dma-buf of another device's BAR: its registers, in their place.
 */
#include "peer.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

CTS_TEST_F(peer, whole_bar,
	   .title = "A write through the dma-buf of all of a BAR reaches the register at its offset",
	   .requirements = { "DMABUF-007" },
	   .needs = NEEDS)
{
	const struct peer *peer = &self->peer;
	uint64_t size = peer->bound.function.region[peer->bar].size;
	int fd = dmabuf_export(peer->bound.device, peer->bar, 0, size);

	ASSERT_EQ(0, peer_map(self, fd, 0, size));
	EXPECT_WRITE("the table", self, self->iova + peer->table);
	cts_close(&fd);
	/* The mapping holds it. */
	EXPECT_WRITE("the table", self, self->iova + peer->table);
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, size);
}

CTS_TEST_F(peer, part_of_a_bar,
	   .title = "The dma-buf of a part of a BAR begins with the register that it was asked to begin with",
	   .requirements = { "DMABUF-007" },
	   .needs = NEEDS)
{
	int fd = peer_export(self);

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, peer_pages(self));
	cts_close(&fd);
}

CTS_TEST_F(peer, part_of_a_dma_buf,
	   .title = "A mapping of a part of a dma-buf begins with the register that is there",
	   .requirements = { "DMABUF-007" },
	   .needs = NEEDS)
{
	const struct peer *peer = &self->peer;
	uint64_t size = peer->bound.function.region[peer->bar].size;
	int fd = dmabuf_export(peer->bound.device, peer->bar, 0, size);

	ASSERT_EQ(0, peer_map(self, fd, peer_first_page(self), peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, peer_pages(self));
	cts_close(&fd);
}

/* The page beside the table's is all that is exported; the table would follow it, or come before. */
CTS_TEST_F(peer, neighbour_is_out_of_reach,
	   .title = "A write behind the dma-buf of a page does not reach the page that follows in the BAR, nor one before it the page before",
	   .requirements = { "DMABUF-007" },
	   .needs = NEEDS,
	   .faults = true)
{
	const struct peer *peer = &self->peer;
	uint64_t size = peer->bound.function.region[peer->bar].size;
	uint64_t first = peer_first_page(self), end = first + peer_pages(self);
	uint64_t page = self->page;
	bool tried = false;
	int fd;

	if (first >= page) {
		fd = dmabuf_export(peer->bound.device, peer->bar, first - page, page);
		ASSERT_EQ(0, peer_map(self, fd, 0, page));
		EXPECT_WRITE("nothing", self, self->iova + page + peer_in_page(self));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, page);
		cts_close(&fd);
		tried = true;
	}
	if (size - end >= page) {
		uint64_t iova = self->iova + (end - first);

		fd = dmabuf_export(peer->bound.device, peer->bar, end, page);
		ASSERT_EQ(0, map_file(self->dut.iommufd, self->dut.ioas, FIXED | READ_WRITE, fd, 0,
				      page, &iova));
		EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page);
		cts_close(&fd);
		tried = true;
	}
	if (!tried)
		CTS_SKIP(DEVICE_LACKS, "the table fills its BAR");
	fd = peer_export(self);
	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	cts_close(&fd);
}

CTS_TEST_F(peer, unmapped,
	   .title = "What was unmapped is out of reach, and a mapping for reading is not written through",
	   .requirements = { "DMABUF-007" },
	   .needs = NEEDS,
	   .faults = true)
{
	uint64_t iova = self->iova;
	int fd = peer_export(self);

	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, peer_pages(self));
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	ASSERT_EQ(0, map_file(self->dut.iommufd, self->dut.ioas, FIXED | READABLE, fd, 0,
			      peer_pages(self), &iova));
	EXPECT_WRITE("nothing", self, self->iova + peer_in_page(self));
	cts_close(&fd);
}

CTS_MAIN
