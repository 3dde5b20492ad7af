/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that only these tests make, and the simplest questions about what they did. Each returns 0
 * or -errno; -ENOTTY too where the headers that the suite was built with lack the request.
 */
#ifndef IOAS_CALLS_H
#define IOAS_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "iommufd.h"

#define READABLE IOMMU_IOAS_MAP_READABLE
#define WRITEABLE IOMMU_IOAS_MAP_WRITEABLE
#define READ_WRITE (READABLE | WRITEABLE)
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA

/* Any request with an argument of the caller's making, which may be any address. */
static inline int call(int iommufd, unsigned long request, void *args)
{
	return ioctl(iommufd, request, args) ? -errno : 0;
}

/*
 * IOMMU_IOAS_MAP_FILE of @length bytes of @fd from byte @start on, with just the flags @flags.
 * *@iova is the wanted IOVA and becomes the one that the kernel reports.
 */
static inline int map_file(int iommufd, uint32_t ioas, uint32_t flags, int fd, uint64_t start,
			   uint64_t length, uint64_t *iova)
{
#ifdef IOMMU_IOAS_MAP_FILE
	struct iommu_ioas_map_file args = {
		.size = sizeof(args),
		.flags = flags,
		.ioas_id = ioas,
		.fd = fd,
		.start = start,
		.length = length,
		.iova = *iova,
	};
	int rc = call(iommufd, IOMMU_IOAS_MAP_FILE, &args);

	if (!rc)
		*iova = args.iova;
	return rc;
#else
	(void)iommufd, (void)ioas, (void)flags, (void)fd, (void)start, (void)length, (void)iova;
	return -ENOTTY;
#endif
}

/* Does the running kernel lack IOMMU_IOAS_MAP_FILE, or did the headers? One with it finds no IOAS. */
static inline bool lacks_map_file(int iommufd)
{
	uint64_t iova = 0;

	return map_file(iommufd, 0, IOMMU_IOAS_MAP_READABLE, -1, 0, 1, &iova) == -ENOTTY;
}

/* In a setup or a test: skips it where there is no IOMMU_IOAS_MAP_FILE. */
#define MAP_FILE_OR_SKIP(iommufd)                                                 \
	do {                                                                      \
		if (lacks_map_file(iommufd))                                      \
			CTS_SKIP(KERNEL_LACKS, "no IOMMU_IOAS_MAP_FILE, or none " \
					       "in the headers");                 \
	} while (0)

/* IOMMU_OPTION: asks for the value of @option of @object, or sets it. */
static inline int get_option(int iommufd, uint32_t option, uint32_t object, uint64_t *value)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = option,
		.op = IOMMU_OPTION_OP_GET,
		.object_id = object,
	};
	int rc = call(iommufd, IOMMU_OPTION, &args);

	if (!rc)
		*value = args.val64;
	return rc;
}

static inline int set_option(int iommufd, uint32_t option, uint32_t object, uint64_t value)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = option,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = object,
		.val64 = value,
	};

	return call(iommufd, IOMMU_OPTION, &args);
}

/* IOMMU_IOAS_ALLOW_IOVAS of the @count ranges at @ranges, which may be any address. */
static inline int allow(int iommufd, uint32_t ioas, const struct iommu_iova_range *ranges,
			uint32_t count)
{
	struct iommu_ioas_allow_iovas args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return call(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &args);
}

/* IOMMU_IOAS_CHANGE_PROCESS */
static inline int change_process(int iommufd)
{
#ifdef IOMMU_IOAS_CHANGE_PROCESS
	struct iommu_ioas_change_process args = { .size = sizeof(args) };

	return call(iommufd, IOMMU_IOAS_CHANGE_PROCESS, &args);
#else
	(void)iommufd;
	return -ENOTTY;
#endif
}

/* Are just @bytes mapped in @ioas? None are afterwards. */
static inline bool held_just(int iommufd, uint32_t ioas, uint64_t bytes)
{
	uint64_t length = 0;
	int status = __iommufd_unmap_all(iommufd, ioas, &length);

	if (!status && length == bytes)
		return true;
	fprintf(stderr, "# unmapping all: %d, %#llx bytes and not %#llx\n", status,
		(unsigned long long)length, (unsigned long long)bytes);
	return false;
}

/* IOMMU_IOAS_UNMAP of just that range: 0 if it was @length bytes, the errno or what it was else. */
static inline int64_t unmap_exactly(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	uint64_t unmapped = length;
	int status = __iommufd_unmap(iommufd, ioas, iova, &unmapped);

	if (status)
		return status;
	return unmapped == length ? 0 : (int64_t)unmapped;
}

#endif
