// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested tables for PASIDs, on a parent and of a vIOMMU: what a guest's processes have their
 * addresses translated by. They are made for PASIDs or not, as other tables are.
 */
#include "nesting.h"

#define PASID 3

FIXTURE(pasid)
{
	NESTING_FIELDS;
	struct mock wide;     /* a device with PASIDs */
	uint32_t able, plain; /* nested tables, for PASIDs and not */
};

FIXTURE_VARIANT(pasid)
{
	bool by_viommu;
};

FIXTURE_VARIANT_ADD(pasid, on_a_parent)
{
	.by_viommu = false,
};

FIXTURE_VARIANT_ADD(pasid, of_a_viommu)
{
	.by_viommu = true,
};

FIXTURE_SETUP(pasid)
{
	uint32_t on;

	NESTING_SETUP_OR_SKIP(self);
	if (__mock_open(self->iommufd, self->home, MOCK_PASID, &self->wide))
		CTS_SKIP(NO_TEST_SUPPORT, "mock devices with PASIDs");
	on = self->parent;
	if (variant->by_viommu) {
		VIOMMU_OR_SKIP(self->iommufd, &self->wide, self->parent, &on);
		vdevice_alloc(self->iommufd, on, &self->wide, 1);
	}
	ASSERT_EQ(0,
		  __nested_alloc(self->iommufd, &self->wide, on, HWPT_ALLOC_PASID, 1, &self->able));
	ASSERT_EQ(0, __nested_alloc(self->iommufd, &self->wide, on, 0, 1, &self->plain));
}

/* The mock lets its device go with PASIDs attached, and the kernel warns of that. */
FIXTURE_TEARDOWN(pasid)
{
	mock_pasid_detach(self->iommufd, &self->wide, PASID);
	cts_close(&self->iommufd);
}

CTS_TEST_F(pasid, takes_nested_tables,
	   .title = "A PASID is attached to a nested table that was made for PASIDs, which is EBUSY then, and moved to and from it",
	   .requirements = { "PASID-001", "PASID-009", "NEST-001", "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t paging =
		hwpt_alloc(self->iommufd, self->wide.device, self->ioas, HWPT_ALLOC_PASID);

	mock_replace(self->iommufd, &self->wide, paging);
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->wide, PASID, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->wide, PASID, self->able));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->able));
	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &self->wide, PASID, paging));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->wide, PASID, paging));
	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &self->wide, PASID, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->wide, PASID, self->able));
	mock_pasid_detach(self->iommufd, &self->wide, PASID);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->able));
}

CTS_TEST_F(pasid, not_made_for_pasids,
	   .title = "A nested table that wasn't made for PASIDs is EINVAL for one, and for the device beside one",
	   .requirements = { "HWPT-007" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t paging =
		hwpt_alloc(self->iommufd, self->wide.device, self->ioas, HWPT_ALLOC_PASID);

	mock_replace(self->iommufd, &self->wide, self->plain);
	EXPECT_EQ(-EINVAL, __mock_pasid_attach(self->iommufd, &self->wide, PASID, paging));
	mock_replace(self->iommufd, &self->wide, self->able);
	EXPECT_EQ(-EINVAL, __mock_pasid_attach(self->iommufd, &self->wide, PASID, self->plain));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->wide, PASID, 0));
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->wide, PASID, paging));
	EXPECT_EQ(-EINVAL, __mock_pasid_replace(self->iommufd, &self->wide, PASID, self->plain));
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &self->wide, self->plain, NULL));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->wide, PASID, paging));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->able));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->plain));
}

CTS_MAIN
