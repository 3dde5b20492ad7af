// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument of VFIO_DEVICE_DETACH_IOMMUFD_PT: two words, argsz and flags. A detach that is
 * refused leaves the device attached.
 */
#include <stddef.h>

#include "attach.h"

/* Where the part that is always there ends: behind flags. */
#define FIRST_VERSION 8
_Static_assert(offsetof(struct vfio_device_detach_iommufd_pt, flags) + sizeof(uint32_t) ==
		       FIRST_VERSION,
	       "the layout of struct vfio_device_detach_iommufd_pt is ABI");

CTS_TEST_F(attach, argument_unreadable,
	   .title = "Detach with an argument that can't be read ends in EFAULT",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t first[] = { FIRST_VERSION, 0 };
	char *edge = inaccessible_page();
	size_t readable;

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EFAULT, detach_raw(self->device, NULL));
	for (readable = 0; readable < FIRST_VERSION; readable++) {
		memcpy(edge - readable, first, readable);
		EXPECT_EQ(-EFAULT, detach_raw(self->device, edge - readable))
		TH_LOG("%zu bytes can be read", readable);
	}
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, argsz_too_small,
	   .title = "Detach with an argsz that doesn't reach behind flags ends in EINVAL",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_detach_iommufd_pt args = { 0 };

	vfio_attach(self->device, self->ioas);
	for (args.argsz = 0; args.argsz < FIRST_VERSION; args.argsz++) {
		EXPECT_EQ(-EINVAL, detach_raw(self->device, &args))
		TH_LOG("argsz %u", args.argsz);
	}
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, first_version,
	   .title = "Detach takes an argument that ends behind flags and needs no byte more",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t first[] = { FIRST_VERSION, 0 };
	char *args = (char *)inaccessible_page() - FIRST_VERSION;

	vfio_attach(self->device, self->ioas);
	memcpy(args, first, FIRST_VERSION);
	EXPECT_EQ(0, detach_raw(self->device, args));
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, tail_ignored,
	   .title = "Detach takes any larger argsz, ignores what is behind flags and writes nothing",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t sizes[] = { 9, 12, 13, 4096, 0x80000000, 0xffffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t args[64], before[64];

		memset(args, 0xff, sizeof(args));
		args[0] = sizes[i];
		args[1] = 0;
		memcpy(before, args, sizeof(args));
		vfio_attach(self->device, self->ioas);
		EXPECT_EQ(0, detach_raw(self->device, args)) TH_LOG("argsz %#x", sizes[i]);
		EXPECT_EQ(0, memcmp(before, args, sizeof(args)));
	}
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, unknown_flags,
	   .title = "Detach with a flag that doesn't exist ends in EINVAL and detaches nothing",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_detach_iommufd_pt args = { .argsz = sizeof(args) };
	unsigned int bit;

	vfio_attach(self->device, self->ioas);
	/* The running kernel may know more flags than VFIO_DEVICE_DETACH_PASID, bit 0. */
	for (bit = 16; bit < 32; bit++) {
		args.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, detach_raw(self->device, &args))
		TH_LOG("flag %#x", args.flags);
	}
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, read_only_argument,
	   .title = "Detach takes an argument that can't be written",
	   .requirements = { "DET-003" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t first[] = { FIRST_VERSION, 0 };

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(0, detach_raw(self->device, read_only_page(first, sizeof(first))));
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, not_attached,
	   .title = "Detach of a device that isn't attached succeeds and changes nothing",
	   .requirements = { "DET-002" },
	   .needs = CTS_NEED_CDEV)
{
	uint64_t before = iommufd_usable_bytes(self->iommufd, self->ioas, 0, UINT64_MAX - 1);

	EXPECT_EQ(0, __vfio_detach(self->device));
	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(before, iommufd_usable_bytes(self->iommufd, self->ioas, 0, UINT64_MAX - 1));
	EXPECT_EQ(0, __iommufd_hw_info(self->iommufd, self->id));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_IN_USE(self->ioas);
}

CTS_MAIN
