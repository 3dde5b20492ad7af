/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Users of an IOAS within the kernel, which the drivers of emulated (mediated) devices are: they
 * pin and copy what is mapped there themselves. Here it is the mock's: it pins what it is told to,
 * and lets go when an unmap asks it. A call returns 0 or -errno, -EOPNOTSUPP where the kernel has
 * no mock.
 */
#ifndef IOAS_KERNEL_USER_H
#define IOAS_KERNEL_USER_H

#include <stdlib.h>
#include <sys/ioctl.h>

#include "buffer.h"
#include "calls.h"
#include "memory.h"
#include "mock.h"
#include "test.h"

/* The lowest IOVA that a mock table has; for the tests without a table any is good. */
#define IOVA ((uint64_t)MOCK_APERTURE_START)
/* Each a mapping of its own. */
#define MAPPINGS 4

static inline int user_command(int iommufd, struct iommu_test_cmd *args)
{
	args->size = sizeof(*args);
	return ioctl(iommufd, IOMMU_TEST_CMD, args) ? -errno : 0;
}

/* A user of @ioas that pins, or one that only copies; the caller closes *@user, its file. */
static inline int __user_open(int iommufd, uint32_t ioas, bool pins, int *user)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_CREATE_ACCESS,
		.id = ioas,
		.create_access = { .flags = pins ? MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES : 0 },
	};
	int rc = user_command(iommufd, &args);

	if (!rc)
		*user = (int)args.create_access.out_access_fd;
	return rc;
}

static inline int user_open(int iommufd, uint32_t ioas, bool pins)
{
	int user = -1;

	cts_require(!__user_open(iommufd, ioas, pins, &user), "a user of IOAS %u", ioas);
	return user;
}

/* Moves it to @ioas. */
static inline int user_move(int iommufd, int user, uint32_t ioas)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_ACCESS_REPLACE_IOAS,
		.id = (uint32_t)user,
		.access_replace_ioas = { .ioas_id = ioas },
	};

	return user_command(iommufd, &args);
}

/*
 * It pins [@iova, @iova + @length), to write or to read; *@pin names that then. -EINVAL too if what
 * it is given are not the pages of @memory.
 */
static inline int user_pin(int iommufd, int user, uint64_t iova, uint64_t length, bool to_write,
			   const void *memory, uint32_t *pin)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_ACCESS_PAGES,
		.id = (uint32_t)user,
		.access_pages = {
			.flags = to_write ? MOCK_FLAGS_ACCESS_WRITE : 0,
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)memory,
		},
	};
	int rc = user_command(iommufd, &args);

	if (pin)
		*pin = args.access_pages.out_access_pages_id;
	return rc;
}

/* It lets go of @pin; -ENOENT if it has already. */
static inline int user_unpin(int iommufd, int user, uint32_t pin)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_DESTROY_ACCESS_PAGES,
		.id = (uint32_t)user,
		.destroy_access_pages = { .access_pages_id = pin },
	};

	return user_command(iommufd, &args);
}

/* It copies @length bytes at @iova to @bytes, or the other way: @flags are MOCK_ACCESS_RW_*. */
static inline int user_copy(int iommufd, int user, uint64_t iova, void *bytes, uint64_t length,
			    uint32_t flags)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_ACCESS_RW,
		.id = (uint32_t)user,
		.access_rw = {
			.iova = iova,
			.length = length,
			.uptr = (uintptr_t)bytes,
			.flags = flags,
		},
	};

	return user_command(iommufd, &args);
}

/*
 * MAPPINGS pages of memory, mapped one by one from IOVA on. With a table, of a mock device that is
 * attached to the IOAS, they are pinned for that too.
 */
FIXTURE(user)
{
	int iommufd;
	uint32_t ioas;
	size_t page;
	struct mock mock;
	struct buffer buffer;
	char *memory;
	int user; /* pins */
};

FIXTURE_VARIANT(user)
{
	bool table;
};

FIXTURE_VARIANT_ADD(user, without_a_table)
{
	.table = false,
};

FIXTURE_VARIANT_ADD(user, with_a_table)
{
	.table = true,
};

FIXTURE_SETUP(user)
{
	size_t i;

	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	if (variant->table)
		mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &self->mock);
	self->page = page_size();
	buffer_alloc(&self->buffer, BUFFER_BASE, MAPPINGS * self->page);
	self->memory = self->buffer.memory;
	for (i = 0; i < MAPPINGS; i++)
		iommufd_map(self->iommufd, self->ioas, self->memory + i * self->page, self->page,
			    IOVA + i * self->page);
	self->user = user_open(self->iommufd, self->ioas, true);
}

FIXTURE_TEARDOWN(user)
{
	cts_close(&self->user);
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

#endif
