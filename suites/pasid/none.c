// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where there are no PASIDs: an IOMMU that can't translate by them makes no table for them, and a
 * device without any gets none attached.
 */
#include "calls.h"
#include "device_fixture.h"
#include "hwpt.h"

FIXTURE(none)
{
	DEVICE_FIELDS;
};

FIXTURE_SETUP(none)
{
	DEVICE_SETUP_OR_SKIP(self);
}

FIXTURE_TEARDOWN(none)
{
	DEVICE_TEARDOWN(self);
}

/* A table for PASIDs: 0, or -errno. */
static int table(const FIXTURE_DATA(none) * self, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = {
		.dev_id = self->id,
		.pt_id = self->ioas,
		.flags = HWPT_ALLOC_PASID,
	};
	int rc = __hwpt_alloc(self->iommufd, &args);

	*hwpt = args.out_hwpt_id;
	return rc;
}

/* The bit of the extended capability register that says so (VT-d specification, 11.4.3). */
#define VTD_ECAP_PASID (1ULL << 40)
/* IDR1.SSIDSIZE, how many bits of a PASID it knows (SMMUv3 specification, 6.3.2). */
#define SMMU_IDR1_SSIDSIZE (0x1fU << 6)

/* Does the device's IOMMU know PASIDs? -ENODATA if it doesn't tell. */
static int iommu_has_pasids(const FIXTURE_DATA(none) * self)
{
	union {
		struct iommu_hw_info_vtd vtd;
		struct smmuv3_info smmu;
	} registers;
	struct iommu_hw_info args = {
		.dev_id = self->id,
		.data_len = sizeof(registers),
		.data_uptr = (uintptr_t)&registers,
	};

	cts_require(!__hw_info(self->iommufd, &args), "IOMMU_GET_HW_INFO");
	if (args.out_data_type == IOMMU_HW_INFO_TYPE_INTEL_VTD)
		return !!(registers.vtd.ecap_reg & VTD_ECAP_PASID);
	if (args.out_data_type == HW_INFO_ARM_SMMUV3)
		return !!(registers.smmu.idr[1] & SMMU_IDR1_SSIDSIZE);
	return -ENODATA;
}

CTS_TEST_F(none, table,
	   .title = "An IOMMU that doesn't know PASIDs makes no table for them",
	   .requirements = { "PASID-015" },
	   .needs = CTS_NEED_CDEV)
{
	int knows = iommu_has_pasids(self);
	uint32_t hwpt;

	if (knows < 0)
		CTS_SKIP(IOMMU_LACKS, "the IOMMU doesn't tell whether it knows PASIDs");
	if (knows)
		CTS_SKIP(DEVICE_LACKS,
			 "the IOMMU knows PASIDs, and here one is wanted that doesn't");
	EXPECT_EQ(-EOPNOTSUPP, table(self, &hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(none, device,
	   .title = "No PASID is attached to a device that has none",
	   .requirements = { "PASID-016" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt;

	if (hw_info(self->iommufd, self->id).out_max_pasid_log2)
		CTS_SKIP(DEVICE_LACKS,
			 "the device has PASIDs, and here one is wanted that doesn't");
	if (table(self, &hwpt))
		CTS_SKIP(IOMMU_LACKS, "no table is made for PASIDs");
	EXPECT_NE(0, pasid_attach(self->device, 1, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
}

CTS_MAIN
