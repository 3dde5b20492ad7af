// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysfs.h"
#include "undo.h"

#define LOCK ".lock"
#define ENTRIES_MAX 512

static const char *folder;
static int folder_fd = -1, lock_fd = -1;

void undo_init(const char *path)
{
	folder = path;
}

bool undo_exists(void)
{
	return folder && !access(folder, F_OK);
}

static void boot_id(char id[64])
{
	sysfs_read("/proc/sys/kernel/random/boot_id", id, 64);
	if (!*id)
		strcpy(id, "unknown");
}

static void give_up(void)
{
	if (lock_fd >= 0)
		close(lock_fd);
	if (folder_fd >= 0)
		close(folder_fd);
	lock_fd = folder_fd = -1;
}

/* The folder's last component is made; those above it are the machine's owner's matter. */
static bool open_folder(char *error, size_t size)
{
	struct stat st;

	if (mkdir(folder, 0700) && errno != EEXIST) {
		snprintf(error, size, "the undo journal %s can't be made: %s", folder,
			 strerror(errno));
		return false;
	}
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder_fd < 0 || fstat(folder_fd, &st)) {
		snprintf(error, size, "the undo journal %s can't be used: %s", folder,
			 strerror(errno));
		return false;
	}
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(error, size,
			 "the undo journal %s can be written by others: nothing in it can be "
			 "believed",
			 folder);
		return false;
	}
	return true;
}

bool undo_begin(char *error, size_t size)
{
	char holder[32] = "";
	bool busy;

	if (lock_fd >= 0)
		return true;
	if (!folder) {
		snprintf(error, size, "cts-exec has no undo journal (--undo)");
		return false;
	}
	if (!open_folder(error, size)) {
		give_up();
		return false;
	}
	lock_fd = openat(folder_fd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	busy = lock_fd >= 0 && flock(lock_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	if (busy && pread(lock_fd, holder, sizeof(holder) - 1, 0) > 0)
		holder[strcspn(holder, "\n")] = '\0';
	if (lock_fd < 0 || busy) {
		snprintf(error, size,
			 busy ? "another run is on this machine: process %s"
			      : "the undo journal can't be locked: %s",
			 busy ? holder : strerror(errno));
		give_up();
		return false;
	}
	snprintf(holder, sizeof(holder), "%d\n", getpid());
	if (ftruncate(lock_fd, 0) || pwrite(lock_fd, holder, strlen(holder), 0) < 0)
		return true; /* the number is for people; the lock holds without it */
	return true;
}

static bool write_whole(int fd, const char *text)
{
	const size_t len = strlen(text);

	return write(fd, text, len) == (ssize_t)len && !fsync(fd);
}

bool undo_write(const char *name, const char *text)
{
	char line[UNDO_TEXT_MAX + 80], id[64];
	int fd, err;

	boot_id(id);
	snprintf(line, sizeof(line), "%s %s\n", id, text);
	fd = openat(folder_fd, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	err = write_whole(fd, line) ? 0 : errno ? errno : EIO;
	close(fd);
	if (!err && (renameat(folder_fd, ".new", folder_fd, name) || fsync(folder_fd)))
		err = errno;
	errno = err;
	return !err;
}

void undo_forget(const char *name)
{
	if (folder_fd >= 0)
		unlinkat(folder_fd, name, 0);
}

struct entry {
	char name[64];
	struct timespec written;
};

static int newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->written;
	const struct timespec *y = &((const struct entry *)b)->written;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static bool read_entry(const char *name, char *text, size_t size)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return n > 0;
}

void undo_each(void (*each)(const char *name, const char *text, bool same_boot, void *arg),
	       void *arg)
{
	static struct entry entries[ENTRIES_MAX];
	char line[UNDO_TEXT_MAX + 80], id[64];
	struct dirent *file;
	size_t count = 0;
	DIR *dir;

	dir = folder_fd < 0 ? NULL : fdopendir(dup(folder_fd));
	if (!dir)
		return;
	rewinddir(dir);
	while ((file = readdir(dir)) && count < ENTRIES_MAX) {
		struct stat st;

		if (file->d_name[0] == '.' || strlen(file->d_name) >= sizeof(entries[0].name) ||
		    fstatat(folder_fd, file->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		strcpy(entries[count].name, file->d_name);
		entries[count++].written = st.st_mtim;
	}
	closedir(dir);
	qsort(entries, count, sizeof(entries[0]), newest_first);
	boot_id(id);
	for (size_t i = 0; i < count; i++) {
		const char *text;

		if (!read_entry(entries[i].name, line, sizeof(line)) || !(text = strchr(line, ' ')))
			continue;
		line[text - line] = '\0';
		each(entries[i].name, text + 1, !strcmp(line, id), arg);
	}
}
