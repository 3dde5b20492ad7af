/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the IOMMU of the device under test controls snooping, as the hardware says. */
#ifndef COHERENCY_SNOOPING_H
#define COHERENCY_SNOOPING_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

/* Snoop Control in VT-d's Extended Capability Register (VT-d specification, ECAP_REG.SC). */
#define ECAP_SC (1ULL << 7)

/*
 * 1 or 0; -ENOENT where it doesn't say. AMD-Vi always does (AMD I/O Virtualization Technology
 * Specification, FC in a page table entry). Behind a mediated device nobody knows what is: to the
 * kernel that is as if none did.
 */
static inline int controls_snooping(void)
{
	char path[SYSFS_PATH], text[SYSFS_PATH];

	if (sysfs_is_mediated(sysfs_device()))
		return 0;
	sysfs_real_path(path);
	strncat(path, "/iommu/intel-iommu/ecap", sizeof(path) - strlen(path) - 1);
	if (!access(path, R_OK)) {
		sysfs_iommu_attribute("intel-iommu/ecap", text);
		return strtoull(text, NULL, 16) & ECAP_SC ? 1 : 0;
	}
	sysfs_real_path(path);
	strncat(path, "/iommu/amd-iommu/cap", sizeof(path) - strlen(path) - 1);
	return access(path, R_OK) ? -ENOENT : 1;
}

#endif
