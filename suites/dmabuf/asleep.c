// SPDX-License-Identifier: GPL-2.0-only
/* In low power a BAR stays lost, whatever wakes the device for a moment. */
#include "lost.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

#define ENTER_OR_SKIP(function)                                                           \
	do {                                                                              \
		if (lose_by_low_power(function))                                          \
			CTS_SKIP(KERNEL_LACKS, "no VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY"); \
	} while (0)

/* Until the exit @fd can't be mapped; then it can. */
static void check_asleep(struct __test_metadata *_metadata, FIXTURE_DATA(peer) * self, int fd)
{
	EXPECT_EQ(-ENODEV, peer_map(self, fd, 0, peer_pages(self)));
	iommufd_unmap_all(self->dut.iommufd, self->dut.ioas);
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->dut.ioas);
	return_from_low_power(&self->peer.bound.function);
	ASSERT_EQ(0, peer_map(self, fd, 0, peer_pages(self)));
	EXPECT_WRITE("the table", self, self->iova + peer_in_page(self));
}

CTS_TEST_F(peer, read,
	   .title = "A read of a register in low power gives the dma-bufs of the BAR not back",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self);
	uint32_t value;

	ENTER_OR_SKIP(function);
	EXPECT_EQ(0, bar_read(function, self->peer.bar, &value));
	EXPECT_EQ(function_config_read(function, 0, 4), function_config_read(function, 0, 4));
	check_asleep(_metadata, self, fd);
	cts_close(&fd);
}

CTS_TEST_F(peer, command,
	   .title = "Memory decoding that is turned on in low power gives the dma-bufs of the BAR not back",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self);

	ENTER_OR_SKIP(function);
	set_decoding(function, true);
	check_asleep(_metadata, self, fd);
	cts_close(&fd);
}

CTS_TEST_F(peer, reset,
	   .title = "A reset in low power gives the dma-bufs of the BAR not back",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self);

	ENTER_OR_SKIP(function);
	if (__function_reset(function))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	check_asleep(_metadata, self, fd);
	cts_close(&fd);
}

CTS_TEST_F(peer, second_entry,
	   .title = "An entry that is refused in low power changes nothing of that",
	   .requirements = { "DMABUF-003" },
	   .needs = NEEDS)
{
	const struct function *function = &self->peer.bound.function;
	int fd = peer_export(self);

	ENTER_OR_SKIP(function);
	EXPECT_EQ(-EINVAL, lose_by_low_power(function));
	check_asleep(_metadata, self, fd);
	cts_close(&fd);
}

CTS_MAIN
