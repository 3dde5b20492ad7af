/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Low power as a feature: the user says that he leaves the device alone, and the kernel may put it
 * to sleep until something wakes it.
 */
#ifndef PCI_LOW_POWER_H
#define PCI_LOW_POWER_H

#include "bound.h"

static inline int low_power_feature(int device, uint32_t which, int eventfd)
{
	struct {
		struct vfio_device_feature header;
		struct vfio_device_low_power_entry_with_wakeup data;
	} args = {
		.header = { .argsz = sizeof(args), .flags = VFIO_DEVICE_FEATURE_SET | which },
		.data = { .wakeup_eventfd = eventfd },
	};

	return ask(device, VFIO_DEVICE_FEATURE, &args);
}

static inline int enter(int device)
{
	return low_power_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, 0);
}

static inline int enter_with_wakeup(int device, int eventfd)
{
	return low_power_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, eventfd);
}

static inline int leave(int device)
{
	return low_power_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 0);
}

#endif
