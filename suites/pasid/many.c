// SPDX-License-Identifier: GPL-2.0-only
/* Thousands of PASIDs of one device, as a device that is shared by many processes has. */
#include "pasid.h"

#define MANY 4096U

/* The @i-th of MANY PASIDs that lie all over what the device has. */
static uint32_t nth(const FIXTURE_DATA(pasid) * self, uint32_t i)
{
	return FIRST + (uint32_t)((uint64_t)(self->last - FIRST) * i / (MANY - 1));
}

CTS_TEST_F(pasid, many,
	   .title = "Thousands of PASIDs all over the device's are attached, moved and detached, each by itself",
	   .requirements = { "PASID-022", "PASID-024", "PASID-010" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	uint32_t i;

	if (self->last < MANY)
		CTS_SKIP(DEVICE_LACKS, "the device has %u PASIDs", self->last);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, pasid_attach(self->device, nth(self, i), self->able));
	}
	/* All but one leave the table, and then that one. */
	for (i = 0; i < MANY - 1; i++) {
		ASSERT_EQ(0, i % 2 ? pasid_detach(self->device, nth(self, i))
				   : pasid_attach(self->device, nth(self, i), self->other));
	}
	EXPECT_IN_USE(self->able);
	EXPECT_EQ(0, pasid_detach(self->device, nth(self, MANY - 1)));
	EXPECT_UNUSED(self->able);
	/* The other half of them. */
	for (i = 0; i < MANY; i += 2) {
		EXPECT_IN_USE(self->other);
		ASSERT_EQ(0, pasid_detach(self->device, nth(self, i)));
	}
	EXPECT_UNUSED(self->other);
}

CTS_TEST_F(pasid, many_at_the_end,
	   .title = "A file that is closed with thousands of PASIDs attached leaves none",
	   .requirements = { "PASID-019" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	uint32_t i;

	if (self->last < MANY)
		CTS_SKIP(DEVICE_LACKS, "the device has %u PASIDs", self->last);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, pasid_attach(self->device, nth(self, i), self->able));
	}
	cts_close(&self->device);
	EXPECT_UNUSED(self->able);
	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	/* With a PASID still there this would be refused. */
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
}

CTS_MAIN
