/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel modules, taken out together with those that use them, and put back. */
#ifndef LIFECYCLE_MODULES_H
#define LIFECYCLE_MODULES_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define MODULE_NAME 64
#define MODULES_MAX 32
/* Where a virtual host keeps the modules that it has loaded: NUMBER-NAME.ko. */
#define MODULE_FILES "/modules"

/* Modules that are out, in the order in which they went. */
struct modules_out {
	char name[MODULES_MAX][MODULE_NAME];
	int count;
};

static inline bool module_has_name(const char *file, const char *name)
{
	const char *dash = strchr(file, '-');
	size_t i, length = strlen(name);

	if (!dash)
		return false;
	for (i = 0; i < length; i++)
		if (dash[1 + i] != name[i] && (dash[1 + i] != '-' || name[i] != '_'))
			return false;
	return !strcmp(dash + 1 + length, ".ko");
}

/* The file of the module @name, as the kernel writes it, to @path. False: there is none here. */
static inline bool module_file(const char *name, char path[PATH_MAX])
{
	const struct dirent *entry;
	DIR *files = opendir(MODULE_FILES);

	while (files && (entry = readdir(files)) && !module_has_name(entry->d_name, name))
		;
	if (!files)
		return false;
	if (entry)
		snprintf(path, PATH_MAX, MODULE_FILES "/%s", entry->d_name);
	closedir(files);
	return entry;
}

/* Is it a module that is loaded, and not built in? */
static inline bool module_is_loaded(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

/* delete_module(2). 0 or -errno; -EAGAIN: somebody uses it. */
static inline int __module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Takes out the modules that use @name, and those that use these, before them; not itself. */
static inline void modules_unload_users(struct modules_out *out, const char *name)
{
	char path[PATH_MAX], user[MODULE_NAME];
	const struct dirent *entry;
	DIR *holders;

	snprintf(path, sizeof(path), "/sys/module/%s/holders", name);
	for (;;) {
		holders = opendir(path);
		cts_lab_require(holders, "%s", path);
		while ((entry = readdir(holders)) && entry->d_name[0] == '.')
			;
		if (entry)
			snprintf(user, sizeof(user), "%.63s", entry->d_name);
		closedir(holders);
		if (!entry)
			return;
		modules_unload_users(out, user);
		cts_require(!__module_unload(user), "delete_module of %s", user);
		cts_lab_require(out->count < MODULES_MAX, "so many modules");
		strcpy(out->name[out->count++], user);
	}
}

/* Takes out @name and all that use it. */
static inline void modules_unload(struct modules_out *out, const char *name)
{
	modules_unload_users(out, name);
	cts_require(!__module_unload(name), "delete_module of %s", name);
	cts_lab_require(out->count < MODULES_MAX, "so many modules");
	snprintf(out->name[out->count++], MODULE_NAME, "%s", name);
}

/* Puts back all that is out, the last first. 0, or -errno of finit_module(2). */
static inline int __modules_load(struct modules_out *out)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	while (!rc && out->count) {
		const char *name = out->name[out->count - 1];

		if (!module_file(name, path))
			return -ENOENT;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		cts_lab_require(fd >= 0, "%s", path);
		rc = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
		close(fd);
		if (!rc)
			out->count--;
	}
	return rc;
}

#endif
