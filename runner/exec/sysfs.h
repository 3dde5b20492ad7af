/* SPDX-License-Identifier: GPL-2.0-only */
/* All that touches sysfs and procfs by path. Paths are absolute; errors are -errno. */
#ifndef CTS_SYSFS_H
#define CTS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SYSFS_PATH_MAX 256
#define SYSFS_NAME_MAX 256

bool sysfs_exists(const char *path);

/*
 * The text of an attribute without its last newline, ended by NUL, cut to size. Returns 0 or
 * -errno.
 */
int sysfs_read(const char *path, char *text, size_t size);

/* The first bytes of a binary attribute, such as config, up to size. Returns how many, or -errno. */
ssize_t sysfs_bytes(const char *path, void *bytes, size_t size);

/* Returns 0 or -errno: what the kernel answered to the write. */
int sysfs_write(const char *path, const char *text);

/* Where a symbolic link leads, as it is written. Returns 0 or -errno; text is then empty. */
int sysfs_target(const char *path, char *text, size_t size);

/* The last component of where a symbolic link leads. Returns 0 or -errno; text is then empty. */
int sysfs_link(const char *path, char *text, size_t size);

/*
 * Calls each() for the names in a directory, sorted, without those that begin with a dot.
 * Returns how many, or -errno.
 */
int sysfs_list(const char *path, void (*each)(const char *name, void *arg), void *arg);

#endif
