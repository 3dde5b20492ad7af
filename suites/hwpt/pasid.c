// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables for PASIDs: a table must have been made for them (IOMMU_HWPT_ALLOC_PASID), and so must the
 * one of the device's own accesses beside it. Each PASID has its table by itself.
 */
#include "hwpt.h"
#include "iommufd.h"
#include "mock.h"
#include "test.h"

#define FIRST 1
#define LAST ((1U << MOCK_PASID_BITS) - 1)

FIXTURE(pasid)
{
	int iommufd;
	uint32_t ioas;
	struct mock mock;
	uint32_t able, other, plain; /* tables: two for PASIDs, one not */
};

FIXTURE_SETUP(pasid)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	if (__mock_open(self->iommufd, self->ioas, MOCK_PASID, &self->mock))
		CTS_SKIP(NO_TEST_SUPPORT, "mock devices with PASIDs");
	self->able = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, HWPT_ALLOC_PASID);
	self->other = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, HWPT_ALLOC_PASID);
	self->plain = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	mock_replace(self->iommufd, &self->mock, self->able);
}

/* The mock lets its device go with PASIDs attached, and the kernel warns of that. */
FIXTURE_TEARDOWN(pasid)
{
	mock_pasid_detach(self->iommufd, &self->mock, FIRST);
	mock_pasid_detach(self->iommufd, &self->mock, LAST);
#ifdef IOMMU_TEST_PASID_RESERVED
	mock_pasid_detach(self->iommufd, &self->mock, IOMMU_TEST_PASID_RESERVED);
#endif
	cts_close(&self->iommufd);
}

CTS_TEST_F(pasid, attach_replace_detach,
	   .title = "A PASID is attached, moved and detached by itself",
	   .requirements = { "PASID-001", "PASID-009" },
	   .needs = CTS_NEED_MOCK)
{
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, LAST, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, LAST, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST + 1, 0));

	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &self->mock, FIRST, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, self->able));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other));

	mock_pasid_detach(self->iommufd, &self->mock, FIRST);
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, 0));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, LAST, self->able));
}

CTS_TEST_F(pasid, table_not_for_pasids,
	   .title = "A PASID can't have a table that wasn't made for PASIDs, nor an IOAS",
	   .requirements = { "HWPT-007" },
	   .needs = CTS_NEED_MOCK)
{
	EXPECT_EQ(-EINVAL, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->plain));
	EXPECT_EQ(-EINVAL, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->ioas));
	EXPECT_EQ(-ENOENT, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, 0x7ffffff0));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, 0));

	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(-EINVAL, __mock_pasid_replace(self->iommufd, &self->mock, FIRST, self->plain));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->plain));
}

CTS_TEST_F(pasid, beside_the_device,
	   .title = "The device's own table must be one for PASIDs before and while a PASID is attached",
	   .requirements = { "HWPT-007" },
	   .needs = CTS_NEED_MOCK)
{
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &self->mock, self->plain, NULL));
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &self->mock, self->ioas, NULL));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->able));

	mock_pasid_detach(self->iommufd, &self->mock, FIRST);
	EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, self->plain, NULL));
	EXPECT_EQ(-EINVAL, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, 0));
}

CTS_TEST_F(pasid, busy,
	   .title = "A table that only a PASID uses can't be destroyed",
	   .requirements = { "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->other));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, self->other));
	mock_pasid_detach(self->iommufd, &self->mock, FIRST);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other));
}

CTS_TEST_F(pasid, attached_already,
	   .title = "An attached PASID isn't attached again, and one that is not isn't moved",
	   .requirements = { "PASID-001" },
	   .needs = CTS_NEED_MOCK)
{
	EXPECT_EQ(-EINVAL, __mock_pasid_replace(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, 0));
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(-EBUSY, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->other));
	EXPECT_EQ(-EBUSY, __mock_pasid_attach(self->iommufd, &self->mock, FIRST, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, FIRST, self->other));
	mock_pasid_detach(self->iommufd, &self->mock, FIRST);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other));
}

CTS_TEST_F(pasid, out_of_range,
	   .title = "A PASID that is wider than the device's is EINVAL",
	   .requirements = { "PASID-007" },
	   .needs = CTS_NEED_MOCK)
{
	static const uint32_t wide[] = { LAST + 1, 1U << 24, 0xfffffffe };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wide); i++) {
		EXPECT_EQ(-EINVAL,
			  __mock_pasid_attach(self->iommufd, &self->mock, wide[i], self->other))
		TH_LOG("PASID %#x", wide[i]);
	}
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other));
}

CTS_TEST_F(pasid, refused_by_the_driver,
	   .title = "A PASID stays with its table when the driver refuses another",
	   .requirements = { "HWPT-011", "PASID-009" },
	   .needs = CTS_NEED_MOCK)
{
#ifdef IOMMU_TEST_PASID_RESERVED
	/* Of this PASID the mock refuses every second table. */
	const uint32_t pasid = IOMMU_TEST_PASID_RESERVED;

	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &self->mock, pasid, self->other));
	EXPECT_EQ(-ENOMEM, __mock_pasid_replace(self->iommufd, &self->mock, pasid, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, pasid, self->other));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->other));
	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &self->mock, pasid, self->able));
	EXPECT_TRUE(mock_pasid_uses(self->iommufd, &self->mock, pasid, self->able));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->other));
#else
	CTS_SKIP(BUILT_WITHOUT, "PASIDs of the mock");
#endif
}

CTS_MAIN
