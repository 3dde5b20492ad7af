// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a PASID is attached to: a table that was made for PASIDs, and nothing else; and which tables
 * the device's own requests, those without PASID (its RID), may have beside it.
 */
#include "pasid.h"
#include "sysfs.h"

CTS_TEST_F(pasid, attaches,
	   .title = "PASIDs from the first to the last are attached, each by itself, and pt_id says to what",
	   .requirements = { "PASID-022", "PASID-013" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t pt = self->other;

	vfio_attach(self->device, self->able);
	ASSERT_EQ(0, __pasid_attach(self->device, FIRST, &pt));
	EXPECT_EQ(self->other, pt);
	EXPECT_EQ(0, pasid_attach(self->device, self->last, self->other));
	EXPECT_EQ(0, pasid_attach(self->device, self->last / 2, self->other));
	EXPECT_IN_USE(self->able);

	/* Each of them is attached: the table is in use until all are gone. */
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_IN_USE(self->other);
	EXPECT_EQ(0, pasid_detach(self->device, self->last));
	EXPECT_IN_USE(self->other);
	EXPECT_EQ(0, pasid_detach(self->device, self->last / 2));
	EXPECT_UNUSED(self->other);
	EXPECT_IN_USE(self->able);
	vfio_detach(self->device);
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, without_the_rid,
	   .title = "A PASID is attached and detached while the device's own requests reach nothing",
	   .requirements = { "PASID-022", "PASID-018" },
	   .needs = CTS_NEED_CDEV)
{
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	EXPECT_IN_USE(self->able);
	/* There is nothing that this could take away. */
	vfio_detach(self->device);
	EXPECT_IN_USE(self->able);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, to_an_ioas,
	   .title = "A PASID is not attached to an IOAS, and no table is left of the attempt",
	   .requirements = { "PASID-002" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);

	EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, ioas));
	EXPECT_UNUSED(ioas);
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	ioas = iommufd_ioas_alloc(self->iommufd);
	EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, ioas));
	EXPECT_UNUSED(ioas);
	EXPECT_IN_USE(self->able);
}

CTS_TEST_F(pasid, to_another_kind_of_table,
	   .title = "A PASID is neither attached nor moved to a table that wasn't made for PASIDs, or to none",
	   .requirements = { "PASID-003", "PASID-024" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, self->plain));
	EXPECT_EQ(-ENOENT, pasid_attach(self->device, FIRST, 0x7ffffff0));
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, self->plain));
	EXPECT_EQ(-ENOENT, pasid_attach(self->device, FIRST, 0x7ffffff0));
	EXPECT_IN_USE(self->able);
	EXPECT_UNUSED(self->plain);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, beside_another_kind_of_table,
	   .title = "No PASID is attached while the device has an IOAS or a table that isn't for PASIDs",
	   .requirements = { "PASID-004" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t wrong[] = { self->ioas, self->plain };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		vfio_attach(self->device, wrong[i]);
		EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, self->able));
		vfio_detach(self->device);
	}
	EXPECT_UNUSED(self->able);
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->other));
}

CTS_TEST_F(pasid, rid_takes_its_kind,
	   .title = "While a PASID is attached the device takes no IOAS and no table that isn't for PASIDs",
	   .requirements = { "PASID-017" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t wrong[] = { self->ioas, self->plain };
	size_t i;

	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, try_attach(self->device, wrong[i]));
	}
	ASSERT_EQ(0, try_attach(self->device, self->able));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, try_attach(self->device, wrong[i]));
	}
	EXPECT_IN_USE(self->able);
	EXPECT_IN_USE(self->other);
	/* The last PASID that goes takes the rule along. */
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_EQ(0, try_attach(self->device, self->plain));
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, beside_a_sibling,
	   .title = "No PASID is attached while another device of the group has an IOAS, and the other way round",
	   .requirements = { "PASID-004", "PASID-017" },
	   .needs = CTS_NEED_CDEV)
{
	char siblings[1][SYSFS_BDF];
	int sibling;

	if (__sysfs_siblings(siblings, 1) < 1)
		CTS_SKIP(GROUP_TOO_SMALL, "no other function of the group has the same driver");
	sibling = vfio_open_function(siblings[0]);
	vfio_bind(sibling, self->iommufd);

	vfio_attach(sibling, self->ioas);
	EXPECT_EQ(-EINVAL, pasid_attach(self->device, FIRST, self->able));
	vfio_detach(sibling);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	EXPECT_EQ(-EINVAL, try_attach(sibling, self->ioas));
	EXPECT_EQ(-EINVAL, try_attach(sibling, self->plain));
	EXPECT_EQ(0, try_attach(sibling, self->other));
	EXPECT_IN_USE(self->able);
	cts_close(&sibling);
	EXPECT_UNUSED(self->other);
}

CTS_TEST_F(pasid, out_of_range,
	   .title = "A PASID that the device doesn't have is refused, and nothing is attached",
	   .requirements = { "PASID-023" },
	   .needs = CTS_NEED_CDEV)
{
	/* The last but one is -EINVAL, for those who keep a PASID and an error in one place. */
	const uint32_t none[] = { self->last + 1, 0x7fffffff, 0x80000000, 0xffffffea, 0xffffffff };
	size_t i;
	int rc;

	if (!self->width)
		CTS_SKIP(DEVICE_LACKS, "the device has no PASIDs");
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		rc = pasid_attach(self->device, none[i], self->able);
		EXPECT_TRUE(rc == -EINVAL || (none[i] > INT32_MAX && rc == -ENOSPC))
		TH_LOG("PASID %#x: %d", none[i], rc);
		EXPECT_EQ(0, pasid_detach(self->device, none[i]));
	}
	EXPECT_UNUSED(self->able);
}

CTS_MAIN
