// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "check.h"
#include "iommufd.h"

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

int __iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	struct iommu_ioas_map args = {
		.size = sizeof(args),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = iova,
	};

	return ioctl(iommufd, IOMMU_IOAS_MAP, &args) ? -errno : 0;
}

void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	cts_require(!__iommufd_map(iommufd, ioas, memory, length, iova),
		    "IOMMU_IOAS_MAP of %zu bytes at IOVA %#llx", length, (unsigned long long)iova);
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

/* All usable ranges of @ioas, in ascending order; *@count of them. The caller frees them. */
static struct iommu_iova_range *iova_ranges(int iommufd, uint32_t ioas, uint32_t *count)
{
	struct iommu_ioas_iova_ranges args = { .size = sizeof(args), .ioas_id = ioas };
	struct iommu_iova_range *ranges;
	int rc;

	/* Asked with no room for an answer, the kernel says how much it takes. */
	rc = ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &args);
	cts_require(!rc || errno == EMSGSIZE, "IOMMU_IOAS_IOVA_RANGES");
	ranges = calloc(args.num_iovas, sizeof(*ranges));
	cts_require(ranges, "memory for %u ranges", args.num_iovas);
	args.allowed_iovas = (uintptr_t)ranges;
	cts_require(!ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &args), "IOMMU_IOAS_IOVA_RANGES");
	*count = args.num_iovas;
	return ranges;
}

uint64_t iommufd_usable_iova(int iommufd, uint32_t ioas, uint64_t length, uint64_t align)
{
	struct iommu_iova_range *ranges;
	uint32_t count, i;
	uint64_t iova = 0;

	ranges = iova_ranges(iommufd, ioas, &count);
	for (i = 0; i < count && !iova; i++) {
		/* IOVA 0 is as good as any, but looks like a mistake in a log. */
		uint64_t start = ranges[i].start ? ranges[i].start : align;
		uint64_t aligned = (start + align - 1) & ~(align - 1);

		if (aligned >= start && aligned <= ranges[i].last &&
		    ranges[i].last - aligned >= length - 1)
			iova = aligned;
	}
	free(ranges);
	cts_require(iova, "no room for %llu bytes in the usable ranges",
		    (unsigned long long)length);
	return iova;
}

int __iommufd_hw_info(int iommufd, uint32_t device_id)
{
	struct iommu_hw_info args = { .size = sizeof(args), .dev_id = device_id };

	return ioctl(iommufd, IOMMU_GET_HW_INFO, &args) ? -errno : 0;
}

int __iommufd_hwpt_alloc(int iommufd, uint32_t device_id, uint32_t ioas, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = { .size = sizeof(args), .dev_id = device_id, .pt_id = ioas };

	if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &args))
		return -errno;
	*hwpt = args.out_hwpt_id;
	return 0;
}

int __iommufd_find_device(int iommufd, uint32_t id)
{
	uint32_t ioas = iommufd_ioas_alloc(iommufd);
	uint32_t hwpt = 0;
	int rc = __iommufd_hwpt_alloc(iommufd, id, ioas, &hwpt);

	if (!rc)
		cts_require(!__iommufd_destroy(iommufd, hwpt), "IOMMU_DESTROY of table %u", hwpt);
	cts_require(!__iommufd_destroy(iommufd, ioas), "IOMMU_DESTROY of IOAS %u", ioas);
	return rc;
}
