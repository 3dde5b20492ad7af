// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where requests with a PASID go: by the table of that PASID, while those without one go by the
 * device's own.
 *
 *                    IOVA `both`     IOVA `alone`
 *     own table      memory OWN      memory OWN, second page
 *     PASID's table  memory PASIDS   -
 *
 * The endpoint in software that does this goes by the tables in memory, and by what it keeps of
 * them until the kernel has that invalidated (docs/endpoint.md). So each table is used before it is
 * changed: what the kernel forgets to flush shows as an access by the old one.
 */
#include "buffer.h"
#include "calls.h"
#include "canary.h"
#include "dut.h"
#include "function.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

#define LENGTH 64
#define OFFSET 24 /* of accesses in a page */
#define PASID 77U

enum {
	OWN,
	PASIDS,
	MEMORIES,
};

FIXTURE(dma)
{
	struct dut dut; /* attached to own_table */
	uint32_t own_table, pasid_table;
	struct buffer memory[MEMORIES]; /* two pages each */
	size_t page;
	uint64_t both, alone;
	uint32_t last; /* the highest PASID */
};

FIXTURE_SETUP(dma)
{
	struct dut *dut = &self->dut;
	uint32_t ioas, i;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(dut);
	self->page = page_size();
	for (i = 0; i < MEMORIES; i++)
		buffer_alloc(&self->memory[i], BUFFER_BASE, 2 * self->page);
	self->both = iova_alloc(&dut->space, 2 * self->page, self->page);
	self->alone = self->both + self->page;
	ioas = iommufd_ioas_alloc(dut->iommufd);
	self->own_table = hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, HWPT_ALLOC_PASID);
	self->pasid_table = hwpt_alloc(dut->iommufd, dut->device_id, ioas, HWPT_ALLOC_PASID);
	iommufd_map(dut->iommufd, dut->ioas, self->memory[OWN].memory, 2 * self->page, self->both);
	iommufd_map(dut->iommufd, ioas, self->memory[PASIDS].memory, self->page, self->both);
	ASSERT_EQ(self->own_table, vfio_attach(dut->device, self->own_table));
	self->last = (1U << hw_info(dut->iommufd, dut->device_id).out_max_pasid_log2) - 1;
	ASSERT_LT(PASID, self->last);
}

FIXTURE_TEARDOWN(dma)
{
	uint32_t i;

	dut_close(&self->dut);
	for (i = 0; i < MEMORIES; i++)
		buffer_free(&self->memory[i]);
}

static void fill(FIXTURE_DATA(dma) * self)
{
	uint32_t i;

	for (i = 0; i < MEMORIES; i++)
		canary_fill(self->memory[i].memory, self->memory[i].size, (uint8_t)i);
}

/*
 * Writes, with @pasid or (0) without, and says what that has changed: "own", "own alone", "pasid",
 * "nothing", or "elsewhere". The device must have told of a refusal just where nothing has changed.
 */
static const char *write_with(FIXTURE_DATA(dma) * self, uint32_t pasid, uint64_t iova)
{
	struct dma *dma = self->dut.dma;
	const struct buffer *own = &self->memory[OWN], *theirs = &self->memory[PASIDS];
	uint8_t wrote[LENGTH] = { 0 };
	bool own_intact, theirs_intact;
	int rc;

	fill(self);
	iova += OFFSET;
	rc = pasid ? dma_pasid_write(dma, pasid, iova, LENGTH, wrote)
		   : dma_write(dma, iova, LENGTH, wrote);
	own_intact = canary_intact(own->memory, own->size, OWN);
	theirs_intact = canary_intact(theirs->memory, theirs->size, PASIDS);
	if (rc)
		return own_intact && theirs_intact ? "nothing" : "elsewhere";
	if (theirs_intact && canary_holds_only(own->memory, own->size, OWN, OFFSET, wrote, LENGTH))
		return "own";
	if (theirs_intact &&
	    canary_holds_only(own->memory, own->size, OWN, self->page + OFFSET, wrote, LENGTH))
		return "own alone";
	if (own_intact &&
	    canary_holds_only(theirs->memory, theirs->size, PASIDS, OFFSET, wrote, LENGTH))
		return "pasid";
	return "elsewhere";
}

#define EXPECT_WRITE(where, pasid, iova) EXPECT_STREQ(where, write_with(self, pasid, iova))

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_DMA_PASID)

CTS_TEST_F(dma, own_table,
	   .title = "Requests with a PASID reach what its table maps, those without what the device's own maps, and neither what only the other's maps",
	   .requirements = { "PASID-014" },
	   .needs = NEEDS,
	   .faults = true)
{
	uint8_t seen[LENGTH];

	ASSERT_EQ(0, pasid_attach(self->dut.device, PASID, self->pasid_table));
	EXPECT_WRITE("pasid", PASID, self->both);
	EXPECT_WRITE("own", 0, self->both);
	EXPECT_WRITE("nothing", PASID, self->alone);
	EXPECT_WRITE("own alone", 0, self->alone);

	fill(self);
	ASSERT_EQ(0, dma_pasid_read(self->dut.dma, PASID, self->both, LENGTH, seen));
	EXPECT_EQ(0, memcmp(seen, self->memory[PASIDS].memory, LENGTH));
	EXPECT_EQ(-EIO, dma_pasid_read(self->dut.dma, PASID, self->alone, LENGTH, seen));
}

CTS_TEST_F(dma, several,
	   .title = "PASIDs from the first to the last go each by the table that it is attached to",
	   .requirements = { "PASID-014" },
	   .needs = NEEDS)
{
	const uint32_t pasids[] = { 1, PASID, self->last };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pasids); i++) {
		ASSERT_EQ(0, pasid_attach(self->dut.device, pasids[i],
					  i % 2 ? self->own_table : self->pasid_table));
	}
	for (i = 0; i < ARRAY_SIZE(pasids); i++) {
		EXPECT_WRITE(i % 2 ? "own" : "pasid", pasids[i], self->both);
	}
}

CTS_TEST_F(dma, without_the_rid,
	   .title = "A PASID goes on when the device's own requests are attached to nothing, and these reach nothing by it",
	   .requirements = { "PASID-014" },
	   .needs = NEEDS,
	   .faults = true)
{
	ASSERT_EQ(0, pasid_attach(self->dut.device, PASID, self->pasid_table));
	vfio_detach(self->dut.device);
	EXPECT_WRITE("pasid", PASID, self->both);
	EXPECT_WRITE("nothing", 0, self->both);
	EXPECT_EQ(self->own_table, vfio_attach(self->dut.device, self->own_table));
	EXPECT_WRITE("own", 0, self->both);
	EXPECT_WRITE("pasid", PASID, self->both);
}

CTS_TEST_F(dma, mapped_and_unmapped,
	   .title = "What is mapped under a PASID that is attached is reached by it, and what is unmapped no more",
	   .requirements = { "PASID-014" },
	   .needs = NEEDS)
{
	struct dut *dut = &self->dut;

	ASSERT_EQ(0, pasid_attach(dut->device, PASID, self->own_table));
	EXPECT_WRITE("own alone", PASID, self->alone);
	iommufd_unmap(dut->iommufd, dut->ioas, self->both, 2 * self->page);
	EXPECT_WRITE("nothing", PASID, self->both);
	EXPECT_WRITE("nothing", PASID, self->alone);
	iommufd_map(dut->iommufd, dut->ioas, self->memory[OWN].memory, 2 * self->page, self->both);
	EXPECT_WRITE("own alone", PASID, self->alone);
}

CTS_TEST_F(dma, reset,
	   .title = "After a reset of the function its PASIDs reach what they reached before",
	   .requirements = { "PASID-014" },
	   .needs = NEEDS,
	   .timeout_s = 60,
	   .faults = true)
{
	struct function function;

	ASSERT_EQ(0, pasid_attach(self->dut.device, PASID, self->pasid_table));
	function_init(&function, self->dut.device);
	function_reset(&function);
	function_set_master(&function, true);
	EXPECT_WRITE("pasid", PASID, self->both);
	EXPECT_WRITE("own", 0, self->both);
	EXPECT_WRITE("nothing", PASID + 1, self->both);
	EXPECT_EQ(0, pasid_detach(self->dut.device, PASID));
	function_reset(&function);
	function_set_master(&function, true);
	EXPECT_WRITE("nothing", PASID, self->both);
	function_exit(&function);
}

CTS_TEST_F(dma, not_attached,
	   .title = "A PASID that was never attached, was detached, or whose attach failed reaches nothing",
	   .requirements = { "PASID-020" },
	   .needs = NEEDS)
{
	const uint32_t others[] = { 1, PASID - 1, PASID + 1, PASID + 64, self->last };
	struct dut *dut = &self->dut;
	uint32_t plain = hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, 0);
	size_t i;

	EXPECT_WRITE("nothing", PASID, self->both);
	EXPECT_EQ(-EINVAL, pasid_attach(dut->device, PASID, plain));
	EXPECT_WRITE("nothing", PASID, self->both);
	ASSERT_EQ(0, pasid_attach(dut->device, PASID, self->pasid_table));
	EXPECT_WRITE("pasid", PASID, self->both);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_WRITE("nothing", others[i], self->both);
	}
	EXPECT_EQ(0, pasid_detach(dut->device, PASID));
	EXPECT_WRITE("nothing", PASID, self->both);
	EXPECT_WRITE("own", 0, self->both);
}

CTS_TEST_F(dma, replaced,
	   .title = "Once a PASID is moved to another table it reaches what that maps, and nothing that only the old one maps; a refused move changes nothing",
	   .requirements = { "PASID-021" },
	   .needs = NEEDS)
{
	struct dut *dut = &self->dut;
	int i;

	ASSERT_EQ(0, pasid_attach(dut->device, PASID, self->own_table));
	for (i = 0; i < 5; i++) {
		EXPECT_WRITE("own", PASID, self->both);
		EXPECT_WRITE("own alone", PASID, self->alone);
		EXPECT_EQ(-ENOENT, pasid_attach(dut->device, PASID, 0x7ffffff0));
		EXPECT_WRITE("own alone", PASID, self->alone);
		EXPECT_EQ(0, pasid_attach(dut->device, PASID, self->pasid_table));
		EXPECT_WRITE("pasid", PASID, self->both);
		EXPECT_WRITE("nothing", PASID, self->alone);
		EXPECT_EQ(0, pasid_attach(dut->device, PASID, self->own_table));
	}
	EXPECT_WRITE("own", 0, self->both);
}

CTS_MAIN
