// SPDX-License-Identifier: GPL-2.0-only
/*
 * The argument of VFIO_DEVICE_BIND_IOMMUFD is an extensible structure (copy_struct_from_user() in
 * include/linux/uaccess.h): its first version ends with out_devid, shorter ones are refused, what a
 * caller leaves out counts as zero, and what the kernel doesn't know must be zero.
 */
#include <stddef.h>

#include "bind.h"
#include "memory.h"

/* Where the first version of the structure ends: behind out_devid. */
#define FIRST_VERSION 16
_Static_assert(offsetof(struct vfio_device_bind_iommufd, out_devid) + sizeof(uint32_t) ==
		       FIRST_VERSION,
	       "the layout of struct vfio_device_bind_iommufd is ABI");

/* A bind argument of @argsz bytes in a guarded page; it ends where the page does if @at_end. */
static void *new_argument(uint32_t argsz, bool at_end, int iommufd)
{
	struct vfio_device_bind_iommufd args = { .argsz = argsz, .iommufd = iommufd };
	char *page = guarded_page();

	if (at_end)
		page += page_size() - argsz;
	return memcpy(page, &args, FIRST_VERSION);
}

/*
 * Kernels before 6.17 know only the first version and never look behind it. Those after it know the
 * token, and go to fetch it.
 */
#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
static bool argument_is_extensible(int device, int iommufd)
{
	struct vfio_device_bind_iommufd args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_BIND_FLAG_TOKEN,
		.iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)inaccessible_page(),
	};

	return __vfio_bind_raw(device, &args) == -EFAULT;
}

#define EXTENSIBLE_OR_SKIP()                                                          \
	do {                                                                          \
		if (!argument_is_extensible(self->device, self->iommufd))             \
			CTS_SKIP(KERNEL_LACKS,                                        \
				 "the bind argument has no version after the first"); \
	} while (0)
#else
#define EXTENSIBLE_OR_SKIP() CTS_SKIP(BUILT_WITHOUT, "VFIO_DEVICE_BIND_FLAG_TOKEN")
#endif

CTS_TEST_F(bind, argument_unreadable,
	   .title = "Bind with an argument that can't be read ends in EFAULT",
	   .requirements = { "BIND-002" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t sizes[] = { FIRST_VERSION, sizeof(struct vfio_device_bind_iommufd) };
	uint32_t *argsz = (uint32_t *)inaccessible_page() - 1;
	size_t i;

	EXPECT_EQ(-EFAULT, __vfio_bind_raw(self->device, NULL));
	EXPECT_EQ(-EFAULT, __vfio_bind_raw(self->device, inaccessible_page()));

	/* argsz can be read, the rest of what it announces can't. */
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		*argsz = sizes[i];
		EXPECT_EQ(-EFAULT, __vfio_bind_raw(self->device, argsz))
		TH_LOG("argsz %u", sizes[i]);
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, argsz_too_small,
	   .title = "Bind with an argsz below the first version's ends in EINVAL",
	   .requirements = { "BIND-003" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t argsz;

	for (argsz = 0; argsz < FIRST_VERSION; argsz++) {
		struct vfio_device_bind_iommufd args = { .argsz = argsz, .iommufd = self->iommufd };

		EXPECT_EQ(-EINVAL, __vfio_bind_raw(self->device, &args)) TH_LOG("argsz %u", argsz);
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, first_version,
	   .title = "Bind takes the first version of its argument and reads no byte behind it",
	   .requirements = { "BIND-004" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_bind_iommufd *args = new_argument(FIRST_VERSION, true, self->iommufd);

	ASSERT_EQ(0, __vfio_bind_raw(self->device, args));
	EXPECT_NE(0, args->out_devid);
}

CTS_TEST_F(bind, between_versions,
	   .title = "Bind takes any argsz between two versions and ignores the bytes behind it",
	   .requirements = { "BIND-004" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t argsz;

	for (argsz = FIRST_VERSION; argsz < FIRST_VERSION + 8; argsz++) {
		char *args = new_argument(argsz, false, self->iommufd);

		memset(args + argsz, 0xff, 64);
		EXPECT_EQ(0, __vfio_bind_raw(self->device, args)) TH_LOG("argsz %u", argsz);
		cts_close(&self->device);
		self->device = vfio_open();
	}
}

CTS_TEST_F(bind, tail_of_zeros,
	   .title = "Bind takes an argument larger than the kernel's if the rest is zero",
	   .requirements = { "BIND-005" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t sizes[] = { 24, 25, 31, 32, 256, 4096 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *args = new_argument(sizes[i], true, self->iommufd);

		EXPECT_EQ(0, __vfio_bind_raw(self->device, args)) TH_LOG("argsz %u", sizes[i]);
		cts_close(&self->device);
		self->device = vfio_open();
	}
}

CTS_TEST_F(bind, tail_not_zero,
	   .title = "Bind with a byte that the kernel doesn't know ends in E2BIG",
	   .requirements = { "BIND-006" },
	   .needs = CTS_NEED_CDEV)
{
	char *args = new_argument(4096, true, self->iommufd);
	size_t i;

	EXTENSIBLE_OR_SKIP();
	/* The running kernel may know more than the headers, but not that much more. */
	for (i = 64; i < 4096; i++) {
		args[i] = 1;
		EXPECT_EQ(-E2BIG, __vfio_bind_raw(self->device, args)) TH_LOG("byte %zu", i);
		args[i] = 0;
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, tail_unreadable,
	   .title = "Bind with an argsz that goes beyond readable memory ends in EFAULT",
	   .requirements = { "BIND-007" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t sizes[] = { 4097, 65536, 0x7fffffff, 0x80000000, 0xffffffff };
	struct vfio_device_bind_iommufd *args = new_argument(4096, true, self->iommufd);
	size_t i;

	EXTENSIBLE_OR_SKIP();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		args->argsz = sizes[i];
		EXPECT_EQ(-EFAULT, __vfio_bind_raw(self->device, args))
		TH_LOG("argsz %#x", sizes[i]);
	}
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, unknown_flags,
	   .title = "Bind with a flag that doesn't exist ends in EINVAL",
	   .requirements = { "BIND-008" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = self->iommufd };
	unsigned int bit;

	/* The running kernel may know more flags than VFIO_DEVICE_BIND_FLAG_TOKEN, bit 0. */
	for (bit = 16; bit < 32; bit++) {
		args.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, __vfio_bind_raw(self->device, &args))
		TH_LOG("flag %#x", args.flags);
	}
	args.flags = 0xffff0000;
	EXPECT_EQ(-EINVAL, __vfio_bind_raw(self->device, &args));
	EXPECT_EQ(0, args.out_devid);
	EXPECT_BINDABLE();
}

CTS_MAIN
