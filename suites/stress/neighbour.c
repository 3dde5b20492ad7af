// SPDX-License-Identifier: GPL-2.0-only
/*
 * A neighbour that belongs to the kernel: an NVMe disk under its usual driver, which fio writes and
 * reads back by checksum, while the device's user attaches, replaces, detaches, maps, unmaps and
 * has DMA refused. The user's memory is mapped also where drivers of the kernel have theirs, at the
 * highest IOVAs below 4 GiB: what goes through the wrong table comes to an end there, and shows.
 */
#include <stdlib.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "fio.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

/* How much happens beside fio at least, and how often DMA is refused where that takes long. */
#define ROUNDS 24
#define SLOW_NS 10000000
#define SELDOM 6

#define HIGH_IOVA 0xff000000ULL
#define HIGH_SIZE ((size_t)16 << 20)

enum {
	TABLES = 2,
	SEED_PAGE = 1,
	SEED_HIGH = 2,
};

FIXTURE(neighbour)
{
	struct medium medium;
	struct fio fio;
	struct dut dut;
	uint32_t ioas[TABLES];
	struct buffer page; /* of three pages, of which the device writes to the middle one */
	struct buffer high;
	uint64_t iova; /* of the middle page */
	uint8_t *wrote;
	size_t length;
};

FIXTURE_SETUP(neighbour)
{
	unsigned int i;

	CTS_CHECK_NEEDS();
	FIO_OR_SKIP();
	MEDIUM_OPEN_OR_SKIP(&self->medium);
	DUT_OPEN_OR_SKIP(&self->dut);
	self->length = dma_write_limits(self->dut.dma)->smallest;
	self->wrote = malloc(self->length);
	ASSERT_NE(NULL, self->wrote);
	self->iova = iova_alloc(&self->dut.space, 3 * page_size(), page_size()) + page_size();
	buffer_alloc(&self->page, BUFFER_BASE, 3 * page_size());
	buffer_alloc(&self->high, BUFFER_BASE, HIGH_SIZE);
	canary_fill(self->high.memory, HIGH_SIZE, SEED_HIGH);
	self->ioas[0] = self->dut.ioas;
	self->ioas[1] = iommufd_ioas_alloc(self->dut.iommufd);
	dma_map_rings(self->dut.dma, self->dut.iommufd, self->ioas[1]);
	/* Where a platform reserves some of it, it is not there for the kernel's drivers either. */
	for (i = 0; i < TABLES; i++)
		(void)__iommufd_map(self->dut.iommufd, self->ioas[i], self->high.memory, HIGH_SIZE,
				    HIGH_IOVA);
}

FIXTURE_TEARDOWN(neighbour)
{
	fio_stop(&self->fio);
	medium_close(&self->medium);
	dut_close(&self->dut);
	buffer_free(&self->page);
	buffer_free(&self->high);
	free(self->wrote);
}

/* Does a write of the device arrive in the middle page, and nowhere else there? */
static bool arrives(FIXTURE_DATA(neighbour) * self)
{
	canary_fill(self->page.memory, self->page.size, SEED_PAGE);
	return !dma_write(self->dut.dma, self->iova, self->length, self->wrote) &&
	       canary_holds_only(self->page.memory, self->page.size, SEED_PAGE, page_size(),
				 self->wrote, self->length);
}

static bool is_refused(FIXTURE_DATA(neighbour) * self)
{
	canary_fill(self->page.memory, self->page.size, SEED_PAGE);
	(void)dma_write(self->dut.dma, self->iova, self->length, self->wrote);
	return canary_intact(self->page.memory, self->page.size, SEED_PAGE);
}

/* All that a user does to his device, once; in some rounds with DMA that has to be refused. */
static void play(struct __test_metadata *_metadata, FIXTURE_DATA(neighbour) * self, bool refused)
{
	const struct dut *dut = &self->dut;
	const uint64_t first = self->iova - page_size();
	unsigned int i;

	for (i = 0; i < TABLES; i++) {
		vfio_attach(dut->device, self->ioas[i]);
		iommufd_map(dut->iommufd, self->ioas[i], self->page.memory, self->page.size, first);
		EXPECT_TRUE(arrives(self));
		iommufd_unmap(dut->iommufd, self->ioas[i], first, self->page.size);
		if (refused) {
			EXPECT_TRUE(is_refused(self));
		}
	}
	vfio_detach(dut->device);
	if (refused) {
		EXPECT_TRUE(is_refused(self));
	}
	vfio_attach(dut->device, self->ioas[0]);
}

CTS_TEST_F(neighbour, reads_what_it_wrote,
	   .title = "A disk of the kernel's reads back what was written to it while a user's device is attached, moved, detached, and refused",
	   .requirements = { "CONC-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE | CTS_NEED_SCRATCH,
	   .timeout_s = 300,
	   .faults = true)
{
	static const char *const load[] = { "--rw=randwrite",	"--bs=4k",
					    "--iodepth=16",	"--size=4m",
					    "--verify=crc32c",	"--do_verify=1",
					    "--verify_fatal=1", NULL };
	const unsigned int every = dma_refused_ns(self->dut.dma) > SLOW_NS ? SELDOM : 1;
	unsigned int round = 0, runs = 0;

	do {
		fio_start(&self->fio, &self->medium, load);
		do {
			play(_metadata, self, round % every == 0);
			round++;
		} while (fio_goes_on(&self->fio));
		ASSERT_EQ(0, fio_finish(&self->fio, NULL));
		runs++;
	} while (round < ROUNDS);
	printf("# %u rounds beside %u runs of fio\n", round, runs);
	EXPECT_TRUE(canary_intact(self->high.memory, HIGH_SIZE, SEED_HIGH));
}

CTS_MAIN
