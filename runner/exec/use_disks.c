// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "use.h"

#define NVMET "/sys/kernel/config/nvmet/subsystems"

/* A disk, and a subsystem of the NVMe target that may export it. */
struct exported {
	const struct use_part *disk;
	const char *subsystem;
};

/* The mount namespaces that have been read: many processes share each. */
struct mounts {
	struct use *use;
	const struct use_part *disk;
	ino_t seen[256];
	size_t count;
};

static bool held(struct use *use, const char *name, void *arg)
{
	const struct use_part *disk = arg;

	return use_says(use, "its disk %s belongs to %s", disk->name, name);
}

static bool of_btrfs(struct use *use, const char *name, void *arg)
{
	const struct use_part *disk = arg;
	char path[USE_PATH];

	use_path(use, path, "/sys/fs/btrfs/%s/devices/%s", name, disk->name);
	return !access(path, F_OK) &&
	       use_says(use, "its disk %s belongs to the btrfs file system %s, which is mounted",
			disk->name, name);
}

/* Does a line of mountinfo (proc(5)) name the disk? */
static bool is_mounted(struct use *use, const struct use_part *disk, const char *line)
{
	char where[USE_NAME];
	unsigned int major, minor;

	return sscanf(line, "%*d %*d %u:%u %*s %95s", &major, &minor, where) == 3 &&
	       makedev(major, minor) == disk->dev &&
	       use_says(use, "its disk %s is mounted on %s", disk->name, where);
}

static bool mounted_by(struct use *use, const char *pid, void *arg)
{
	struct mounts *mounts = arg;
	char path[USE_PATH], *line = NULL;
	bool found = false;
	struct stat st;
	size_t size = 0;
	FILE *file;

	if (!isdigit((unsigned char)*pid))
		return false;
	use_path(use, path, "/proc/%s/ns/mnt", pid);
	if (!stat(path, &st)) {
		for (size_t i = 0; i < mounts->count; i++) {
			if (mounts->seen[i] == st.st_ino)
				return false;
		}
		if (mounts->count < sizeof(mounts->seen) / sizeof(mounts->seen[0]))
			mounts->seen[mounts->count++] = st.st_ino;
	}
	use_path(use, path, "/proc/%s/mountinfo", pid);
	file = fopen(path, "re");
	if (!file)
		return false; /* it has ended */
	while (!found && getline(&line, &size, file) > 0)
		found = is_mounted(use, mounts->disk, line);
	free(line);
	fclose(file);
	return found;
}

/* Does a path of this machine name the disk? */
static bool is_node(const struct use *use, const char *path, const struct use_part *disk)
{
	char node[USE_PATH];
	struct stat st;

	use_path(use, node, "%s", path);
	if (*use->root) { /* a folder that stands for a machine has links in place of nodes */
		char name[USE_NAME];

		use_link(node, name);
		return !strcmp(name, disk->name);
	}
	return !stat(node, &st) && S_ISBLK(st.st_mode) && st.st_rdev == disk->dev;
}

/* A loop device holds what is below it without claiming it. */
static bool below_loop(struct use *use, const char *name, void *arg)
{
	const struct use_part *disk = arg;
	char path[USE_PATH], file[USE_PATH];

	use_path(use, path, "/sys/block/%s/loop/backing_file", name);
	return use_line(path, file, sizeof(file)) && is_node(use, file, disk) &&
	       use_says(use, "its disk %s is below %s", disk->name, name);
}

/* So does an NVMe target: Documentation/nvme, and drivers/nvme/target/configfs.c. */
static bool is_exported(struct use *use, const char *name, void *arg)
{
	const struct exported *exported = arg;
	char path[USE_PATH], line[USE_PATH];

	use_path(use, path, NVMET "/%s/namespaces/%s/enable", exported->subsystem, name);
	if (!use_line(path, line, sizeof(line)) || strcmp(line, "1"))
		return false;
	use_path(use, path, NVMET "/%s/namespaces/%s/device_path", exported->subsystem, name);
	return use_line(path, line, sizeof(line)) && is_node(use, line, exported->disk) &&
	       use_says(use, "its disk %s is exported by the NVMe target %s", exported->disk->name,
			exported->subsystem);
}

static bool exported_by(struct use *use, const char *name, void *arg)
{
	struct exported exported = { arg, name };
	char path[USE_PATH];

	use_path(use, path, NVMET "/%s/namespaces", name);
	return use_each(path, is_exported, use, &exported);
}

static bool is_swap(struct use *use, const struct use_part *disk)
{
	char path[USE_PATH], line[USE_PATH];
	bool found = false;
	FILE *file;

	use_path(use, path, "/proc/swaps");
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, " \t\n")] = '\0';
		found = is_node(use, line, disk) &&
			use_says(use, "its disk %s is swap", disk->name);
	}
	fclose(file);
	return found;
}

/* kdump.conf(5): "<type of file system, or raw> <device>", the device also as UUID=, LABEL=, ... */
static bool is_dump_target(struct use *use, const struct use_part *disk)
{
	static const char *const types = " raw ext2 ext3 ext4 xfs btrfs minix ";
	static const char *const links[][2] = {
		{ "UUID=", "uuid" },
		{ "LABEL=", "label" },
		{ "PARTUUID=", "partuuid" },
		{ "PARTLABEL=", "partlabel" },
	};
	char path[USE_PATH], line[USE_PATH], type[16], word[16 + 2], what[256];
	bool found = false;
	FILE *file;

	use_path(use, path, "/etc/kdump.conf");
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%15s %255s", type, what) != 2)
			continue;
		snprintf(word, sizeof(word), " %s ", type);
		if (!strstr(types, word))
			continue;
		snprintf(path, sizeof(path), "%s", what);
		for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
			const size_t len = strlen(links[i][0]);

			if (!strncmp(what, links[i][0], len))
				snprintf(path, sizeof(path), "/dev/disk/by-%s/%s", links[i][1],
					 what + len);
		}
		found = is_node(use, path, disk) &&
			use_says(use, "its disk %s is where kdump writes", disk->name);
	}
	fclose(file);
	return found;
}

/*
 * What the kernel holds exclusively can't be opened so by anybody else: file systems, swap, md,
 * device-mapper, bcache, ZFS, and what comes after these.
 */
static bool is_claimed(struct use *use, const struct use_part *disk)
{
	char path[USE_PATH], line[USE_NAME], node[USE_NAME];
	struct stat st;
	int fd, err;

	if (*use->root)
		return false; /* no nodes there */
	snprintf(node, sizeof(node), "%s", disk->name);
	for (char *c = node; (c = strchr(c, '!'));) /* the kernel's mark for a folder in /dev */
		*c = '/';
	if (snprintf(path, sizeof(path), "%s/hidden", disk->path) < (int)sizeof(path) &&
	    use_line(path, line, sizeof(line)) && !strcmp(line, "1"))
		return false; /* one path to a disk of several, which is looked at by itself */
	snprintf(path, sizeof(path), "/dev/%s", node);
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	err = errno;
	if (fd < 0 && err == EBUSY)
		return use_says(use, "its disk %s is held by the kernel or by a process",
				disk->name);
	if (fd < 0 && (err == ENOMEDIUM || err == ENXIO))
		return false;
	if (fd < 0)
		return use_says(use, "its disk %s can't be looked at: %s", disk->name,
				strerror(err));
	err = fstat(fd, &st) || !S_ISBLK(st.st_mode) || st.st_rdev != disk->dev;
	close(fd);
	return err && use_says(use, "its disk %s is not what /dev/%s is", disk->name, node);
}

static bool is_used(struct use *use, struct use_part *disk)
{
	struct mounts mounts = { .use = use, .disk = disk };
	char path[USE_PATH + 16], folder[USE_PATH];

	snprintf(path, sizeof(path), "%s/holders", disk->path);
	if (use_each(path, held, use, disk))
		return true;
	use_path(use, folder, "/sys/fs/btrfs");
	if (use_each(folder, of_btrfs, use, disk))
		return true;
	use_path(use, folder, "/proc");
	if (use_each(folder, mounted_by, use, &mounts))
		return true;
	use_path(use, folder, "/sys/block");
	if (use_each(folder, below_loop, use, disk))
		return true;
	use_path(use, folder, NVMET);
	if (use_each(folder, exported_by, use, disk))
		return true;
	use_path(use, folder, "/sys/power/resume");
	if (disk->dev && use_number(folder) == disk->dev)
		return use_says(use, "its disk %s is where the machine hibernates to", disk->name);
	return is_swap(use, disk) || is_dump_target(use, disk) || is_claimed(use, disk);
}

bool use_of_disks(struct use *use)
{
	for (size_t i = 0; i < use->count; i++) {
		if (!strcmp(use->parts[i].subsystem, "block") && is_used(use, &use->parts[i]))
			return true;
	}
	return false;
}
