// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../../lib/rid.h"
#include "frame.h"
#include "inventory.h"
#include "mdev.h"
#include "sysfs.h"
#include "wait.h"

#define PROTOCOL 1
#define DEVICES "/sys/bus/pci/devices"
#define CONFIG_SIZE 256
#define EXPRESS_SIZE 4096

int64_t inventory_taint(void)
{
	char text[32];

	sysfs_read("/proc/sys/kernel/tainted", text, sizeof(text));
	return strtoll(text, NULL, 10);
}

static void put_name(const char *name, void *json)
{
	json_put_string(json, NULL, name);
}

void inventory_hello(bool kmsg_readable)
{
	struct json_out *json = frame_begin("hello");
	struct utsname uts;
	char cmdline[4096];
	int64_t page = sysconf(_SC_PAGESIZE);

	uname(&uts);
	json_put_int(json, "protocol", PROTOCOL);
	json_put_string(json, "cts_exec", CTS_VERSION);
	json_open(json, "uname", '{');
	json_put_string(json, "sysname", uts.sysname);
	json_put_string(json, "release", uts.release);
	json_put_string(json, "version", uts.version);
	json_put_string(json, "machine", uts.machine);
	json_close(json, '}');
	sysfs_read("/proc/cmdline", cmdline, sizeof(cmdline));
	json_put_string(json, "cmdline", cmdline);
	json_put_int(json, "page_size", page);
	json_put_int(json, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_put_int(json, "memory_kib", sysconf(_SC_PHYS_PAGES) * (page / 1024));
	json_put_int(json, "taint", inventory_taint());
	json_put_int(json, "uid", getuid());
	json_put_string(json, "kmsg", kmsg_readable ? "readable" : "denied");
	json_open(json, "iommu", '[');
	sysfs_list("/sys/class/iommu", put_name, json);
	json_close(json, ']');
	json_put_bool(json, "iommufd", sysfs_exists("/dev/iommu"));
	json_put_int(json, "monotonic_ns", now_ns());
	sysfs_read("/proc/sys/kernel/random/boot_id", cmdline, sizeof(cmdline));
	json_put_string(json, "boot", cmdline);
	frame_end();
}

/* A mediated device is named by its UUID, of 36 characters, any other by its BDF. */
static void device_path(char *path, const char *device, const char *name)
{
	snprintf(path, SYSFS_PATH_MAX, "%s/%.36s/%s", strchr(device, '-') ? MDEV_DEVICES : DEVICES,
		 device, name);
}

static void put_hex(struct json_out *json, const char *bdf, const char *name)
{
	char path[SYSFS_PATH_MAX], text[16];

	device_path(path, bdf, name);
	sysfs_read(path, text, sizeof(text));
	json_put_name(json, name, strncmp(text, "0x", 2) ? text : text + 2);
}

static void keep_vfio(const char *name, void *cdev)
{
	if (!strncmp(name, "vfio", 4))
		snprintf(cdev, SYSFS_NAME_MAX, "%s", name);
}

void inventory_put_vfio(struct json_out *json, const char *device)
{
	char path[SYSFS_PATH_MAX], group[SYSFS_NAME_MAX], cdev[SYSFS_NAME_MAX] = "";

	device_path(path, device, "iommu_group");
	if (sysfs_link(path, group, sizeof(group)))
		json_put_name(json, "group", NULL);
	else
		json_put_int(json, "group", strtoll(group, NULL, 10));
	device_path(path, device, "vfio-dev");
	sysfs_list(path, keep_vfio, cdev);
	json_put_name(json, "cdev", cdev);
}

/* Is all known of the bridges of @path that their aliases depend on? */
static bool read_bridges(const struct rid_path *path, struct rid_bridge *bridges)
{
	char file[SYSFS_PATH_MAX], bdf[RID_TEXT];
	uint8_t config[CONFIG_SIZE];

	for (size_t i = 0; i < path->count; i++) {
		ssize_t n;

		rid_format(&path->bridges[i], bdf);
		device_path(file, bdf, "config");
		n = sysfs_bytes(file, config, sizeof(config));
		if (n < 0 || rid_read_bridge(config, (size_t)n, &bridges[i]))
			return false;
	}
	return true;
}

/* The requester IDs that stand for a function beside its own; null where they can't be known. */
static void put_aliases(struct json_out *json, const char *bdf)
{
	struct rid aliases[2 * RID_PATH_MAX];
	struct rid_bridge bridges[RID_PATH_MAX];
	char link[SYSFS_PATH_MAX], target[1024], text[RID_TEXT];
	struct rid_path path;
	size_t count;

	snprintf(link, sizeof(link), DEVICES "/%.16s", bdf);
	sysfs_target(link, target, sizeof(target));
	rid_parse_path(target, &path);
	if (!path.owned && !read_bridges(&path, bridges)) {
		json_put_name(json, "aliases", NULL);
		return;
	}
	count = rid_aliases(&path, bridges, aliases);
	json_open(json, "aliases", '[');
	for (size_t i = 0; i < count; i++) {
		rid_format(&aliases[i], text);
		json_put_string(json, NULL, text);
	}
	json_close(json, ']');
}

/*
 * The Device Serial Number, as lspci(8) shows it: PCI Express Base Specification, 7.9.3. Null where
 * there is none, or where only root may read it.
 */
static void put_serial(struct json_out *json, const char *bdf)
{
	static uint32_t config[EXPRESS_SIZE / 4];
	char path[SYSFS_PATH_MAX], text[25] = "";
	uint32_t at = CONFIG_SIZE;
	ssize_t n;

	device_path(path, bdf, "config");
	n = sysfs_bytes(path, config, sizeof(config));
	/* At most as many as fit: a broken device's may lead in circles. */
	for (int left = EXPRESS_SIZE / 8; left && at >= CONFIG_SIZE && at + 12 <= n; left--) {
		const uint32_t header = le32toh(config[at / 4]);

		if (!header || header == UINT32_MAX)
			break;
		if ((header & 0xffff) == PCI_EXT_CAP_ID_DSN) {
			const uint64_t serial = (uint64_t)le32toh(config[at / 4 + 2]) << 32 |
						le32toh(config[at / 4 + 1]);

			for (int i = 0; i < 8; i++)
				snprintf(text + 3 * i, 4, "%02x-",
					 (unsigned int)(serial >> (56 - 8 * i)) & 0xff);
			text[23] = '\0';
			break;
		}
		at = PCI_EXT_CAP_NEXT(header);
	}
	json_put_name(json, "serial", text);
}

static void send_device(const char *bdf, void *arg)
{
	struct json_out *json = frame_begin("device");
	char path[SYSFS_PATH_MAX], text[SYSFS_NAME_MAX];

	(void)arg;
	json_put_string(json, "bdf", bdf);
	put_hex(json, bdf, "vendor");
	put_hex(json, bdf, "device");
	put_hex(json, bdf, "class");
	device_path(path, bdf, "driver");
	sysfs_link(path, text, sizeof(text));
	json_put_name(json, "driver", text);
	inventory_put_vfio(json, bdf);
	put_aliases(json, bdf);
	put_serial(json, bdf);
	device_path(path, bdf, "numa_node");
	if (sysfs_read(path, text, sizeof(text)))
		strcpy(text, "-1");
	json_put_int(json, "numa_node", strtoll(text, NULL, 10));
	frame_end();
}

void inventory_send(void)
{
	int n = sysfs_list(DEVICES, send_device, NULL);
	struct json_out *json;

	mdev_send_types();
	json = frame_begin("inventory_end");
	json_put_int(json, "devices", n < 0 ? 0 : n); /* no PCI bus, no directory */
	frame_end();
}
