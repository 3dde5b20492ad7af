/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two requests of a hot reset, which resets all functions of a slot or bus: who they are
 * (VFIO_DEVICE_GET_PCI_HOT_RESET_INFO), and the reset (VFIO_DEVICE_PCI_HOT_RESET).
 */
#ifndef PCI_HOT_RESET_H
#define PCI_HOT_RESET_H

#include "bound.h"
#include "reset.h"

/* The most functions that a bus can have. */
#define FUNCTIONS 256

#define HEADER 12
_Static_assert(sizeof(struct vfio_pci_hot_reset_info) == HEADER,
	       "the layout of struct vfio_pci_hot_reset_info is ABI");
_Static_assert(sizeof(struct vfio_pci_hot_reset) == HEADER,
	       "the layout of struct vfio_pci_hot_reset is ABI");

struct reset_info {
	struct vfio_pci_hot_reset_info header;
	struct vfio_pci_dependent_device devices[FUNCTIONS];
};

/* Asks with room for @room functions. 0 or -errno. */
static inline int hot_reset_info(int device, struct reset_info *info, uint32_t room)
{
	memset(info, 0x5a, sizeof(*info));
	info->header.argsz = HEADER + room * (uint32_t)sizeof(info->devices[0]);
	return ask(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
}

/* The function @bdf in the list; NULL if it isn't there. */
static inline const struct vfio_pci_dependent_device *find_function(const struct reset_info *info,
								    const char *bdf)
{
	char name[SYSFS_BDF];
	uint32_t i;

	for (i = 0; i < info->header.count; i++) {
		const struct vfio_pci_dependent_device *function = &info->devices[i];

		snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", function->segment, function->bus,
			 function->devfn >> 3, function->devfn & 7);
		if (!strcmp(name, bdf))
			return function;
	}
	return NULL;
}

/* Is no function of the list owned by somebody else, or by nobody? */
static inline bool all_owned(const struct reset_info *info)
{
	uint32_t i;

	for (i = 0; i < info->header.count; i++) {
		if ((int32_t)info->devices[i].devid == VFIO_PCI_DEVID_NOT_OWNED)
			return false;
	}
	return true;
}

/* VFIO_DEVICE_PCI_HOT_RESET with @count files. */
static inline int hot_reset(int device, uint32_t count, const int32_t *files)
{
	uint32_t args[HEADER / 4 + 2 * FUNCTIONS] = { HEADER + count * (uint32_t)sizeof(*files), 0,
						      count };

	if (count)
		memcpy(args + HEADER / 4, files, count * sizeof(*files));
	return ask(device, VFIO_DEVICE_PCI_HOT_RESET, args);
}

/* In a setup: skips the test where neither slot nor bus can be reset. */
#define HOT_RESET_OR_SKIP(device)                                                    \
	do {                                                                         \
		struct reset_info __info;                                            \
                                                                                     \
		if (hot_reset_info(device, &__info, FUNCTIONS) == -ENODEV)           \
			CTS_SKIP(DEVICE_LACKS, "neither slot nor bus can be reset"); \
	} while (0)

#endif
