// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that /dev/iommu doesn't know are ENOTTY, which is how a program learns what a kernel
 * has: numbers that no call has, and those of a call with another type, size or direction.
 */
#include <unistd.h>

#include "calls.h"

/* All that any call takes, zeroed but for the size. */
static int call_by_number(int iommufd, unsigned long request)
{
	union arguments arguments = { .size = sizeof(arguments) };

	return ioctl(iommufd, request, &arguments) ? -errno : 0;
}

FIXTURE(number)
{
	int iommufd;
	uint32_t next;
};

FIXTURE_SETUP(number)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(number)
{
	cts_close(&self->iommufd);
}

/* Numbers without a call: below the first but for VFIO's, and far above the last. */
CTS_TEST_F(number, unused,
	   .title = "A number that no call has is ENOTTY",
	   .requirements = { "ABI-005" },
	   .needs = CTS_NEED_IOMMUFD)
{
	static const unsigned int numbers[] = { 0, 1, 0x63, 0x7e, 0x7f, 0xc0, 0xf0, 0xff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-ENOTTY, call_by_number(self->iommufd, _IO(IOMMUFD_TYPE, numbers[i])))
		TH_LOG("number %#x", numbers[i]);
	}
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
}

/* IOMMU_IOAS_ALLOC would make an object, so that one would be seen. */
CTS_TEST_F(number, otherwise_written,
	   .title = "A call's number with another type, size or direction is ENOTTY",
	   .requirements = { "ABI-005" },
	   .needs = CTS_NEED_IOMMUFD)
{
	static const unsigned long requests[] = {
		_IO('x', IOMMUFD_CMD_IOAS_ALLOC),
		_IO(0, IOMMUFD_CMD_IOAS_ALLOC),
		_IOR(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC, struct iommu_ioas_alloc),
		_IOW(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC, struct iommu_ioas_alloc),
		_IOWR(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC, struct iommu_ioas_alloc),
		_IOWR(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC, int),
	};
	struct iommu_ioas_alloc args;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		args = (struct iommu_ioas_alloc){ .size = sizeof(args) };
		EXPECT_NE(0, ioctl(self->iommufd, requests[i], &args));
		EXPECT_EQ(ENOTTY, errno)
		TH_LOG("request %#lx", requests[i]);
		EXPECT_EQ(0, args.out_ioas_id);
	}
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
	args = (struct iommu_ioas_alloc){ .size = sizeof(args) };
	EXPECT_EQ(0, ioctl(self->iommufd, IOMMU_IOAS_ALLOC, &args));
}

CTS_TEST_F(number, no_file,
	   .title = "/dev/iommu is no file to read or write",
	   .requirements = { "ABI-014" },
	   .needs = CTS_NEED_IOMMUFD)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->iommufd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->iommufd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
}

CTS_MAIN
