// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "check.h"
#include "iommufd.h"
#include "iova.h"
#include "sysfs.h"

int iommufd_open(void)
{
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	cts_require(iommufd >= 0, "open /dev/iommu");
	return iommufd;
}

int __iommufd_ioas_alloc(int iommufd, uint32_t *ioas)
{
	struct iommu_ioas_alloc args = { .size = sizeof(args) };

	if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &args))
		return -errno;
	*ioas = args.out_ioas_id;
	return 0;
}

uint32_t iommufd_ioas_alloc(int iommufd)
{
	uint32_t ioas = 0;

	cts_require(!__iommufd_ioas_alloc(iommufd, &ioas), "IOMMU_IOAS_ALLOC");
	return ioas;
}

int __iommufd_destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy args = { .size = sizeof(args), .id = id };

	return ioctl(iommufd, IOMMU_DESTROY, &args) ? -errno : 0;
}

void iommufd_destroy(int iommufd, uint32_t id)
{
	cts_require(!__iommufd_destroy(iommufd, id), "IOMMU_DESTROY of %u", id);
}

int __iommufd_map_flags(int iommufd, uint32_t ioas, uint32_t flags, const void *memory,
			size_t length, uint64_t *iova)
{
	struct iommu_ioas_map args = {
		.size = sizeof(args),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = *iova,
	};

	if (ioctl(iommufd, IOMMU_IOAS_MAP, &args))
		return -errno;
	*iova = args.iova;
	return 0;
}

void iommufd_map_access(int iommufd, uint32_t ioas, uint32_t access, const void *memory,
			size_t length, uint64_t iova)
{
	cts_require(!__iommufd_map_flags(iommufd, ioas, access | IOMMU_IOAS_MAP_FIXED_IOVA, memory,
					 length, &iova),
		    "IOMMU_IOAS_MAP of %zu bytes at IOVA %#llx", length, (unsigned long long)iova);
}

#define READ_WRITE (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)

int __iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	return __iommufd_map_flags(iommufd, ioas, IOMMU_IOAS_MAP_FIXED_IOVA | READ_WRITE, memory,
				   length, &iova);
}

void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	iommufd_map_access(iommufd, ioas, READ_WRITE, memory, length, iova);
}

int __iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length)
{
	struct iommu_ioas_unmap args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.iova = iova,
		.length = *length,
	};

	if (ioctl(iommufd, IOMMU_IOAS_UNMAP, &args))
		return -errno;
	*length = args.length;
	return 0;
}

void iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	uint64_t unmapped = length;

	cts_require(!__iommufd_unmap(iommufd, ioas, iova, &unmapped) && unmapped == length,
		    "IOMMU_IOAS_UNMAP of %#llx bytes at IOVA %#llx", (unsigned long long)length,
		    (unsigned long long)iova);
}

int __iommufd_unmap_all(int iommufd, uint32_t ioas, uint64_t *length)
{
	*length = UINT64_MAX;
	return __iommufd_unmap(iommufd, ioas, 0, length);
}

uint64_t iommufd_unmap_all(int iommufd, uint32_t ioas)
{
	uint64_t length;

	cts_require(!__iommufd_unmap_all(iommufd, ioas, &length), "IOMMU_IOAS_UNMAP of all");
	return length;
}

int __iommufd_copy(int iommufd, uint32_t target, uint32_t source, uint32_t flags, uint64_t length,
		   uint64_t from, uint64_t *to)
{
	struct iommu_ioas_copy args = {
		.size = sizeof(args),
		.flags = flags,
		.dst_ioas_id = target,
		.src_ioas_id = source,
		.length = length,
		.dst_iova = *to,
		.src_iova = from,
	};

	if (ioctl(iommufd, IOMMU_IOAS_COPY, &args))
		return -errno;
	*to = args.dst_iova;
	return 0;
}

void iommufd_copy(int iommufd, uint32_t target, uint32_t source, uint64_t length, uint64_t from,
		  uint64_t to)
{
	cts_require(!__iommufd_copy(iommufd, target, source, IOMMU_IOAS_MAP_FIXED_IOVA | READ_WRITE,
				    length, from, &to),
		    "IOMMU_IOAS_COPY of %#llx bytes at IOVA %#llx", (unsigned long long)length,
		    (unsigned long long)from);
}

struct iommu_iova_range *iommufd_iova_ranges(int iommufd, uint32_t ioas, uint32_t *count,
					     uint64_t *alignment)
{
	struct iommu_ioas_iova_ranges args = { .size = sizeof(args), .ioas_id = ioas };
	struct iommu_iova_range *ranges;
	int rc;

	/* Asked with no room for an answer, the kernel says how much it takes. */
	rc = ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &args);
	cts_require(!rc || errno == EMSGSIZE, "IOMMU_IOAS_IOVA_RANGES");
	ranges = calloc(args.num_iovas, sizeof(*ranges));
	cts_lab_require(ranges, "memory for %u ranges", args.num_iovas);
	args.allowed_iovas = (uintptr_t)ranges;
	cts_require(!ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &args), "IOMMU_IOAS_IOVA_RANGES");
	*count = args.num_iovas;
	*alignment = args.out_iova_alignment;
	return ranges;
}

uint64_t iommufd_usable_iova(int iommufd, uint32_t ioas, uint64_t length, uint64_t align)
{
	struct iova_space space;
	uint64_t iova;

	iova_init(&space, iommufd, ioas, UINT64_MAX);
	iova = iova_alloc(&space, length, align);
	iova_exit(&space);
	return iova;
}

int __iommufd_hw_info(int iommufd, uint32_t device_id)
{
	struct iommu_hw_info args = { .size = sizeof(args), .dev_id = device_id };

	return ioctl(iommufd, IOMMU_GET_HW_INFO, &args) ? -errno : 0;
}

int __iommufd_hwpt_alloc_flags(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t flags,
			       uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.flags = flags,
		.dev_id = device_id,
		.pt_id = ioas,
	};

	if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &args))
		return -errno;
	*hwpt = args.out_hwpt_id;
	return 0;
}

int __iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t *hwpt)
{
	return __iommufd_hwpt_alloc_flags(iommufd, device_id, ioas, 0, hwpt);
}

uint32_t iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas)
{
	uint32_t hwpt = 0;

	cts_require(!__iommufd_hwpt_alloc(iommufd, device_id, ioas, &hwpt), "IOMMU_HWPT_ALLOC");
	return hwpt;
}

#ifdef IOMMU_FAULT_QUEUE_ALLOC
int __iommufd_fault_queue_alloc(int iommufd, uint32_t *queue, int *fd)
{
	struct iommu_fault_alloc args = { .size = sizeof(args) };

	if (ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &args))
		return -errno;
	*queue = args.out_fault_id;
	*fd = (int)args.out_fault_fd;
	return 0;
}

int __iommufd_hwpt_alloc_fault(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t queue,
			       uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = {
		.size = sizeof(args),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = device_id,
		.pt_id = ioas,
		.fault_id = queue,
	};

	if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &args))
		return -errno;
	*hwpt = args.out_hwpt_id;
	return 0;
}
#else
int __iommufd_fault_queue_alloc(int iommufd, uint32_t *queue, int *fd)
{
	(void)iommufd;
	(void)queue;
	(void)fd;
	return -ENOTTY;
}

int __iommufd_hwpt_alloc_fault(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t queue,
			       uint32_t *hwpt)
{
	(void)iommufd;
	(void)device_id;
	(void)ioas;
	(void)queue;
	(void)hwpt;
	return -EOPNOTSUPP;
}
#endif

int __iommufd_allow_iovas(int iommufd, uint32_t ioas, uint64_t start, uint64_t last)
{
	struct iommu_iova_range range = { .start = start, .last = last };
	struct iommu_ioas_allow_iovas args = {
		.size = sizeof(args),
		.ioas_id = ioas,
		.num_iovas = 1,
		.allowed_iovas = (uintptr_t)&range,
	};

	return ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &args) ? -errno : 0;
}

void iommufd_allow_all(int iommufd, uint32_t ioas)
{
	struct iommu_ioas_allow_iovas args = { .size = sizeof(args), .ioas_id = ioas };

	cts_require(!ioctl(iommufd, IOMMU_IOAS_ALLOW_IOVAS, &args), "IOMMU_IOAS_ALLOW_IOVAS");
}

uint64_t iommufd_usable_bytes(int iommufd, uint32_t ioas, uint64_t start, uint64_t last)
{
	struct iommu_iova_range *ranges;
	uint64_t alignment, bytes = 0;
	uint32_t count, i;

	ranges = iommufd_iova_ranges(iommufd, ioas, &count, &alignment);
	for (i = 0; i < count; i++) {
		uint64_t low = ranges[i].start > start ? ranges[i].start : start;
		uint64_t high = ranges[i].last < last ? ranges[i].last : last;

		if (low <= high)
			bytes += high - low + 1;
	}
	free(ranges);
	return bytes;
}

int __iommufd_find_device(int iommufd, uint32_t id)
{
	uint32_t ioas, hwpt = 0;
	int rc;

	if (sysfs_device_exists() && sysfs_is_mediated(sysfs_device())) {
		rc = __iommufd_destroy(iommufd, id);
		cts_require(rc, "%u could be destroyed", id);
		return rc == -EBUSY ? 0 : rc;
	}
	ioas = iommufd_ioas_alloc(iommufd);
	rc = __iommufd_hwpt_alloc(iommufd, id, ioas, &hwpt);
	if (!rc)
		iommufd_destroy(iommufd, hwpt);
	iommufd_destroy(iommufd, ioas);
	return rc;
}
