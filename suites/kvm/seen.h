/* SPDX-License-Identifier: GPL-2.0-only */
/* What is seen of a device and a VM from outside. */
#ifndef KVM_SEEN_H
#define KVM_SEEN_H

#include "check.h"
#include "iommufd.h"
#include "kvm.h"
#include "sysfs.h"
#include "vfio.h"
#include "vfio_group.h"

/* Root, to look into debugfs. */
#define NEEDS (CTS_NEED_CDEV | CTS_NEED_KVM | CTS_NEED_ROOT)

/*
 * Can the device be had by somebody else? Its group's node tells, which can't be opened while a
 * file is bound: an attempt to bind another one can cost a bound device its VM (refused_bind.c).
 */
static inline bool device_is_free(void)
{
	char path[SYSFS_PATH];
	int iommufd, device, rc;

	if (!__sysfs_group_path(path))
		return vfio_group_is_free();
	iommufd = iommufd_open();
	device = vfio_open();
	rc = __vfio_bind(device, iommufd, NULL);
	cts_close(&device);
	cts_close(&iommufd);
	return !rc;
}

/* Is @file, a descriptor, added to @vm? Nothing changes by asking. */
static inline bool is_added(const struct vm *vm, int file)
{
	int rc = __vm_add(vm, file);

	cts_require(!rc || rc == -EEXIST, "KVM_DEV_VFIO_FILE_ADD ended in %d", rc);
	if (!rc)
		vm_del(vm, file);
	return rc;
}

#endif
