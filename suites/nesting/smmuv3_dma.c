// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of a device that an SMMUv3 translates for a guest: by the guest's tables and then by the
 * parent, and by nothing else. What the guest changes holds when it has said so.
 */
#include "smmuv3_nested.h"

FIXTURE(nested)
{
	NESTED_FIELDS;
};

FIXTURE_SETUP(nested)
{
	NESTED_SETUP_OR_SKIP(self);
}

FIXTURE_TEARDOWN(nested)
{
	SMMUV3_TEARDOWN(self);
}

CTS_TEST_F(nested, by_both,
	   .title = "DMA goes by the guest's tables and then by the parent; an address that the guest maps nowhere is out of reach",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
	EXPECT_TRUE(refused(dut, &self->buffer, self->ipa));
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
}

CTS_TEST_F(nested, outside_of_the_parent,
	   .title = "What the guest's tables lead to outside of the parent's mappings is out of reach, physical addresses included",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 90,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	const uint64_t physical = physical_address(self->memory + self->page);
	const uint64_t hole = iova_alloc(&dut->space, self->page, self->page);

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	s1_map(&self->s1, self->root, VIRTUAL + self->page, hole, self->page, 0);
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
	/* Where the kernel doesn't tell, and where the parent happens to have that address. */
	if (physical && physical - self->ipa >= 2 * self->page) {
		s1_map(&self->s1, self->root, VIRTUAL + self->page, physical, self->page, 0);
		forget(dut, self->viommu, VIRTUAL + self->page, self->page);
		EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
	}
}

CTS_TEST_F(nested, read_only,
	   .title = "What the guest lets be read alone can't be written, and what the parent lets be read alone neither",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 90,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	const uint64_t readable = iova_alloc(&dut->space, self->page, self->page);

	s1_map(&self->s1, self->root, VIRTUAL + self->page, self->ipa + self->page, self->page,
	       S1_READ_ONLY);
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
	iommufd_map_access(dut->iommufd, dut->ioas, IOMMU_IOAS_MAP_READABLE, self->memory,
			   self->page, readable);
	s1_map(&self->s1, self->root, VIRTUAL + self->page, readable, self->page, 0);
	forget(dut, self->viommu, VIRTUAL + self->page, self->page);
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
}

CTS_TEST_F(nested, unmapped_below,
	   .title = "What is unmapped in the IOAS is out of reach through the guest's tables, without a word of the guest's",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	iommufd_unmap(dut->iommufd, dut->ioas, self->ipa, 2 * self->page);
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL));
	iommufd_map(dut->iommufd, dut->ioas, self->memory, 2 * self->page, self->ipa);
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
}

CTS_TEST_F(nested, bypass,
	   .title = "Through an entry that bypasses stage 1 a device reaches what the parent has, and no more",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	uint32_t bypassing = ste_alloc(dut, self->viommu, STE_BYPASS, 0);

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	EXPECT_EQ(bypassing, vfio_attach(dut->device, bypassing));
	EXPECT_TRUE(written(dut, &self->buffer, self->ipa, 0));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL));
	EXPECT_EQ(self->nested, vfio_attach(dut->device, self->nested));
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
}

CTS_TEST_F(nested, aborts,
	   .title = "Through an entry that aborts, or that isn't valid, a device reaches nothing, and through the next one all again",
	   .requirements = { "NEST-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 90,
	   .faults = true)
{
	const uint64_t nothing[] = { STE_ABORT, 0 };
	struct dut *dut = &self->dut;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		uint32_t hwpt = ste_alloc(dut, self->viommu, nothing[i], 0);

		EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
		EXPECT_EQ(hwpt, vfio_attach(dut->device, hwpt));
		EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL))
		TH_LOG("entry %#llx", (unsigned long long)nothing[i]);
		EXPECT_TRUE(refused(dut, &self->buffer, self->ipa))
		TH_LOG("entry %#llx", (unsigned long long)nothing[i]);
		EXPECT_EQ(self->nested, vfio_attach(dut->device, self->nested));
		EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	}
}

CTS_TEST_F(nested, back_to_the_parent,
	   .title = "Attached to the IOAS again a device goes by that alone, and the nested table can be destroyed",
	   .requirements = { "NEST-006", "NEST-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;

	EXPECT_EQ(-EBUSY, __iommufd_destroy(dut->iommufd, self->nested));
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	vfio_attach(dut->device, dut->ioas);
	EXPECT_TRUE(written(dut, &self->buffer, self->ipa, 0));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL));
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, self->nested));
}

CTS_MAIN
