/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that an SMMUv3 translates for a guest: VIRTUAL_ID of the vIOMMU, attached to `nested`,
 * whose tables begin at `root` and lead from VIRTUAL to the first page at `ipa`.
 */
#ifndef NESTING_SMMUV3_NESTED_H
#define NESTING_SMMUV3_NESTED_H

#include "smmuv3.h"

#define NESTED_FIELDS  \
	SMMUV3_FIELDS; \
	uint64_t root; \
	uint32_t vdevice, nested

/* In a setup: checks the needs, and makes what is in these fields. */
#define NESTED_SETUP_OR_SKIP(self)                                                                \
	do {                                                                                      \
		SMMUV3_SETUP_OR_SKIP(self);                                                       \
		if (dma_highest_iova() < VIRTUAL + (2 * (self)->page) - 1)                        \
			CTS_SKIP(DEVICE_LACKS, "addresses of %d bits", S1_BITS);                  \
		ASSERT_EQ(0,                                                                      \
			  __vdevice_alloc((self)->dut.iommufd, (self)->viommu,                    \
					  (self)->dut.device_id, VIRTUAL_ID, &(self)->vdevice));  \
		(self)->root = s1_described(&(self)->s1);                                         \
		s1_map(&(self)->s1, (self)->root, VIRTUAL, (self)->ipa, (self)->page, 0);         \
		(self)->nested =                                                                  \
			ste_alloc(&(self)->dut, (self)->viommu, s1_ste(&(self)->s1), STE_CACHED); \
		ASSERT_EQ((self)->nested, vfio_attach((self)->dut.device, (self)->nested));       \
	} while (0)

#endif
