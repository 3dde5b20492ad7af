/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gates of a vfio device file. A file that is not bound yet is parked: read, write, mmap and
 * ioctl are each refused with EINVAL before anything else is looked at. The kernel checks that in
 * four places, so the tests take the gates one by one: a hole in one must not hide, nor redden,
 * what holds of the others.
 */
#ifndef CTS_GATES_H
#define CTS_GATES_H

#include "vfio.h"

struct gate {
	/*
	 * Tries the gate in a way that does no harm behind it: on a kernel without the gate too no
	 * byte moves, and no driver sees more than a question. -EINVAL: shut. 0: open.
	 */
	int (*probe)(int device, const struct vfio_layout *layout);
	/*
	 * Goes through the gate to the device: reads its ids, writes them where they can't be
	 * written, maps a region, asks for its description. 0, or -errno, or -EBADMSG if the answer
	 * is not that device's. On a kernel without the gate this may crash in a driver that wasn't
	 * opened: only for files that are bound, or of a device that is.
	 */
	int (*use)(int device, const struct vfio_layout *layout);
};

extern const struct gate gate_read;
extern const struct gate gate_write;
extern const struct gate gate_mmap;
extern const struct gate gate_ioctl;

#endif
