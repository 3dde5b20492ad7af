/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways in which a user loses the BARs of his device, and how he gets them back. */
#ifndef DMABUF_LOST_H
#define DMABUF_LOST_H

#include "../pci/hot_reset.h"
#include "peer.h"

/* VFIO_DEVICE_FEATURE_LOW_POWER_* that @which is, without data: 0 or -errno. */
static inline int low_power(const struct function *function, uint32_t which)
{
	struct vfio_device_feature args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_FEATURE_SET | which,
	};

	return ask(function->fd, VFIO_DEVICE_FEATURE, &args);
}

/* Each returns 0, or -errno where the device or the kernel has no such thing. */
static inline int lose_decoding(const struct function *function)
{
	set_decoding(function, false);
	return 0;
}

static inline void return_decoding(const struct function *function)
{
	set_decoding(function, true);
}

static inline int lose_power(const struct function *function)
{
	uint32_t pm = function_capability(function, PCI_CAP_ID_PM);

	if (!pm)
		return -EOPNOTSUPP;
	set_power(function, pm, 3);
	return 0;
}

static inline void return_power(const struct function *function)
{
	set_power(function, function_capability(function, PCI_CAP_ID_PM), 0);
	set_decoding(function, true);
}

static inline int lose_by_low_power(const struct function *function)
{
	return low_power(function, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY);
}

static inline void return_from_low_power(const struct function *function)
{
	cts_require(!low_power(function, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT),
		    "VFIO_DEVICE_FEATURE_LOW_POWER_EXIT");
}

/* Initiate Function Level Reset. */
static inline int lose_by_register(const struct function *function)
{
	uint32_t express = function_capability(function, PCI_CAP_ID_EXP), control;

	if (!express ||
	    !(function_config_read(function, express + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR))
		return -EOPNOTSUPP;
	control = function_config_read(function, express + PCI_EXP_DEVCTL, 2);
	function_config_write(function, express + PCI_EXP_DEVCTL, 2,
			      control | PCI_EXP_DEVCTL_BCR_FLR);
	return 0;
}

static inline int lose_by_hot_reset(const struct function *function)
{
	struct reset_info info;

	if (hot_reset_info(function->fd, &info, FUNCTIONS) || !all_owned(&info))
		return -EOPNOTSUPP;
	return hot_reset(function->fd, 0, NULL);
}

#endif
