// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tables the device's own IOMMU has. Each flag gives one that the device can be attached to,
 * or EOPNOTSUPP: then nothing was made. What IOMMU_GET_HW_INFO tells agrees with it.
 */
#include "bound.h"

FIXTURE_VARIANT(bound)
{
	uint32_t flags;
};

#define FLAGS(name, bits)                \
	FIXTURE_VARIANT_ADD(bound, name) \
	{                                \
		.flags = bits,           \
	}

FLAGS(none, 0);
FLAGS(nest_parent, IOMMU_HWPT_ALLOC_NEST_PARENT);
FLAGS(dirty_tracking, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
FLAGS(pasid, HWPT_ALLOC_PASID);
FLAGS(nest_parent_dirty, IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
FLAGS(all, IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | HWPT_ALLOC_PASID);

CTS_TEST_F(bound, works_or_not,
	   .title = "A table with the flag is made and can be attached to, or it is EOPNOTSUPP and nothing is left",
	   .requirements = { "HWPT-004", "HWPT-006" },
	   .needs = CTS_NEED_CDEV)
{
	struct iommu_hwpt_alloc args = {
		.flags = variant->flags,
		.dev_id = self->id,
		.pt_id = self->ioas,
	};
	int rc = __hwpt_alloc(self->iommufd, &args);

	if (rc) {
		EXPECT_NE(0, variant->flags);
		EXPECT_EQ(-EOPNOTSUPP, rc);
	} else {
		uint32_t pt = args.out_hwpt_id;

		EXPECT_EQ(0, __vfio_attach(self->device, &pt));
		EXPECT_EQ(args.out_hwpt_id, pt);
		EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, args.out_hwpt_id));
		EXPECT_EQ(0, __vfio_detach(self->device));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, args.out_hwpt_id));
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, beside_unknown,
	   .title = "Beside a flag without a meaning it is EOPNOTSUPP",
	   .requirements = { "HWPT-004" },
	   .needs = CTS_NEED_CDEV)
{
	struct iommu_hwpt_alloc args;
	uint32_t bit;

	for (bit = 1U << 4; bit; bit <<= 1) {
		args = (struct iommu_hwpt_alloc){
			.flags = variant->flags | bit,
			.dev_id = self->id,
			.pt_id = self->ioas,
		};
		EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc(self->iommufd, &args))
		TH_LOG("flags %#x", args.flags);
	}
	EXPECT_NOTHING_LEFT();
}

CTS_TEST_F(bound, dirty_as_told,
	   .title = "Dirty tracking works exactly where the capability is told",
	   .requirements = { "HWPT-005", "DIRTY-001" },
	   .needs = CTS_NEED_CDEV)
{
	const bool told = hw_info(self->iommufd, self->id).out_capabilities &
			  IOMMU_HW_CAP_DIRTY_TRACKING;
	struct iommu_hwpt_alloc args = {
		.flags = variant->flags,
		.dev_id = self->id,
		.pt_id = self->ioas,
	};
	bool wanted = variant->flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	int rc = __hwpt_alloc(self->iommufd, &args);

	if (wanted && !told) {
		EXPECT_EQ(-EOPNOTSUPP, rc);
	} else if (variant->flags == IOMMU_HWPT_ALLOC_DIRTY_TRACKING) {
		EXPECT_EQ(0, rc);
	}
	if (!rc) {
		EXPECT_EQ(wanted ? 0 : -EOPNOTSUPP,
			  __dirty_tracking(self->iommufd, args.out_hwpt_id, true));
	}
}

CTS_MAIN
