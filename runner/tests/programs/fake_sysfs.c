// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands for exec/sysfs.c and exec/in_use.c: a PCI bus in memory, with the kernel's rules for
 * driver_override, bind and unbind, and a parent of mediated devices. Each write is appended to
 * the file FAKE_SYSFS_LOG as "<path> <text>". FAKE_USED is a function that is in use, FAKE_BOOT
 * tells one boot from another, FAKE_DRIVERS are "<BDF> <driver>" that differ from what is below.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../exec/in_use.h"
#include "../../exec/sysfs.h"

#define DEVICES "/sys/bus/pci/devices"
#define ROOT "../../../devices/pci0000:00/0000:00:1c.0/"
#define DRIVERS "/sys/bus/pci/drivers/"

static struct device {
	const char *bdf, *native; /* the driver that knows the device's ids */
	char driver[64], override[64];
	int bind_error, unbind_error, native_error;
} devices[] = {
	{ "0000:01:00.0", "igb", "igb", "", 0, 0, 0 },
	{ "0000:02:00.0", "igb", "", "", 0, 0, 0 },
	{ "0000:03:00.0", "nvme", "nvme", "nvme", 0, 0, 0 },
	{ "0000:04:00.0", "igb", "igb", "", 0, EBUSY, 0 },
	{ "0000:05:00.0", "igb", "vfio-pci", "vfio-pci", 0, 0, 0 },
	{ "0000:06:00.0", "igb", "igb", "", EINVAL, 0, 0 },
	{ "0000:07:00.0", "igb", "igb", "", 0, 0, EIO },
	{ "10000:e1:00.0", "nvme", "nvme", "", 0, 0, 0 },
};

/* Bridges, there only as parents of devices: what their configuration space holds. */
static const struct bridge {
	const char *bdf;
	unsigned char express, type, secondary;
} bridges[] = {
	{ "0000:00:1c.0", 1, PCI_EXP_TYPE_ROOT_PORT, 1 },
	{ "0000:03:1f.0", 1, PCI_EXP_TYPE_PCI_BRIDGE, 4 },
	{ "0000:04:01.0", 0, 0, 5 },
};

/* Where a device is. The bridge above 0000:06:00.0 can't be read. */
static const char *const places[][2] = {
	{ "0000:01:00.0", ROOT "0000:01:00.0" },
	{ "0000:05:00.0", ROOT "0000:03:1f.0/0000:04:01.0/0000:05:00.0" },
	{ "0000:06:00.0", ROOT "0000:05:1f.0/0000:06:00.0" },
	{ "10000:e1:00.0",
	  "../../../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0" },
};

#define N_DEVICES (sizeof(devices) / sizeof(devices[0]))

#define PARENTS "/sys/class/mdev_bus"
#define TYPES PARENTS "/cts_mdev/mdev_supported_types"
#define MADE "/sys/bus/mdev/devices/"

static const char *const drivers[] = { "igb", "nvme", "vfio-pci" };

/* The device of a path, and what follows its name and a slash. */
static struct device *find(const char *path, const char **rest)
{
	for (size_t i = 0; i < N_DEVICES; i++) {
		char prefix[64];
		size_t len;

		snprintf(prefix, sizeof(prefix), DEVICES "/%s", devices[i].bdf);
		len = strlen(prefix);

		if (!strncmp(path, prefix, len) && (!path[len] || path[len] == '/')) {
			*rest = path[len] ? path + len + 1 : "";
			return &devices[i];
		}
	}
	return NULL;
}

bool in_use(const char *root, const char *bdf, char *why, size_t size)
{
	const char *used = getenv("FAKE_USED");

	(void)root;
	snprintf(why, size, "somebody has it open");
	return used && !strcmp(used, bdf);
}

bool in_use_by_process(const char *root, const char *bdf, char *why, size_t size)
{
	return in_use(root, bdf, why, size);
}

/* What an earlier process left. */
__attribute__((constructor)) static void set_drivers(void)
{
	const char *changed = getenv("FAKE_DRIVERS");
	char bdf[32], driver[64];

	if (!changed || sscanf(changed, "%31s %63s", bdf, driver) != 2)
		return;
	for (size_t i = 0; i < N_DEVICES; i++) {
		if (!strcmp(devices[i].bdf, bdf)) {
			strcpy(devices[i].driver, driver);
			strcpy(devices[i].override, driver);
		}
	}
}

bool sysfs_exists(const char *path)
{
	const char *rest;

	if (strncmp(path, DRIVERS, strlen(DRIVERS)))
		return find(path, &rest) != NULL;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (!strcmp(path + strlen(DRIVERS), drivers[i]))
			return true;
	}
	return false;
}

int sysfs_read(const char *path, char *text, size_t size)
{
	const char *rest;
	struct device *device = find(path, &rest);

	text[0] = '\0';
	if (!strcmp(path, "/proc/sys/kernel/random/boot_id") && getenv("FAKE_BOOT"))
		return snprintf(text, size, "%s", getenv("FAKE_BOOT")) < 0;
	if (!device)
		return -ENOENT;
	if (!strcmp(rest, "vendor"))
		snprintf(text, size, "0x8086");
	else if (!strcmp(rest, "numa_node"))
		snprintf(text, size, "1");
	else if (!strcmp(rest, "driver_override"))
		snprintf(text, size, "%s", *device->override ? device->override : "(null)");
	else
		return -ENOENT;
	return 0;
}

ssize_t sysfs_bytes(const char *path, void *bytes, size_t size)
{
	unsigned char config[256] = { [PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE };
	char file[64];

	for (size_t i = 0; i < sizeof(bridges) / sizeof(bridges[0]); i++) {
		snprintf(file, sizeof(file), DEVICES "/%s/config", bridges[i].bdf);
		if (strcmp(path, file))
			continue;
		config[PCI_SECONDARY_BUS] = bridges[i].secondary;
		config[PCI_STATUS] = bridges[i].express ? PCI_STATUS_CAP_LIST : 0;
		config[PCI_CAPABILITY_LIST] = 0x40;
		config[0x40] = PCI_CAP_ID_EXP;
		config[0x40 + PCI_EXP_FLAGS] = (unsigned char)(bridges[i].type << 4);
		memcpy(bytes, config, size < sizeof(config) ? size : sizeof(config));
		return (ssize_t)size;
	}
	return -ENOENT;
}

int sysfs_target(const char *path, char *text, size_t size)
{
	const char *rest;
	struct device *device = find(path, &rest);

	text[0] = '\0';
	for (size_t i = 0; device && i < sizeof(places) / sizeof(places[0]); i++) {
		if (!strcmp(device->bdf, places[i][0]))
			snprintf(text, size, "%s", places[i][1]);
	}
	return *text ? 0 : -ENOENT;
}

static int bind_device(const char *driver, const char *bdf)
{
	char path[64];
	const char *rest, *match;
	struct device *device;
	int error;

	snprintf(path, sizeof(path), DEVICES "/%s", bdf);
	device = find(path, &rest);
	if (!device || *device->driver)
		return -ENODEV;
	match = *device->override ? device->override : device->native;
	if (strcmp(match, driver))
		return -ENODEV;
	error = strcmp(driver, device->native) ? device->bind_error : device->native_error;
	if (error)
		return -error;
	snprintf(device->driver, sizeof(device->driver), "%s", driver);
	return 0;
}

int sysfs_write(const char *path, const char *text)
{
	FILE *log = fopen(getenv("FAKE_SYSFS_LOG"), "a");
	char name[64];
	const char *rest;
	struct device *device = find(path, &rest);

	if (!log)
		abort();
	fprintf(log, "%s %.*s\n", path, (int)strcspn(text, "\n"), text);
	fclose(log);
	if (!strcmp(path, TYPES "/cts_mdev-dma/create"))
		return strchr(text, 'f') ? -EEXIST : 0;
	if (!strncmp(path, MADE, strlen(MADE)))
		return 0;
	if (sscanf(path, DRIVERS "%63[^/]/bind", name) == 1)
		return bind_device(name, text);
	if (device && !strcmp(rest, "driver_override")) {
		snprintf(device->override, sizeof(device->override), "%s", text);
		device->override[strcspn(device->override, "\n")] = '\0';
		return 0;
	}
	if (!device || strcmp(rest, "driver/unbind") || !*device->driver)
		return -ENOENT;
	if (strcmp(text, device->bdf))
		return -ENODEV;
	if (!device->unbind_error)
		device->driver[0] = '\0';
	return -device->unbind_error;
}

int sysfs_link(const char *path, char *text, size_t size)
{
	const char *rest;
	struct device *device = find(path, &rest);

	text[0] = '\0';
	if (!device)
		return -ENOENT;
	if (!strcmp(rest, "driver") && *device->driver)
		snprintf(text, size, "%s", device->driver);
	else if (!strcmp(rest, "iommu_group") && device != &devices[1])
		snprintf(text, size, "%d", 10 + (int)(device - devices));
	else
		return -ENOENT;
	return 0;
}

int sysfs_list(const char *path, void (*each)(const char *name, void *arg), void *arg)
{
	const char *rest;
	struct device *device = find(path, &rest);
	char cdev[16];

	if (!strcmp(path, DEVICES)) {
		for (size_t i = 0; i < N_DEVICES; i++)
			each(devices[i].bdf, arg);
		return N_DEVICES;
	}
	if (!strcmp(path, PARENTS) || !strcmp(path, TYPES)) {
		each(strcmp(path, TYPES) ? "cts_mdev" : "cts_mdev-dma", arg);
		return 1;
	}
	if (!device || strcmp(rest, "vfio-dev") || strcmp(device->driver, "vfio-pci"))
		return -ENOENT;
	snprintf(cdev, sizeof(cdev), "vfio%d", (int)(device - devices));
	each(cdev, arg);
	return 1;
}
