// SPDX-License-Identifier: GPL-2.0-only
/*
 * device/msi: the device's interrupt arrives once for each time that it was told to send it, and
 * nothing else brings it about (DMA_MSI of lib/dma.h).
 */
#include <poll.h>
#include <unistd.h>

#include "test.h"

#include "ground.h"

FIXTURE(msi)
{
	struct ground ground;
	int eventfd;
};

FIXTURE_SETUP(msi)
{
	CTS_CHECK_NEEDS();
	GROUND_OPEN_OR_SKIP(&self->ground);
	self->eventfd = dma_msi_eventfd(self->ground.dut.dma);
}

FIXTURE_TEARDOWN(msi)
{
	ground_close(&self->ground);
}

/* Waits for an interrupt; how many there were since the last time. */
static uint64_t take(int eventfd)
{
	struct pollfd events = { .fd = eventfd, .events = POLLIN };
	uint64_t count;

	if (poll(&events, 1, (int)(PATIENCE_NS / 1000000)) != 1)
		return 0;
	cts_require(read(eventfd, &count, sizeof(count)) == sizeof(count), "read of an eventfd");
	return count;
}

static bool pending(int eventfd)
{
	struct pollfd events = { .fd = eventfd, .events = POLLIN };

	return poll(&events, 1, 0) == 1;
}

#define SENDS 100

CTS_TEST_F(msi, arrives_once,
	   .title = "Each of a hundred interrupts arrives, and none that wasn't asked for",
	   .requirements = { "DEV-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_MSI)
{
	int i;

	EXPECT_FALSE(pending(self->eventfd));
	for (i = 0; i < SENDS; i++) {
		dma_send_msi(self->ground.dut.dma);
		ASSERT_EQ(1, take(self->eventfd))
		{
			TH_LOG("interrupt %d of %d", i + 1, SENDS);
		}
	}
	EXPECT_FALSE(pending(self->eventfd));
}

CTS_TEST_F(msi, not_by_dma,
	   .title = "Writes between the interrupts bring none of their own",
	   .requirements = { "DEV-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_MSI | CTS_NEED_DMA_WRITE)
{
	struct ground *ground = &self->ground;
	struct dma *dma = ground->dut.dma;
	struct place place = place_at(dma_write_limits(dma), 0);
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0,
			  dma_write(dma, ground->iova + place.offset, place.length, ground->bytes));
		EXPECT_FALSE(pending(self->eventfd));
		dma_send_msi(dma);
		ASSERT_EQ(1, take(self->eventfd));
	}
}

CTS_MAIN
