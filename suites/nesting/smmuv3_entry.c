// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an SMMUv3 takes for a guest's stream table entry, and which of them a device without a
 * vDEVICE can have.
 */
#include "smmuv3.h"

FIXTURE(entry)
{
	SMMUV3_FIELDS;
	uint32_t next;
};

FIXTURE_SETUP(entry)
{
	SMMUV3_SETUP_OR_SKIP(self);
	self->next = next_object_id(self->dut.iommufd);
}

FIXTURE_TEARDOWN(entry)
{
	SMMUV3_TEARDOWN(self);
}

/*
 * What the header leaves to the kernel: word 0 but V, Cfg, S1Fmt, S1ContextPtr and S1CDMax, word 1
 * but S1DSS, S1CIR, S1COR, S1CSH, S1STALLD and EATS. (S1ContextPtr's bits 52 to 55 are younger.)
 */
#define NOT_THE_USERS_0 0x0700000000000000ULL
#define NOT_THE_USERS_1 0xffffffffc7ffff00ULL

CTS_TEST_F(entry, others_fields,
	   .title = "A stream table entry with a field that isn't the guest's is EIO, whichever the bit",
	   .requirements = { "NEST-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint32_t none;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		const uint64_t one = 1ULL << bit;

		if (NOT_THE_USERS_0 & one) {
			EXPECT_EQ(-EIO,
				  __ste_alloc(&self->dut, self->viommu, STE_BYPASS | one, 0, &none))
			TH_LOG("bit %d of word 0", bit);
		}
		if (NOT_THE_USERS_1 & one) {
			EXPECT_EQ(-EIO,
				  __ste_alloc(&self->dut, self->viommu, STE_BYPASS, one, &none))
			TH_LOG("bit %d of word 1", bit);
		}
	}
	EXPECT_EQ(self->next, next_object_id(self->dut.iommufd));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->viommu));
}

CTS_TEST_F(entry, configurations,
	   .title = "Abort, bypass and stage 1 are a guest's configurations, no ATS and full ATS its ATS; all others are EIO",
	   .requirements = { "NEST-007" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	static const int legal_cfg[8] = { [0] = 1, [4] = 1, [5] = 1 };
	static const int legal_eats[4] = { [0] = 1, [1] = 1 };
	uint32_t nested;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(legal_cfg); i++) {
		const uint64_t ste = STE_V | STE_CFG(i) | (i == 5 ? self->s1.ipa : 0);

		EXPECT_EQ(legal_cfg[i] ? 0 : -EIO,
			  __ste_alloc(&self->dut, self->viommu, ste, 0, &nested))
		TH_LOG("Cfg %u", i);
		if (legal_cfg[i]) {
			EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, nested));
		}
	}
	for (i = 0; i < ARRAY_SIZE(legal_eats); i++) {
		EXPECT_EQ(legal_eats[i] ? 0 : -EIO,
			  __ste_alloc(&self->dut, self->viommu, s1_ste(&self->s1),
				      STE_CACHED | STE_EATS(i), &nested))
		TH_LOG("EATS %u", i);
		if (legal_eats[i]) {
			EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, nested));
		}
	}
	EXPECT_EQ(0, __ste_alloc(&self->dut, self->viommu, 0, 0, &nested));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->dut.iommufd, self->viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, nested));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->viommu));
}

CTS_TEST_F(entry, lengths,
	   .title = "Data of another length is EINVAL, what can't be read EFAULT, and nothing is made",
	   .requirements = { "NEST-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const struct dut *dut = &self->dut;
	const uint64_t data[3] = { STE_BYPASS };
	const uint32_t type = HWPT_DATA_ARM_SMMUV3;
	uint32_t none;

	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(dut->iommufd, dut->device_id, self->viommu, 0, type,
					     data, 8, &none));
	EXPECT_EQ(-EINVAL, __hwpt_alloc_data(dut->iommufd, dut->device_id, self->viommu, 0, type,
					     data, sizeof(data), &none));
	EXPECT_EQ(-EFAULT, __hwpt_alloc_data(dut->iommufd, dut->device_id, self->viommu, 0, type,
					     inaccessible_page(), 16, &none));
	EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc_data(dut->iommufd, dut->device_id, self->parent, 0,
						 type, data, 16, &none));
	EXPECT_EQ(self->next, next_object_id(dut->iommufd));
}

CTS_TEST_F(entry, needs_vdevice,
	   .title = "Without a vDEVICE a device can be attached to what bypasses or aborts, and stays where it was if it were translated",
	   .requirements = { "NEST-008", "VIOMMU-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	struct dut *dut = &self->dut;
	uint32_t translating = ste_alloc(dut, self->viommu, s1_ste(&self->s1), STE_CACHED);
	uint32_t bypassing = ste_alloc(dut, self->viommu, STE_BYPASS, 0);
	uint32_t aborting = ste_alloc(dut, self->viommu, STE_ABORT, 0);
	uint32_t vdevice, pt = translating;

	EXPECT_EQ(-ENOENT, __vfio_attach(dut->device, &pt));
	EXPECT_TRUE(written(dut, &self->buffer, self->ipa, 0));
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, translating));

	EXPECT_EQ(aborting, vfio_attach(dut->device, aborting));
	EXPECT_EQ(bypassing, vfio_attach(dut->device, bypassing));
	translating = ste_alloc(dut, self->viommu, s1_ste(&self->s1), STE_CACHED);
	pt = translating;
	EXPECT_EQ(-ENOENT, __vfio_attach(dut->device, &pt));
	EXPECT_TRUE(written(dut, &self->buffer, self->ipa, 0));

	ASSERT_EQ(0, __vdevice_alloc(dut->iommufd, self->viommu, dut->device_id, VIRTUAL_ID,
				     &vdevice));
	EXPECT_EQ(translating, vfio_attach(dut->device, translating));
}

CTS_MAIN
