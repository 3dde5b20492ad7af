/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "hwpt.h"
#include "vfio.h"

/*
 * Makes a table on @ioas with @flags (IOMMU_HWPT_ALLOC_*), its id to *@hwpt, and attaches the device
 * to it. -EOPNOTSUPP or -ENOENT where the IOMMU has no such table: not every one has each kind.
 */
static inline int bench_attach_to_table(int device, int iommufd, uint32_t id, uint32_t ioas,
					uint32_t flags, uint32_t *hwpt)
{
	struct iommu_hwpt_alloc args = { .flags = flags, .dev_id = id, .pt_id = ioas };
	int error = __hwpt_alloc(iommufd, &args);

	if (error)
		return error;
	*hwpt = args.out_hwpt_id;
	vfio_attach(device, *hwpt);
	return 0;
}

/* The same in a setup, for the table that is called @name: skips the test where there is none. */
#define BENCH_TABLE_OR_SKIP(device, iommufd, id, ioas, flags, hwpt, name)                    \
	do {                                                                                 \
		int __error = bench_attach_to_table(device, iommufd, id, ioas, flags, hwpt); \
                                                                                             \
		if (__error == -EOPNOTSUPP || __error == -ENOENT)                            \
			CTS_SKIP(IOMMU_LACKS, "it has no such table (%s)", name);            \
		ASSERT_EQ(0, __error);                                                       \
	} while (0)

#endif
