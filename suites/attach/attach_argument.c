// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument of VFIO_DEVICE_ATTACH_IOMMUFD_PT: three words, argsz, flags and pt_id, and a fourth
 * that only a flag makes the kernel look at. Unlike bind's it does not grow: what lies behind is
 * the caller's.
 */
#include <stddef.h>

#include "attach.h"

/* Where the part that is always there ends: behind pt_id. */
#define FIRST_VERSION 12
_Static_assert(offsetof(struct vfio_device_attach_iommufd_pt, pt_id) + sizeof(uint32_t) ==
		       FIRST_VERSION,
	       "the layout of struct vfio_device_attach_iommufd_pt is ABI");

CTS_TEST_F(attach, argument_unreadable,
	   .title = "Attach with an argument that can't be read ends in EFAULT",
	   .requirements = { "ATT-004" },
	   .needs = CTS_NEED_CDEV)
{
	char *edge = inaccessible_page();
	uint32_t first[] = { FIRST_VERSION, 0, self->ioas };
	size_t readable;

	EXPECT_EQ(-EFAULT, attach_raw(self->device, NULL));
	for (readable = 0; readable < FIRST_VERSION; readable++) {
		memcpy(edge - readable, first, readable);
		EXPECT_EQ(-EFAULT, attach_raw(self->device, edge - readable))
		TH_LOG("%zu bytes can be read", readable);
	}
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, argsz_too_small,
	   .title = "Attach with an argsz that doesn't reach behind pt_id ends in EINVAL",
	   .requirements = { "ATT-004" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_attach_iommufd_pt args = { .pt_id = self->ioas };

	for (args.argsz = 0; args.argsz < FIRST_VERSION; args.argsz++) {
		EXPECT_EQ(-EINVAL, attach_raw(self->device, &args))
		TH_LOG("argsz %u", args.argsz);
	}
	EXPECT_EQ(self->ioas, args.pt_id);
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, first_version,
	   .title = "Attach takes an argument that ends behind pt_id and needs no byte more",
	   .requirements = { "ATT-004" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t first[] = { FIRST_VERSION, 0, self->ioas };
	char *args = (char *)inaccessible_page() - FIRST_VERSION;

	memcpy(args, first, FIRST_VERSION);
	ASSERT_EQ(0, attach_raw(self->device, args));
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, tail_ignored,
	   .title = "Attach takes any larger argsz and ignores what is behind pt_id",
	   .requirements = { "ATT-004" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t sizes[] = { 13, 16, 17, 4096, 0x80000000, 0xffffffff };
	uint32_t *args = guarded_page();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(args, 0xff, page_size());
		args[0] = sizes[i];
		args[1] = 0;
		args[2] = self->ioas;
		EXPECT_EQ(0, attach_raw(self->device, args)) TH_LOG("argsz %#x", sizes[i]);
		EXPECT_EQ(0xffffffff, args[3]);
		vfio_detach(self->device);
	}
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, writes_pt_id_only,
	   .title = "Of its argument attach changes pt_id and nothing else",
	   .requirements = { "ATT-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = sizeof(args),
		.pt_id = self->ioas,
#ifdef VFIO_DEVICE_ATTACH_PASID
		.pasid = 0x5a5a5a5a,
#endif
	};

	ASSERT_EQ(0, attach_raw(self->device, &args));
	EXPECT_EQ(sizeof(args), args.argsz);
	EXPECT_EQ(0, args.flags);
	EXPECT_NE(self->ioas, args.pt_id);
#ifdef VFIO_DEVICE_ATTACH_PASID
	EXPECT_EQ(0x5a5a5a5a, args.pasid);
#endif
}

/* The running kernel may know more flags than VFIO_DEVICE_ATTACH_PASID, bit 0. */
CTS_TEST_F(attach, unknown_flags,
	   .title = "Attach with a flag that doesn't exist ends in EINVAL and attaches nothing",
	   .requirements = { "ATT-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_attach_iommufd_pt args = { .argsz = sizeof(args), .pt_id = self->ioas };
	unsigned int bit;

	for (bit = 16; bit < 32; bit++) {
		args.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, attach_raw(self->device, &args))
		TH_LOG("flag %#x", args.flags);
	}
	EXPECT_EQ(self->ioas, args.pt_id);
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, unknown_flags_replace_nothing,
	   .title = "Attach with a flag that doesn't exist leaves the device where it was attached",
	   .requirements = { "ATT-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = sizeof(args),
		.flags = 1U << 31,
		.pt_id = self->other_ioas,
	};

	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EINVAL, attach_raw(self->device, &args));
	EXPECT_IN_USE(self->ioas);
	EXPECT_UNUSED(self->other_ioas);
}

CTS_TEST_F(attach, unwritable_attaches_nothing,
	   .title = "A first attach whose pt_id can't be stored ends in EFAULT and detached",
	   .requirements = { "ATT-016" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EFAULT, attach_unwritable(self->device, self->ioas));
	EXPECT_UNUSED(self->ioas);
	EXPECT_EQ(0, try_attach(self->device, self->other_ioas));
}

CTS_MAIN
