/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Low power as a feature: the user says that he leaves the device alone, and the kernel may put it
 * to sleep until something wakes it.
 */
#ifndef PCI_LOW_POWER_H
#define PCI_LOW_POWER_H

#include <time.h>

#include "bound.h"
#include "measure.h"

/* How long to wait for the kernel to put the device to sleep, ns. Where it doesn't, that is no
 * fault. */
#define PATIENCE_NS 5000000000ULL

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

/*
 * power/runtime_status of the device, which is read without waking it, is @wanted: "active" or
 * "suspended". It is neither where the kernel has no runtime power management.
 */
static inline bool power_is(const char *wanted)
{
	char status[SYSFS_PATH];

	return !__sysfs_attribute("power/runtime_status", status) && !strcmp(status, wanted);
}

/* Waits until the device sleeps, which is the kernel's own affair: does it come to that? */
static inline bool sleeps(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t begin = measure_now();
	char status[SYSFS_PATH];

	do {
		if (__sysfs_attribute("power/runtime_status", status))
			return false;
		if (!strcmp(status, "suspended"))
			return true;
		nanosleep(&pause, NULL);
	} while (measure_now() - begin < PATIENCE_NS);
	return false;
}

#endif
