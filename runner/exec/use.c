// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "use.h"

#define DEPTH_MAX 24

void use_path(const struct use *use, char path[USE_PATH], const char *format, ...)
{
	va_list args;
	int len = snprintf(path, USE_PATH, "%s", use->root);

	if (len >= USE_PATH)
		return;
	va_start(args, format);
	vsnprintf(path + len, USE_PATH - (size_t)len, format, args);
	va_end(args);
}

bool use_says(struct use *use, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(use->why, use->size, format, args);
	va_end(args);
	return true;
}

bool use_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool read;

	line[0] = '\0';
	if (!file)
		return false;
	read = fgets(line, (int)size, file);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return read;
}

void use_link(const char *path, char name[USE_NAME])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	snprintf(name, USE_NAME, "%s", n < 0 ? "" : basename(target));
}

bool use_is_nobodys(const char *driver)
{
	return !*driver || strstr(driver, "vfio") || !strcmp(driver, "pci-stub");
}

dev_t use_number(const char *path)
{
	unsigned int major, minor;
	char text[32];

	if (!use_line(path, text, sizeof(text)) || sscanf(text, "%u:%u", &major, &minor) != 2)
		return 0;
	return makedev(major, minor);
}

bool use_each(const char *path, bool (*each)(struct use *use, const char *name, void *arg),
	      struct use *use, void *arg)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	bool found = false;

	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = entry->d_name[0] != '.' && each(use, entry->d_name, arg);
	closedir(folder);
	return found;
}

/* A function below this one, if it is a bridge, is not part of it. */
static bool is_function(const char *name)
{
	unsigned int domain, bus, slot, function;
	char rest;

	return sscanf(name, "%x:%x:%x.%x%c", &domain, &bus, &slot, &function, &rest) == 4;
}

struct walk {
	char path[USE_PATH];
	int depth;
};

static bool add_part(struct use *use, const char *path, const char *name, const char *subsystem)
{
	struct use_part *parts, *part;
	char file[USE_PATH + 8];

	parts = reallocarray(use->parts, use->count + 1, sizeof(*parts));
	if (!parts)
		return false;
	use->parts = parts;
	part = &parts[use->count++];
	snprintf(part->path, sizeof(part->path), "%s", path);
	snprintf(part->name, sizeof(part->name), "%s", name);
	snprintf(part->subsystem, sizeof(part->subsystem), "%s", subsystem);
	snprintf(file, sizeof(file), "%s/dev", path);
	part->dev = use_number(file);
	return true;
}

static bool walk_into(struct use *use, const char *name, void *arg)
{
	const struct walk *above = arg;
	struct walk here = { .depth = above->depth + 1 };
	char file[USE_PATH + 16], subsystem[USE_NAME];
	struct stat st;

	if (is_function(name) ||
	    snprintf(here.path, sizeof(here.path), "%s/%s", above->path, name) >= USE_PATH)
		return false;
	if (here.depth > DEPTH_MAX || lstat(here.path, &st) || !S_ISDIR(st.st_mode))
		return false;
	snprintf(file, sizeof(file), "%s/subsystem", here.path);
	use_link(file, subsystem);
	if (*subsystem && !add_part(use, here.path, name, subsystem))
		return true;
	return use_each(here.path, walk_into, use, &here);
}

/* A disk of several controllers lies in a folder of its own, which links to them. */
static bool find_nvme_disks(struct use *use, const char *name, void *controller)
{
	char path[USE_PATH], link[USE_PATH + USE_NAME + 1];
	struct walk walk = {};

	use_path(use, path, "/sys/class/nvme-subsystem/%s", name);
	snprintf(link, sizeof(link), "%s/%s", path, (const char *)controller);
	if (access(link, F_OK))
		return false;
	snprintf(walk.path, sizeof(walk.path), "%s", path);
	return use_each(path, walk_into, use, &walk);
}

bool use_find_parts(struct use *use)
{
	struct walk walk = {};
	char path[USE_PATH];
	size_t own;

	snprintf(walk.path, sizeof(walk.path), "%s", use->device);
	if (use_each(walk.path, walk_into, use, &walk))
		return false;
	own = use->count;
	use_path(use, path, "/sys/class/nvme-subsystem");
	for (size_t i = 0; i < own; i++) {
		char name[USE_NAME];

		if (strcmp(use->parts[i].subsystem, "nvme"))
			continue;
		snprintf(name, sizeof(name), "%s", use->parts[i].name);
		if (use_each(path, find_nvme_disks, use, name))
			return false;
	}
	return true;
}
