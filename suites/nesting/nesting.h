/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of nesting: a mock device, attached to the IOAS `home`, and a nesting
 * parent on the IOAS `ioas`, which nothing else uses.
 */
#ifndef NESTING_NESTING_H
#define NESTING_NESTING_H

#include <string.h>

#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "mock.h"
#include "test.h"
#include "viommu.h"

/* An id that no object has. */
#define NOBODY 0x7ffffff0

/* A nested table of the mock's on @pt, a nesting parent or a vIOMMU, with @iotlb in its IOTLB. */
static inline int __nested_alloc(int iommufd, const struct mock *mock, uint32_t pt, uint32_t flags,
				 uint32_t iotlb, uint32_t *nested)
{
	const struct iommu_hwpt_selftest data = { .iotlb = iotlb };

	return __hwpt_alloc_data(iommufd, mock->device, pt, flags, IOMMU_HWPT_DATA_SELFTEST, &data,
				 sizeof(data), nested);
}

static inline uint32_t nested_alloc(int iommufd, const struct mock *mock, uint32_t pt,
				    uint32_t iotlb)
{
	uint32_t nested = 0;

	cts_require(!__nested_alloc(iommufd, mock, pt, 0, iotlb, &nested), "a nested table on %u",
		    pt);
	return nested;
}

/* A vIOMMU of the mock's on its nesting parent @parent. */
#define VIOMMU_OR_SKIP(iommufd, mock, parent, viommu)                                      \
	do {                                                                               \
		int __error = __viommu_alloc(iommufd, (mock)->device, parent,              \
					     IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, viommu); \
                                                                                           \
		if (__error == -ENOTTY)                                                    \
			CTS_SKIP(KERNEL_LACKS, "IOMMU_VIOMMU_ALLOC");                      \
		ASSERT_EQ(0, __error);                                                     \
	} while (0)

static inline uint32_t vdevice_alloc(int iommufd, uint32_t viommu, const struct mock *mock,
				     uint64_t id)
{
	uint32_t vdevice = 0;

	cts_require(!__vdevice_alloc(iommufd, viommu, mock->device, id, &vdevice),
		    "IOMMU_VDEVICE_ALLOC as %#llx", (unsigned long long)id);
	return vdevice;
}

#endif
