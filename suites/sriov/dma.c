// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA of a VF and of its PF: each goes through the table that it is attached to itself, though
 * all are one device on one bus.
 */
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "memory.h"
#include "pf.h"

#define LONGEST 4096

enum {
	PF,
	VF0,
	VF1,
	FUNCTIONS,
};

FIXTURE(dma)
{
	struct sriov_before before;
	struct dut pf; /* attached, and the VFs' iommufd is its own */
	int vf[VFS];
	uint32_t ioas[FUNCTIONS];
	struct dma *dma[FUNCTIONS];
	struct buffer memory[FUNCTIONS]; /* a page each, at the same IOVA in the IOAS of each */
	uint64_t iova;
	uint64_t lone; /* mapped in the PF's IOAS alone, to its memory */
	uint64_t rings;
	size_t length; /* of a write, bytes */
};

static const char *const names[FUNCTIONS] = { "the PF's", "the first VF's", "the second VF's" };

/* The VF gets the PF's token with the bind, an IOAS and memory of its own, and is brought up. */
static int open_vf(FIXTURE_DATA(dma) * self, unsigned int index, const struct sriov_token *token)
{
	unsigned int function = VF0 + index;
	char bdf[SYSFS_BDF];
	int rc;

	sriov_vf(index, bdf);
	self->vf[index] = vfio_open_function(bdf);
	cts_require(!__sriov_bind(self->vf[index], self->pf.iommufd, token), "bind of a VF");
	self->ioas[function] = iommufd_ioas_alloc(self->pf.iommufd);
	vfio_attach(self->vf[index], self->ioas[function]);
	rc = __dma_bring_up_vf(self->pf.dma, index);
	if (rc)
		return rc;
	self->dma[function] = dma_open(self->vf[index], self->rings);
	dma_map_rings(self->dma[function], self->pf.iommufd, self->ioas[function]);
	return 0;
}

FIXTURE_SETUP(dma)
{
	const struct sriov_token token = sriov_token(1);
	struct vfio_layout layout;
	int device, iommufd;
	const char *lacks;
	unsigned int i;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&layout);
	lacks = sriov_missing();
	if (lacks)
		CTS_SKIP(DEVICE_LACKS, "%s", lacks);
	sriov_begin(&self->before);
	device = vfio_open();
	iommufd = iommufd_open();
	SRIOV_TOKENS_OR_SKIP(device, iommufd);
	cts_close(&device);
	cts_close(&iommufd);
	dut_open(&self->pf);
	self->length = dma_write_limits(self->pf.dma)->smallest;
	ASSERT_GE(LONGEST, self->length);
	ASSERT_EQ(0, ask_token(self->pf.device, VFIO_DEVICE_FEATURE_SET, &token, sizeof(token)));
	ASSERT_EQ(0, __sriov_set_count(VFS));
	self->rings = dma_rings_size() ? iova_alloc(&self->pf.space, dma_rings_size(), page_size())
				       : 0;
	self->iova = iova_alloc(&self->pf.space, page_size(), page_size());
	self->lone = iova_alloc(&self->pf.space, page_size(), page_size());
	self->ioas[PF] = self->pf.ioas;
	self->dma[PF] = self->pf.dma;
	for (i = 0; i < VFS; i++) {
		if (!open_vf(self, i, &token))
			continue;
		/* There is no teardown after a setup that skips. */
		while (i + 1)
			cts_close(&self->vf[i--]);
		dut_close(&self->pf);
		sriov_undo(&self->before);
		CTS_SKIP(DEVICE_LACKS, "no driver is known for the device's VFs");
	}
	for (i = 0; i < FUNCTIONS; i++) {
		buffer_alloc(&self->memory[i], BUFFER_BASE, page_size());
		canary_fill(self->memory[i].memory, page_size(), (uint8_t)i);
		iommufd_map(self->pf.iommufd, self->ioas[i], self->memory[i].memory, page_size(),
			    self->iova);
	}
	iommufd_map(self->pf.iommufd, self->ioas[PF], self->memory[PF].memory, page_size(),
		    self->lone);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(dma)
{
	sriov_undo(&self->before);
}

/*
 * Makes function @which write at @iova, and says whose memory holds that now, "nobody's", or
 * "somebody else's" if anything else changed. Afterwards the canaries are whole again.
 */
static const char *whose(FIXTURE_DATA(dma) * self, unsigned int which, uint64_t iova)
{
	uint8_t wrote[LONGEST];
	const char *where = "nobody's";
	unsigned int i;

	memset(wrote, 0, sizeof(wrote));
	dma_write(self->dma[which], iova, self->length, wrote);
	for (i = 0; i < FUNCTIONS; i++) {
		void *memory = self->memory[i].memory;

		if (canary_intact(memory, page_size(), (uint8_t)i))
			continue;
		where = !strcmp(where, "nobody's") &&
					canary_holds_only(memory, page_size(), (uint8_t)i, 0, wrote,
							  self->length)
				? names[i]
				: "somebody else's";
		canary_fill(memory, page_size(), (uint8_t)i);
	}
	return where;
}

#define EXPECT_WRITES(name, which, at) EXPECT_STREQ(name, whose(self, which, at))

#define DMA_NEEDS (NEEDS | CTS_NEED_DMA_WRITE)

CTS_TEST_F(dma, goes_through_its_own_table,
	   .title = "A VF and its PF that write to one IOVA reach the memory of their own IOAS each",
	   .requirements = { "SRIOV-013" },
	   .needs = DMA_NEEDS,
	   .timeout_s = 120)
{
	unsigned int i;
	int round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < FUNCTIONS; i++) {
			EXPECT_WRITES(names[i], i, self->iova);
		}
	}
}

CTS_TEST_F(dma, does_not_reach_what_others_map,
	   .title = "A VF reaches nothing of what is mapped for its PF or another VF alone, attached or detached",
	   .requirements = { "SRIOV-013" },
	   .needs = DMA_NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	EXPECT_WRITES(names[PF], PF, self->lone);
	EXPECT_WRITES("nobody's", VF0, self->lone);
	iommufd_unmap(self->pf.iommufd, self->ioas[VF0], self->iova, page_size());
	EXPECT_WRITES("nobody's", VF0, self->iova);
	EXPECT_WRITES(names[VF1], VF1, self->iova);
	EXPECT_WRITES(names[PF], PF, self->iova);
	vfio_detach(self->vf[1]);
	EXPECT_WRITES("nobody's", VF1, self->iova);
	EXPECT_WRITES(names[PF], PF, self->iova);
}

CTS_TEST_F(dma, shares_a_table_when_told,
	   .title = "A VF that is attached to its PF's IOAS reaches what the PF does, and its own again when it is attached back",
	   .requirements = { "SRIOV-013" },
	   .needs = DMA_NEEDS,
	   .timeout_s = 120)
{
	dma_map_rings(self->dma[VF0], self->pf.iommufd, self->ioas[PF]);
	vfio_attach(self->vf[0], self->ioas[PF]);
	EXPECT_WRITES(names[PF], VF0, self->iova);
	EXPECT_WRITES(names[PF], VF0, self->lone);
	EXPECT_WRITES(names[VF1], VF1, self->iova);
	vfio_attach(self->vf[0], self->ioas[VF0]);
	EXPECT_WRITES(names[VF0], VF0, self->iova);
}

CTS_MAIN
