// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

bool sysfs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int sysfs_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	err = errno;
	close(fd);
	if (n < 0)
		return -err;
	if (n && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return 0;
}

ssize_t sysfs_bytes(const char *path, void *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = read(fd, bytes, size);
	err = errno;
	close(fd);
	return n < 0 ? -err : n;
}

int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = errno;
	close(fd);
	return n < 0 ? -err : 0;
}

int sysfs_target(const char *path, char *text, size_t size)
{
	ssize_t n = readlink(path, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : 0;
}

int sysfs_link(const char *path, char *text, size_t size)
{
	char target[PATH_MAX];
	int err = sysfs_target(path, target, sizeof(target));
	const char *name;

	text[0] = '\0';
	if (err)
		return err;
	name = basename(target);
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(text, name);
	return 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int sysfs_list(const char *path, void (*each)(const char *name, void *arg), void *arg)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_visible, alphasort);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		each(entries[i]->d_name, arg);
		free(entries[i]);
	}
	free(entries);
	return n;
}
