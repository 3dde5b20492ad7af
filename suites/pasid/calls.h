/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attach and detach of a PASID (VFIO_DEVICE_ATTACH_PASID, VFIO_DEVICE_DETACH_PASID of
 * include/uapi/linux/vfio.h), with argument structures of our own, since older headers end before
 * the PASID.
 */
#ifndef PASID_CALLS_H
#define PASID_CALLS_H

#include "../attach/calls.h"

struct pasid_attach {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
	uint32_t pasid;
};

struct pasid_detach {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pasid;
};

#define WITH_PASID (1U << 0)

/* Attaches @pasid to *@pt_id, which becomes what the kernel says that it came to. 0 or -errno. */
static inline int __pasid_attach(int device, uint32_t pasid, uint32_t *pt_id)
{
	struct pasid_attach args = {
		.argsz = sizeof(args),
		.flags = WITH_PASID,
		.pt_id = *pt_id,
		.pasid = pasid,
	};
	int rc = attach_raw(device, &args);

	if (!rc)
		*pt_id = args.pt_id;
	return rc;
}

/* The same where the id that comes back doesn't matter. */
static inline int pasid_attach(int device, uint32_t pasid, uint32_t pt_id)
{
	return __pasid_attach(device, pasid, &pt_id);
}

static inline int pasid_detach(int device, uint32_t pasid)
{
	struct pasid_detach args = { sizeof(args), WITH_PASID, pasid };

	return detach_raw(device, &args);
}

/* Attaches @pasid to @pt_id, but the answer can't be stored: the argument can only be read. */
static inline int pasid_attach_unwritable(int device, uint32_t pasid, uint32_t pt_id)
{
	const struct pasid_attach args = { sizeof(args), WITH_PASID, pt_id, pasid };

	return attach_raw(device, read_only_page(&args, sizeof(args)));
}

#endif
