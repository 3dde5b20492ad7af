// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../runner/exec/in_use.h"
#include "check.h"
#include "medium.h"

#define DISKS "%s/sys/block" /* below the root */
#define SERIAL 64	     /* bytes; one of an NVMe has at most 20 */

bool medium_declared(void)
{
	const char *declared = getenv("CTS_SCRATCH_SERIALS");

	return declared && *declared;
}

__attribute__((format(printf, 2, 3))) static struct cts_missing none(enum cts_skip reason,
								     const char *fmt, ...)
{
	static char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return (struct cts_missing){ .what = text, .reason = reason };
}

/* The first line of the attribute @name of @disk without the blanks around it, or nothing. */
static void attribute(const char *root, const char *disk, const char *name, char text[SERIAL])
{
	char path[PATH_MAX], line[SERIAL] = "";
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), DISKS "/%s/%s", root, disk, name);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
	length = strlen(line);
	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	snprintf(text, SERIAL, "%s", line + strspn(line, " "));
}

/* Is @serial one line of what is declared, all of it? */
static bool is_declared(const char *serial)
{
	const char *line = getenv("CTS_SCRATCH_SERIALS");
	const size_t length = strlen(serial);

	if (!length)
		return false;
	for (; line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strcspn(line, "\n") == length && !strncmp(line, serial, length))
			return true;
	return false;
}

/* Is @name as @form says, which stores a number and then how far it came, and nothing more? */
static bool is_name(const char *name, const char *form)
{
	unsigned int number;
	int length = 0;

	return sscanf(name, form, &number, &length) == 1 && length && !name[length];
}

/*
 * The PCI function of the disk's controller: the folder above that of the controllers, which the
 * disk's device is one of: .../0000:02:00.0/nvme/nvme0. Where the kernel puts the disk below a
 * subsystem, which may have several controllers, that one's folder links to them.
 */
static bool find_function(const char *root, const char *disk, char bdf[SYSFS_BDF])
{
	char link[PATH_MAX], path[PATH_MAX], *slash;
	unsigned int controllers = 0;
	const struct dirent *entry;
	DIR *folder;
	int up;

	snprintf(link, sizeof(link), DISKS "/%s/device", root, disk);
	if (!realpath(link, path))
		return false;
	slash = strrchr(path, '/');
	if (!strncmp(slash, "/nvme-subsys", 12)) {
		folder = opendir(path);
		while (folder && (entry = readdir(folder))) {
			if (!is_name(entry->d_name, "nvme%u%n"))
				continue;
			snprintf(link, sizeof(link), DISKS "/%s/device/%.32s", root, disk,
				 entry->d_name);
			controllers++;
		}
		if (folder)
			closedir(folder);
		if (controllers != 1 || !realpath(link, path))
			return false;
	}
	for (up = 0; up < 2; up++) {
		slash = strrchr(path, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
	slash = strrchr(path, '/');
	snprintf(bdf, SYSFS_BDF, "%.39s", slash ? slash + 1 : "");
	snprintf(link, sizeof(link), "%s/sys/bus/pci/devices/%s", root, bdf);
	return strchr(bdf, ':') && !access(link, F_OK);
}

/* Is what was opened still the disk that was looked at? */
static bool is_same(const char *root, const struct medium *medium)
{
	char text[SERIAL], number[32];
	struct stat st;

	if (fstat(medium->fd, &st) || !S_ISBLK(st.st_mode))
		return false;
	snprintf(number, sizeof(number), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	attribute(root, medium->disk, "dev", text);
	if (strcmp(text, number))
		return false;
	attribute(root, medium->disk, "device/serial", text);
	return is_declared(text);
}

static struct cts_missing open_disk(const char *root, struct medium *medium)
{
	char why[256], node[PATH_MAX];

	if (!find_function(root, medium->disk, medium->bdf))
		return none(CTS_SKIP_NO_SCRATCH, "%s is not one disk of one PCI function",
			    medium->disk);
	if (in_use(root, medium->bdf, why, sizeof(why)))
		return none(CTS_SKIP_SCRATCH_IN_USE, "%s (%s): %s", medium->disk, medium->bdf, why);
	snprintf(node, sizeof(node), "%s/dev/%s", root, medium->disk);
	medium->fd = open(node, O_RDWR | O_EXCL | O_CLOEXEC);
	if (medium->fd < 0)
		return none(CTS_SKIP_SCRATCH_IN_USE, "%s: %s", node, strerror(errno));
	if (!is_same(root, medium)) {
		cts_close(&medium->fd);
		return none(CTS_SKIP_NO_SCRATCH, "%s has become another disk", node);
	}
	return (struct cts_missing){ 0 };
}

struct cts_missing __medium_open_in(const char *root, struct medium *medium)
{
	char path[PATH_MAX];
	struct cts_missing missing =
		none(CTS_SKIP_NO_SCRATCH, "no NVMe disk of this host has a declared serial number");
	const struct dirent *entry;
	char serial[SERIAL];
	DIR *disks;

	*medium = (struct medium){ .fd = -1 };
	snprintf(path, sizeof(path), DISKS, root);
	disks = opendir(path);
	while (disks && (entry = readdir(disks))) {
		/* No path of a disk of several controllers, which has no node: nvme0c0n1. */
		if (!is_name(entry->d_name, "nvme%un%*u%n"))
			continue;
		snprintf(medium->disk, sizeof(medium->disk), "%.31s", entry->d_name);
		attribute(root, medium->disk, "device/serial", serial);
		if (!is_declared(serial))
			continue;
		missing = open_disk(root, medium);
		if (!missing.what)
			break;
	}
	if (disks)
		closedir(disks);
	return missing;
}

struct cts_missing __medium_open(struct medium *medium)
{
	return __medium_open_in("", medium);
}

uint64_t medium_completed(const struct medium *medium)
{
	unsigned long long reads = 0, writes = 0;
	char path[SYSFS_PATH];
	FILE *file;
	int found;

	/* Documentation/block/stat.rst: reads, and behind three more numbers writes. */
	snprintf(path, sizeof(path), DISKS "/%s/stat", "", medium->disk);
	file = fopen(path, "re");
	cts_lab_require(file, "%s", path);
	found = fscanf(file, "%llu %*u %*u %*u %llu", &reads, &writes);
	fclose(file);
	cts_lab_require(found == 2, "the numbers in %s", path);
	return reads + writes;
}

void medium_close(struct medium *medium)
{
	if (*medium->disk)
		cts_close(&medium->fd);
	*medium = (struct medium){ .fd = -1 };
}
