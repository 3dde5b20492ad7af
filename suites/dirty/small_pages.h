/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DIRTY_SMALL_PAGES_H
#define DIRTY_SMALL_PAGES_H

#include <linux/iommufd.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "check.h"

/* Maps page by page from now on, whatever adjoins in memory. */
static inline void small_pages(int iommufd, uint32_t ioas)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = ioas,
		.val64 = 0,
	};

	cts_require(!ioctl(iommufd, IOMMU_OPTION, &args), "IOMMU_OPTION_HUGE_PAGES of %u", ioas);
}

#endif
