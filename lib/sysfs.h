/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sysfs tells about the device under test, the PCI function whose BDF is in CTS_DEVICE, or the
 * mediated device whose UUID is there (Documentation/ABI/testing/sysfs-bus-pci,
 * Documentation/driver-api/vfio.rst and vfio-mediated-device.rst). What asks for attributes of PCI
 * is for the former only.
 */
#ifndef CTS_SYSFS_H
#define CTS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSFS_PATH 256
#define SYSFS_BDF 40 /* "0000:01:00.0", with a domain of up to eight digits; or a UUID */

/* The name in CTS_DEVICE, "0000:01:00.0" or a UUID; a lab error if there is none. */
const char *sysfs_device(void);

/* Is there a device by the name in CTS_DEVICE? False if that isn't set. */
bool sysfs_device_exists(void);

/* Is @device the name of a mediated device, a UUID? */
bool sysfs_is_mediated(const char *device);

/* The device's own character device, /dev/vfio/devices/vfioN. -ENODEV without one. */
int __sysfs_cdev_path(char path[SYSFS_PATH]);
const char *sysfs_cdev_path(void);

/* The same for another device, by its BDF or UUID. */
int __sysfs_cdev_path_of(const char *bdf, char path[SYSFS_PATH]);

/* The same of one behind no IOMMU, whose node is called otherwise: noiommu-vfioN. */
int __sysfs_noiommu_path_of(const char *bdf, char path[SYSFS_PATH]);

/* The node of the device's IOMMU group, /dev/vfio/N. -ENODEV without one. */
int __sysfs_group_path(char path[SYSFS_PATH]);
int __sysfs_group_path_of(const char *bdf, char path[SYSFS_PATH]);
const char *sysfs_group_path(void);

/* The same of a device behind no IOMMU: /dev/vfio/noiommu-N. */
int __sysfs_noiommu_group_path(char path[SYSFS_PATH]);

/*
 * A device of another IOMMU group that has a vfio driver, of the same kind as the one in
 * CTS_DEVICE: the first of those that were named for the run (CTS_NAMED, with spaces between them),
 * since a test touches no others. -ENODEV if there is none.
 */
int __sysfs_other_group(char bdf[SYSFS_BDF]);

/*
 * One such device of each other group, in the order of CTS_NAMED: the first @room of them go to
 * @bdfs. Returns how many these are.
 */
int __sysfs_other_groups(char bdfs[][SYSFS_BDF], int room);

/*
 * The first of those devices that an IOMMU guards and that has a vfio driver. -ENODEV if there is
 * none.
 */
int __sysfs_guarded(char bdf[SYSFS_BDF]);

/*
 * The other PCI functions in the device's IOMMU group that have the same driver as it, by BDF in
 * ascending order; the first @room of them go to @siblings. Returns how many there are; -ENODEV if
 * the device is in no group.
 */
int __sysfs_siblings(char siblings[][SYSFS_BDF], int room);

/*
 * The number in the device's sysfs attribute @name ("vendor", "class"): as written there, mostly
 * hexadecimal.
 */
uint32_t sysfs_number(const char *name);

/* The device's directory in sysfs with every link resolved, as the kernel names it itself. */
void sysfs_real_path(char path[SYSFS_PATH]);

/* The first @size bytes of the device's configuration space, read through sysfs and so past vfio. */
void sysfs_config(void *buffer, size_t size);

/*
 * Where in configuration space the device's extended capability @id of PCI Express is (0x0f ATS,
 * 0x1b PASID), 0 if it has none: read as sysfs_config() does, which shows root all of it.
 */
size_t sysfs_extended_capability(uint16_t id);

/*
 * The first line of the attribute @name of the device in CTS_DEVICE, without the newline; what is
 * written to it. 0 or -errno.
 */
int __sysfs_attribute(const char *name, char text[SYSFS_PATH]);
int __sysfs_set_attribute(const char *name, const char *text);

/*
 * The attribute @name ("intel-iommu/cap") of the device's IOMMU, without the newline
 * (Documentation/ABI/testing/sysfs-class-iommu*). A lab error if there is none.
 */
void sysfs_iommu_attribute(const char *name, char text[SYSFS_PATH]);

/* The driver that has the device; and another function: -errno if none has it. */
void sysfs_driver(char name[SYSFS_PATH]);
int __sysfs_driver_of(const char *bdf, char name[SYSFS_PATH]);

/*
 * The first line of the attribute @name of the function @bdf, with its newline; and what is written
 * to it. 0 or -errno.
 */
int __sysfs_get(const char *bdf, const char *name, char text[SYSFS_PATH]);
int __sysfs_set(const char *bdf, const char *name, const char *text);

/*
 * Tells the PCI driver @driver to take or leave the function @bdf: @what is "bind" or "unbind". 0
 * or -errno.
 */
int __sysfs_tell_driver(const char *driver, const char *what, const char *bdf);

/* Gives @bdf back to @driver, which a test took it from; a lab error if that doesn't take it. */
void sysfs_give_back(const char *driver, const char *bdf);

/* Writes @text to the file @path, as a shell's echo would. 0 or -errno. */
int __sysfs_write(const char *path, const char *text);

#endif
