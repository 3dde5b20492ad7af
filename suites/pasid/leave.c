// SPDX-License-Identifier: GPL-2.0-only
/* How a PASID comes off its table: by another attach, by detach, and with the device's file. */
#include "pasid.h"

CTS_TEST_F(pasid, replace,
	   .title = "Attach of an attached PASID moves it, and the table that it left is free",
	   .requirements = { "PASID-024" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t pt = self->other;

	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	ASSERT_EQ(0, __pasid_attach(self->device, FIRST, &pt));
	EXPECT_EQ(self->other, pt);
	EXPECT_UNUSED(self->able);
	EXPECT_IN_USE(self->other);
	/* To where it is already. */
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	EXPECT_IN_USE(self->other);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_UNUSED(self->other);
}

CTS_TEST_F(pasid, replace_one,
	   .title = "A PASID that moves takes neither another PASID along nor the device's own requests",
	   .requirements = { "PASID-024", "PASID-022" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t third;

	PASID_TABLE_OR_SKIP(self, &third);
	vfio_attach(self->device, self->able);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	ASSERT_EQ(0, pasid_attach(self->device, FIRST + 1, self->other));
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, third));
	EXPECT_IN_USE(self->able);
	EXPECT_IN_USE(self->other);
	EXPECT_IN_USE(third);
	/* And the device's own requests move alone. */
	ASSERT_EQ(0, try_attach(self->device, third));
	EXPECT_UNUSED(self->able);
	EXPECT_IN_USE(self->other);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_IN_USE(third);
}

CTS_TEST_F(pasid, one_detaches,
	   .title = "Detach takes one PASID off, and the rest stays; one that isn't attached is no error",
	   .requirements = { "PASID-010" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t third;

	PASID_TABLE_OR_SKIP(self, &third);
	vfio_attach(self->device, self->able);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	ASSERT_EQ(0, pasid_attach(self->device, FIRST + 1, third));

	EXPECT_EQ(0, pasid_detach(self->device, FIRST + 2));
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_UNUSED(self->other);
	EXPECT_IN_USE(third);
	EXPECT_IN_USE(self->able);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_IN_USE(third);
	EXPECT_IN_USE(self->able);
	/* And it can come back. */
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->able));
}

CTS_TEST_F(pasid, detach_of_the_device,
	   .title = "A detach without PASID takes the device's own requests off and no PASID",
	   .requirements = { "PASID-018" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_attach(self->device, self->able);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	ASSERT_EQ(0, pasid_attach(self->device, self->last, self->other));
	vfio_detach(self->device);
	EXPECT_UNUSED(self->able);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_IN_USE(self->other);
	EXPECT_EQ(0, pasid_detach(self->device, self->last));
	EXPECT_UNUSED(self->other);
}

CTS_TEST_F(pasid, close,
	   .title = "The last close takes every PASID off, and the next user finds none attached",
	   .requirements = { "PASID-019" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t pasid;

	vfio_attach(self->device, self->able);
	for (pasid = FIRST; pasid < FIRST + 8; pasid++) {
		ASSERT_EQ(0, pasid_attach(self->device, pasid, self->other));
	}
	ASSERT_EQ(0, pasid_attach(self->device, self->last, self->other));
	cts_close(&self->device);
	EXPECT_UNUSED(self->other);
	EXPECT_UNUSED(self->able);

	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	/* With a PASID still there this would be refused. */
	EXPECT_EQ(0, try_attach(self->device, self->plain));
	vfio_detach(self->device);
	PASID_TABLE_OR_SKIP(self, &self->able);
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	EXPECT_EQ(0, pasid_attach(self->device, self->last, self->able));
}

CTS_MAIN
