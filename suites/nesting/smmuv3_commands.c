// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's commands to an SMMUv3 that say what it has changed: the device doesn't go by what was
 * there before.
 */
#include "smmuv3_nested.h"

FIXTURE(commands)
{
	NESTED_FIELDS;
};

/* Ways for a guest to say that it has changed what VIRTUAL leads to. */
FIXTURE_VARIANT(commands)
{
	struct command forget;
};

#define FORGETS(name, word0, word1)             \
	FIXTURE_VARIANT_ADD(commands, name)     \
	{                                       \
		.forget = { { word0, word1 } }, \
	}

FORGETS(tlbi_nh_va, CMD_TLBI_NH_VA | CMD_ASID(ASID), VIRTUAL);
FORGETS(tlbi_nh_vaa, CMD_TLBI_NH_VAA, VIRTUAL);
FORGETS(tlbi_nh_asid, CMD_TLBI_NH_ASID | CMD_ASID(ASID), 0);
FORGETS(tlbi_nh_all, CMD_TLBI_NH_ALL, 0);
FORGETS(tlbi_nsnh_all, CMD_TLBI_NSNH_ALL, 0);

FIXTURE_SETUP(commands)
{
	NESTED_SETUP_OR_SKIP(self);
}

FIXTURE_TEARDOWN(commands)
{
	SMMUV3_TEARDOWN(self);
}

CTS_TEST_F(commands, changed,
	   .title = "After the command a device goes by what the guest's table says now",
	   .requirements = { "INV-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	uint32_t count = 1;

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	s1_map(&self->s1, self->root, VIRTUAL, self->ipa + self->page, self->page, 0);
	EXPECT_EQ(0, __commands(dut, self->viommu, &variant->forget, &count));
	EXPECT_EQ(1, count);
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, self->page));
	s1_unmap(&self->s1, self->root, VIRTUAL, self->page);
	EXPECT_EQ(0, __commands(dut, self->viommu, &variant->forget, &count));
	EXPECT_EQ(1, count);
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL));
}

CTS_MAIN
