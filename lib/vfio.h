/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vfio character device of the device under test (include/uapi/linux/vfio.h, "VFIO Device cdev"
 * in Documentation/driver-api/vfio.rst). A call with `__` returns 0 or -errno; its twin without
 * ends the test when it fails.
 */
#ifndef CTS_VFIO_H
#define CTS_VFIO_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>

/* Opens the device's node, read and write: a parked file. The caller closes it. */
int vfio_open(void);

/* The same for another device, by its BDF or UUID: a sibling in the group. */
int vfio_open_function(const char *bdf);

/* The same for a device of another group (__sysfs_other_group()); -ENODEV if there is none. */
int __vfio_open_other(void);

/* VFIO_DEVICE_BIND_IOMMUFD with an argument of the caller's making, which may be any address. */
int __vfio_bind_raw(int device, void *args);

/*
 * VFIO_DEVICE_BIND_IOMMUFD of the file @device to @iommufd. *@device_id becomes the device's id in
 * that context; NULL if it isn't wanted.
 */
int __vfio_bind(int device, int iommufd, uint32_t *device_id);
uint32_t vfio_bind(int device, int iommufd);

/*
 * After a bind that should have succeeded: returns unless a process that is none of the test's has
 * the node of the device or of its group open. Then the kernel is not to blame, but the lab.
 */
void vfio_check_holders(void);

/*
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT to an IOAS or HWPT: of a device that is attached already, a
 * replacement. *@pt_id is what to attach to and becomes what the kernel reports: the HWPT that it
 * came to be attached to. The twin returns that.
 */
int __vfio_attach(int device, uint32_t *pt_id);
uint32_t vfio_attach(int device, uint32_t pt_id);

/* VFIO_DEVICE_DETACH_IOMMUFD_PT */
int __vfio_detach(int device);
void vfio_detach(int device);

/* VFIO_DEVICE_GET_INFO */
int __vfio_info(int device, struct vfio_device_info *info);

/* VFIO_DEVICE_GET_REGION_INFO of region @index, without capabilities. */
int __vfio_region_info(int device, uint32_t index, struct vfio_region_info *info);

/*
 * The same of all regions. Ends the test where one can't be asked for, or where there is no
 * configuration space; the region of legacy VGA may be refused, and has size 0 then.
 */
void vfio_regions(int device, struct vfio_region_info regions[VFIO_PCI_NUM_REGIONS]);

struct vfio_layout {
	/*
	 * Where the regions lie in the device's file. Offsets are no part of the ABI, so they are
	 * asked.
	 */
	struct vfio_region_info region[VFIO_PCI_NUM_REGIONS];
	/*
	 * The first four bytes of configuration space, in memory order: vendor and device id as
	 * sysfs has them, or as a mediated device shows them. They are read-only to software, so
	 * writing them is a harmless write.
	 */
	uint32_t ids;
};

/*
 * Fills @layout: binds the device, asks, and closes it again, because a parked file can't be asked.
 * Returns what bind returned. Where CTS_SCRATCH names a folder, the answer is kept there for the
 * next test: it stays the same as long as the driver has the device, and a bind resets the device,
 * which takes a tenth of a second.
 */
int __vfio_survey(struct vfio_layout *layout);

/* The offset of configuration space. */
uint64_t vfio_config_offset(const struct vfio_layout *layout);

/* A region that can be mapped, at least a page of it; NULL if the device has none. */
const struct vfio_region_info *vfio_mappable_region(const struct vfio_layout *layout);

/*
 * Is @error, from binding an idle device, the answer of a platform that can't isolate interrupts?
 * That is EPERM, which also says that somebody else owns the group's DMA: so the group must be
 * free. Where no group node is there to say so, the test ends as an error of the lab.
 */
bool vfio_lacks_msi_isolation(int error);

/*
 * Surveys the device in the setup of a test that is going to bind it, and skips the test on a host
 * where no device can be bound at all.
 */
#define VFIO_SURVEY_OR_SKIP(layout)                                                           \
	do {                                                                                  \
		int __error = __vfio_survey(layout);                                          \
                                                                                              \
		if (vfio_lacks_msi_isolation(__error))                                        \
			CTS_SKIP(NO_MSI_ISOLATION, "bind is refused with EPERM and "          \
						   "iommufd.allow_unsafe_interrupts is off"); \
		if (__error)                                                                  \
			vfio_check_holders();                                                 \
		ASSERT_EQ(0, __error);                                                        \
	} while (0)

#endif
