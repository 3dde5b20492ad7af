// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "sysfs.h"

#define PCI_DEVICES "/sys/bus/pci/devices"
#define MDEV_DEVICES "/sys/bus/mdev/devices"

const char *sysfs_device(void)
{
	const char *bdf = getenv("CTS_DEVICE");

	if (!bdf)
		cts_lab_error("CTS_DEVICE is not set: give it a device, CTS_DEVICE=0000:01:00.0");
	return bdf;
}

bool sysfs_is_mediated(const char *device)
{
	return strchr(device, '-');
}

/* The path of @name in the directory of the device @bdf, which may be a UUID as well. */
static void function_path(char path[SYSFS_PATH], const char *bdf, const char *name)
{
	snprintf(path, SYSFS_PATH, "%s/%s/%s", sysfs_is_mediated(bdf) ? MDEV_DEVICES : PCI_DEVICES,
		 bdf, name);
}

/* The path of @name in the device's directory. */
static void device_path(char path[SYSFS_PATH], const char *name)
{
	function_path(path, sysfs_device(), name);
}

bool sysfs_device_exists(void)
{
	char path[SYSFS_PATH];

	if (!getenv("CTS_DEVICE"))
		return false;
	device_path(path, "");
	return !access(path, F_OK);
}

/* The node of @bdf whose name begins with @prefix. */
static int find_node(const char *bdf, const char *prefix, char path[SYSFS_PATH])
{
	char directory[SYSFS_PATH];
	const struct dirent *entry;
	DIR *dir;

	function_path(directory, bdf, "vfio-dev");
	dir = opendir(directory);
	if (!dir)
		return -ENODEV;
	while ((entry = readdir(dir)) && strncmp(entry->d_name, prefix, strlen(prefix)))
		;
	if (entry)
		snprintf(path, SYSFS_PATH, "/dev/vfio/devices/%.32s", entry->d_name);
	closedir(dir);
	return entry && !access(path, F_OK) ? 0 : -ENODEV;
}

int __sysfs_cdev_path_of(const char *bdf, char path[SYSFS_PATH])
{
	return find_node(bdf, "vfio", path);
}

int __sysfs_noiommu_path_of(const char *bdf, char path[SYSFS_PATH])
{
	return find_node(bdf, "noiommu-vfio", path);
}

int __sysfs_cdev_path(char path[SYSFS_PATH])
{
	return __sysfs_cdev_path_of(sysfs_device(), path);
}

const char *sysfs_cdev_path(void)
{
	static char path[SYSFS_PATH];

	cts_require(!__sysfs_cdev_path(path), "%s has no vfio character device", sysfs_device());
	return path;
}

/*
 * Reads where the link @name in the directory of the function @bdf points to; its last component
 * goes to @base.
 */
static int link_base(const char *bdf, const char *name, char base[SYSFS_PATH])
{
	char path[SYSFS_PATH], target[PATH_MAX];
	const char *slash;
	ssize_t length;

	function_path(path, bdf, name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	slash = strrchr(target, '/');
	snprintf(base, SYSFS_PATH, "%.64s", slash ? slash + 1 : target);
	return 0;
}

/* The node of the group of @bdf, whose name is @prefix and the group's number. */
static int group_node(const char *bdf, const char *prefix, char path[SYSFS_PATH])
{
	char group[SYSFS_PATH];

	if (link_base(bdf, "iommu_group", group))
		return -ENODEV;
	snprintf(path, SYSFS_PATH, "/dev/vfio/%s%.64s", prefix, group);
	return access(path, F_OK) ? -ENODEV : 0;
}

int __sysfs_group_path_of(const char *bdf, char path[SYSFS_PATH])
{
	return group_node(bdf, "", path);
}

int __sysfs_noiommu_group_path(char path[SYSFS_PATH])
{
	return group_node(sysfs_device(), "noiommu-", path);
}

int __sysfs_group_path(char path[SYSFS_PATH])
{
	return __sysfs_group_path_of(sysfs_device(), path);
}

const char *sysfs_group_path(void)
{
	static char path[SYSFS_PATH];

	cts_require(!__sysfs_group_path(path), "%s has no vfio group node", sysfs_device());
	return path;
}

int __sysfs_other_groups(char bdfs[][SYSFS_BDF], int room)
{
	char own[SYSFS_PATH], its[SYSFS_PATH], known[SYSFS_PATH], node[SYSFS_PATH];
	const char *named = getenv("CTS_NAMED");
	int length, count = 0, i;

	if (__sysfs_group_path(own))
		return 0;
	for (; named && count < room && sscanf(named, " %39s%n", bdfs[count], &length) == 1;
	     named += length) {
		const char *bdf = bdfs[count];

		if (sysfs_is_mediated(bdf) != sysfs_is_mediated(sysfs_device()) ||
		    __sysfs_group_path_of(bdf, its) || !strcmp(own, its) ||
		    __sysfs_cdev_path_of(bdf, node))
			continue;
		for (i = 0; i < count; i++)
			if (!__sysfs_group_path_of(bdfs[i], known) && !strcmp(known, its))
				break;
		count += i == count;
	}
	return count;
}

int __sysfs_other_group(char bdf[SYSFS_BDF])
{
	char first[1][SYSFS_BDF];

	if (!__sysfs_other_groups(first, 1))
		return -ENODEV;
	memcpy(bdf, first[0], SYSFS_BDF);
	return 0;
}

int __sysfs_guarded(char bdf[SYSFS_BDF])
{
	const char *named = getenv("CTS_NAMED");
	char node[SYSFS_PATH];
	int length;

	for (; named && sscanf(named, " %39s%n", bdf, &length) == 1; named += length) {
		if (!sysfs_is_mediated(bdf) && !__sysfs_cdev_path_of(bdf, node))
			return 0;
	}
	return -ENODEV;
}

void sysfs_driver(char name[SYSFS_PATH])
{
	cts_require(!link_base(sysfs_device(), "driver", name), "%s has no driver", sysfs_device());
}

int __sysfs_driver_of(const char *bdf, char name[SYSFS_PATH])
{
	return link_base(bdf, "driver", name);
}

/* For scandir(): "." and ".." are no functions. */
static int is_bdf(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int __sysfs_siblings(char siblings[][SYSFS_BDF], int room)
{
	char path[SYSFS_PATH], own[SYSFS_PATH], driver[SYSFS_PATH];
	struct dirent **members;
	int count, i, found = 0;

	device_path(path, "iommu_group/devices");
	count = scandir(path, &members, is_bdf, alphasort);
	if (count < 0)
		return errno == ENOENT ? -ENODEV : -errno;
	sysfs_driver(own);
	for (i = 0; i < count; i++) {
		const char *bdf = members[i]->d_name;

		if (strcmp(bdf, sysfs_device()) && !link_base(bdf, "driver", driver) &&
		    !strcmp(driver, own)) {
			if (found < room)
				snprintf(siblings[found], SYSFS_BDF, "%.39s", bdf);
			found++;
		}
		free(members[i]);
	}
	free(members);
	return found;
}

uint32_t sysfs_number(const char *name)
{
	char path[SYSFS_PATH];
	int value;
	FILE *file;

	device_path(path, name);
	file = fopen(path, "re");
	cts_require(file, "%s", path);
	cts_require(fscanf(file, "%i", &value) == 1, "%s holds no number", path);
	fclose(file);
	return (uint32_t)value;
}

void sysfs_real_path(char path[SYSFS_PATH])
{
	char link[SYSFS_PATH], real[PATH_MAX];

	device_path(link, "");
	cts_require(realpath(link, real), "%s", link);
	cts_require(strlen(real) < SYSFS_PATH, "%s is too long", real);
	strcpy(path, real);
}

void sysfs_config(void *buffer, size_t size)
{
	char path[SYSFS_PATH];
	int fd;

	device_path(path, "config");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cts_require(fd >= 0, "%s", path);
	cts_require(pread(fd, buffer, size, 0) == (ssize_t)size, "%zu bytes of %s", size, path);
	cts_close(&fd);
}

/*
 * Extended capabilities are a list that begins at byte 256: id, version, place of the next. Without
 * any, sysfs may show 256 bytes only.
 */
size_t sysfs_extended_capability(uint16_t id)
{
	uint32_t config[1024], at = 0x100;
	char path[SYSFS_PATH];
	struct stat status;
	int left;

	device_path(path, "config");
	if (stat(path, &status) || status.st_size < (off_t)sizeof(config))
		return 0;
	sysfs_config(config, sizeof(config));
	for (left = 480; at >= 0x100 && left; left--) {
		uint32_t header = config[at / 4];

		if (!header || header == UINT32_MAX)
			return 0;
		if ((header & 0xffff) == id)
			return at;
		at = header >> 20 & 0xffc;
	}
	return 0;
}

int __sysfs_attribute(const char *name, char text[SYSFS_PATH])
{
	char path[SYSFS_PATH];
	int error = 0;
	FILE *file;

	device_path(path, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	text[0] = '\0';
	if (!fgets(text, SYSFS_PATH, file) && ferror(file))
		error = -errno;
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return error;
}

int __sysfs_set_attribute(const char *name, const char *text)
{
	char path[SYSFS_PATH];

	device_path(path, name);
	return __sysfs_write(path, text);
}

void sysfs_iommu_attribute(const char *name, char text[SYSFS_PATH])
{
	char attribute[128];
	int rc;

	snprintf(attribute, sizeof(attribute), "iommu/%s", name);
	rc = __sysfs_attribute(attribute, text);
	if (rc)
		cts_lab_error("%s of %s can't be read: %s", attribute, sysfs_device(),
			      strerror(-rc));
}

int __sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int error;

	if (fd < 0)
		return -errno;
	written = write(fd, text, strlen(text));
	error = written < 0 ? -errno : 0;
	close(fd);
	return error;
}

int __sysfs_get(const char *bdf, const char *name, char text[SYSFS_PATH])
{
	char path[SYSFS_PATH];
	int error = 0;
	FILE *file;

	function_path(path, bdf, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	errno = 0;
	if (!fgets(text, SYSFS_PATH, file))
		error = errno ? -errno : -ENODATA;
	fclose(file);
	return error;
}

int __sysfs_set(const char *bdf, const char *name, const char *text)
{
	char path[SYSFS_PATH];

	function_path(path, bdf, name);
	return __sysfs_write(path, text);
}

int __sysfs_tell_driver(const char *driver, const char *what, const char *bdf)
{
	char path[2 * SYSFS_PATH];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/%s", driver, what);
	return __sysfs_write(path, bdf);
}

void sysfs_give_back(const char *driver, const char *bdf)
{
	if (__sysfs_tell_driver(driver, "bind", bdf))
		cts_lab_error("%s didn't take %s back", driver, bdf);
}
