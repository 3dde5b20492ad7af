// SPDX-License-Identifier: GPL-2.0-only
/* Memory that is unmapped while a device writes to it is out of reach when the call returns. */
#include "ioas.h"

#define ROUNDS 100
#define SECONDS 3

/* What the device writes each time: of fewer bytes all may happen to be the canary's. */
#define BYTES 16

CTS_TEST_F(ioas, unmap_in_a_storm,
	   .title = "Memory unmapped while the device writes to it over and over stays as it is once the call has returned",
	   .requirements = { "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM,
	   .timeout_s = 120,
	   .faults = true)
{
	struct rounds rounds = { .want = ROUNDS, .least = 2, .seconds = SECONDS };
	size_t page = page_size(), length = length_near(dma_write_limits(self->dut.dma), BYTES);
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	while (another_round(&rounds)) {
		canary_fill(memory, page, 0);
		iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
		dma_storm_start(self->dut.dma, iova, length);
		ASSERT_TRUE(dma_storm_reaches(self->dut.dma, memory, page, 0));
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page);
		canary_fill(memory, page, 1);
		dma_storm_go_on(self->dut.dma);
		dma_storm_stop(self->dut.dma);
		ASSERT_TRUE(canary_intact(memory, page, 1));
	}
}

CTS_TEST_F(ioas, neighbour_unmapped_in_a_storm,
	   .title = "Mapping and unmapping beside memory that the device writes to doesn't disturb it",
	   .requirements = { "ISO-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_STORM,
	   .timeout_s = 120)
{
	size_t page = page_size(), length = length_near(dma_write_limits(self->dut.dma), BYTES);
	uint64_t iova = iova_alloc(&self->dut.space, 3 * page, 4 * page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 3);
	unsigned int i;

	canary_fill(memory, 3 * page, 0);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + page, page, iova + page);
	dma_storm_start(self->dut.dma, iova + page, length);
	for (i = 0; i < 1000; i++) {
		iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
		iommufd_map(self->dut.iommufd, self->dut.ioas, memory + 2 * page, page,
			    iova + 2 * page);
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page);
		iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova + 2 * page, page);
	}
	canary_fill(memory, 3 * page, 0);
	EXPECT_TRUE(dma_storm_reaches(self->dut.dma, memory, 3 * page, 0));
	EXPECT_EQ(0, dma_storm_stop(self->dut.dma));
	/* Only the beginning of the middle page has changed, if not in each byte. */
	EXPECT_EQ(page, canary_changed(memory, page, 0, 0));
	EXPECT_EQ(3 * page, canary_changed(memory, 3 * page, 0, page + length));
}

CTS_MAIN
