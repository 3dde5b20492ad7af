// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "scratch.h"
#include "sysfs.h"

/* The file that keeps @name of the device, in @path; false where nothing is to be kept. */
static bool scratch_path(char path[PATH_MAX], const char *name)
{
	const char *scratch = getenv("CTS_SCRATCH");

	if (!scratch)
		return false;
	return snprintf(path, PATH_MAX, "%s/%s-%s", scratch, name, sysfs_device()) < PATH_MAX;
}

bool scratch_recall(const char *name, void *data, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (!scratch_path(path, name))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, data, size);
	close(fd);
	return n == (ssize_t)size;
}

/* Renamed into place, so that a test that is killed meanwhile leaves no half of it. */
void scratch_keep(const char *name, const void *data, size_t size)
{
	char path[PATH_MAX], draft[PATH_MAX + 8];
	bool whole;
	int fd;

	if (!scratch_path(path, name))
		return;
	snprintf(draft, sizeof(draft), "%s.draft", path);
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	whole = write(fd, data, size) == (ssize_t)size;
	close(fd);
	if (!whole || rename(draft, path))
		unlink(draft);
}
