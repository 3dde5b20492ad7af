// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arguments of attach and detach when they name a PASID: a word more than without. What is
 * refused attaches and detaches nothing.
 */
#include <stddef.h>

#include "pasid.h"

_Static_assert(sizeof(struct pasid_attach) == 16 && sizeof(struct pasid_detach) == 12,
	       "the layouts with a PASID are ABI");

CTS_TEST_F(pasid, attach_argsz,
	   .title = "Attach with an argsz that doesn't reach behind the PASID ends in EINVAL",
	   .requirements = { "PASID-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct pasid_attach args = { .flags = WITH_PASID, .pt_id = self->able, .pasid = FIRST };

	for (args.argsz = 0; args.argsz < sizeof(args); args.argsz++) {
		EXPECT_EQ(-EINVAL, attach_raw(self->device, &args)) TH_LOG("argsz %u", args.argsz);
	}
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, attach_readable,
	   .title = "Attach needs its argument up to the PASID, and no byte behind it",
	   .requirements = { "PASID-005" },
	   .needs = CTS_NEED_CDEV)
{
	const struct pasid_attach args = { sizeof(args), WITH_PASID, self->able, FIRST };
	char *edge = inaccessible_page();
	size_t readable;

	for (readable = offsetof(struct pasid_attach, pasid); readable < sizeof(args); readable++) {
		memcpy(edge - readable, &args, readable);
		EXPECT_EQ(-EFAULT, attach_raw(self->device, edge - readable))
		TH_LOG("%zu bytes can be read", readable);
	}
	memcpy(edge - sizeof(args), &args, sizeof(args));
	EXPECT_EQ(0, attach_raw(self->device, edge - sizeof(args)));
	EXPECT_IN_USE(self->able);
	EXPECT_EQ(0, pasid_detach(self->device, FIRST));
	EXPECT_UNUSED(self->able);
}

CTS_TEST_F(pasid, detach_argsz,
	   .title = "Detach with an argsz that doesn't reach behind the PASID ends in EINVAL",
	   .requirements = { "PASID-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct pasid_detach args = { .flags = WITH_PASID, .pasid = FIRST };

	vfio_attach(self->device, self->other);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	for (args.argsz = 0; args.argsz < sizeof(args); args.argsz++) {
		EXPECT_EQ(-EINVAL, detach_raw(self->device, &args)) TH_LOG("argsz %u", args.argsz);
	}
	EXPECT_IN_USE(self->able);
	EXPECT_IN_USE(self->other);
}

CTS_TEST_F(pasid, detach_readable,
	   .title = "Detach needs its argument up to the PASID, and no byte behind it",
	   .requirements = { "PASID-005" },
	   .needs = CTS_NEED_CDEV)
{
	const struct pasid_detach args = { sizeof(args), WITH_PASID, FIRST };
	char *edge = inaccessible_page();
	size_t readable;

	vfio_attach(self->device, self->other);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->able));
	for (readable = offsetof(struct pasid_detach, pasid); readable < sizeof(args); readable++) {
		memcpy(edge - readable, &args, readable);
		EXPECT_EQ(-EFAULT, detach_raw(self->device, edge - readable))
		TH_LOG("%zu bytes can be read", readable);
	}
	EXPECT_IN_USE(self->able);
	memcpy(edge - sizeof(args), &args, sizeof(args));
	EXPECT_EQ(0, detach_raw(self->device, edge - sizeof(args)));
	EXPECT_UNUSED(self->able);
	EXPECT_IN_USE(self->other);
}

CTS_TEST_F(pasid, unwritable,
	   .title = "An attach of a PASID whose answer can't be stored is undone",
	   .requirements = { "PASID-012" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EFAULT, pasid_attach_unwritable(self->device, FIRST, self->able));
	EXPECT_UNUSED(self->able);
	EXPECT_EQ(0, pasid_attach(self->device, FIRST, self->other));
}

CTS_TEST_F(pasid, unwritable_beside_the_device,
	   .title = "An attach of a PASID whose answer can't be stored leaves the device attached, and other PASIDs",
	   .requirements = { "PASID-012" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_attach(self->device, self->able);
	ASSERT_EQ(0, pasid_attach(self->device, FIRST, self->other));
	EXPECT_EQ(-EFAULT, pasid_attach_unwritable(self->device, FIRST + 1, self->other));
	EXPECT_IN_USE(self->able);
	EXPECT_IN_USE(self->other);
}

CTS_MAIN
