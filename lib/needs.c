// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <unistd.h>

#include "dma.h"
#include "fail_nth.h"
#include "kvm.h"
#include "measure.h"
#include "medium.h"
#include "mock.h"
#include "needs.h"
#include "noiommu.h"
#include "sysfs.h"

const char *const cts_need_names[] = {
#define CTS_NEED(id, name, reason, scope) [CTS_NEED_INDEX_##id] = name,
#include "needs.def"
#undef CTS_NEED
};

const size_t cts_need_count = sizeof(cts_need_names) / sizeof(cts_need_names[0]);

enum scope {
	HOST,
	DEVICE,
};

static const struct need {
	enum scope scope;
	enum cts_skip reason;
} needs_table[] = {
#define CTS_NEED(id, name, reason, scope) [CTS_NEED_INDEX_##id] = { scope, CTS_SKIP_##reason },
#include "needs.def"
#undef CTS_NEED
};

/* Has the device no driver here (lib/drivers/) that has @capability? */
static bool lacks(enum dma_capability capability)
{
	return !(dma_capabilities() & capability);
}

/* What is wrong with need @index, in words, or NULL. */
static const char *missing(enum cts_need_index index)
{
	char path[SYSFS_PATH];

	switch (index) {
	case CTS_NEED_INDEX_ROOT:
		return geteuid() ? "not running as root" : NULL;
	case CTS_NEED_INDEX_IOMMUFD:
		return access("/dev/iommu", F_OK) ? "there is no /dev/iommu" : NULL;
	case CTS_NEED_INDEX_CDEV:
		return __sysfs_cdev_path(path) ? "the device has no node in /dev/vfio/devices"
					       : NULL;
	case CTS_NEED_INDEX_GROUP:
		return __sysfs_group_path(path) ? "the device's group has no node in /dev/vfio"
						: NULL;
	case CTS_NEED_INDEX_DMA_WRITE:
		return lacks(DMA_WRITE) ? "no driver makes the device write known bytes" : NULL;
	case CTS_NEED_INDEX_DMA_READ:
		return lacks(DMA_READ) ? "no driver makes the device read and show it" : NULL;
	case CTS_NEED_INDEX_DMA_COPY:
		return lacks(DMA_COPY) ? "no driver makes the device copy" : NULL;
	case CTS_NEED_INDEX_DMA_MSI:
		return lacks(DMA_MSI) ? "no driver makes the device send an MSI" : NULL;
	case CTS_NEED_INDEX_DMA_STORM:
		return lacks(DMA_STORM) ? "no driver makes the device write until stopped" : NULL;
	case CTS_NEED_INDEX_DMA_AUTONOMOUS:
		return lacks(DMA_AUTONOMOUS) ? "no driver makes the device write on by itself"
					     : NULL;
	case CTS_NEED_INDEX_DMA_STUBBORN:
		return lacks(DMA_STUBBORN) ? "no driver makes the device misbehave" : NULL;
	case CTS_NEED_INDEX_DMA_PASID:
		return lacks(DMA_PASID) ? "no driver makes the device use PASIDs" : NULL;
	case CTS_NEED_INDEX_DMA_PRI:
		return lacks(DMA_PRI) ? "no driver makes the device ask for pages" : NULL;
	case CTS_NEED_INDEX_DMA_VANISH:
		return lacks(DMA_VANISH) ? "no driver makes the device vanish" : NULL;
	case CTS_NEED_INDEX_DMA_INTX:
		return lacks(DMA_INTX) ? "no driver makes the device raise its interrupt pin"
				       : NULL;
	case CTS_NEED_INDEX_FAIL_NTH:
		return fail_nth_missing();
	case CTS_NEED_INDEX_NOIOMMU:
		return __noiommu_path(path) ? "the device has no node of one without an IOMMU"
					    : NULL;
	case CTS_NEED_INDEX_MEDIATED:
		return sysfs_is_mediated(sysfs_device()) ? NULL : "it is no mediated device";
	case CTS_NEED_INDEX_HARDWARE:
		return sysfs_is_mediated(sysfs_device()) ? "iommufd knows no hardware behind it"
							 : NULL;
	case CTS_NEED_INDEX_KVM:
		return kvm_missing();
	case CTS_NEED_INDEX_TIME:
		return measure_counts_instructions() ? "no time is measured here" : NULL;
	case CTS_NEED_INDEX_SCRATCH:
		return medium_declared() ? NULL : "the host's description has no [[scratch]]";
	case CTS_NEED_INDEX_MOCK:
		return mock_missing();
	}
	return NULL;
}

struct cts_missing cts_missing_need(unsigned int needs)
{
	size_t i;

	/* A test of a device file binds it. */
	if (needs & (CTS_NEED_CDEV | CTS_NEED_NOIOMMU))
		needs |= CTS_NEED_IOMMUFD;
	for (i = 0; i < cts_need_count; i++) {
		struct cts_missing found = { .reason = needs_table[i].reason };

		if (!(needs & (1U << i)))
			continue;
		if (needs_table[i].scope == DEVICE && !sysfs_device_exists()) {
			found.reason = CTS_SKIP_NO_DEVICE;
			found.what = "CTS_DEVICE names no device of this host";
		} else {
			found.what = missing((enum cts_need_index)i);
		}
		if (found.what)
			return found;
	}
	return (struct cts_missing){ 0 };
}
