// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "module.h"
#include "sysfs.h"
#include "undo.h"
#include "wait.h"

#define MODULES_MAX 16

static char loaded[MODULES_MAX][SYSFS_NAME_MAX];
static size_t n_loaded;

/* Reads until the end; the text is at most size - 1 bytes, its first line alone is kept. */
static void read_line(int fd, char *text, size_t size)
{
	size_t len = 0;
	char rest[256];
	ssize_t n;

	do {
		n = len < size - 1 ? read(fd, text + len, size - 1 - len)
				   : read(fd, rest, sizeof(rest));
		if (n > 0 && len < size - 1)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* modprobe [flag] name. Returns whether it worked, with its words in said if not. */
static bool modprobe(const char *flag, const char *name, char *said, size_t size)
{
	static const char *const paths[] = { "/sbin/modprobe", "/usr/sbin/modprobe" };
	char *argv[] = { "modprobe", (char *)flag, (char *)name, NULL };
	char *env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1, err = ENOENT;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;

	snprintf(said, size, "%s", "no pipe could be made");
	if (pipe2(ends, O_CLOEXEC))
		return false;
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
	for (size_t i = 0; err && i < sizeof(paths) / sizeof(paths[0]); i++)
		err = posix_spawn(&pid, paths[i], &actions, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(ends[1]);
	if (err) {
		snprintf(said, size, "modprobe can't be started: %s", strerror(err));
	} else {
		read_line(ends[0], said, size);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status && !*said)
			snprintf(said, size, "modprobe ended with status %#x", status);
	}
	close(ends[0]);
	return !err && !status;
}

bool module_load(const char *name, char *error, size_t size)
{
	char entry[SYSFS_NAME_MAX + 16], said[256];

	if (n_loaded == MODULES_MAX) {
		snprintf(error, size, "so many modules were loaded that no more is possible");
		return false;
	}
	snprintf(entry, sizeof(entry), MODULE_ENTRY "%.48s", name);
	if (!undo_write(entry, "loaded")) {
		snprintf(error, size, "the undo journal can't be written: %s", strerror(errno));
		return false;
	}
	if (!modprobe("--", name, said, sizeof(said))) {
		undo_forget(entry);
		snprintf(error, size,
			 "the kernel has no PCI driver %s, and its module does not load: %s", name,
			 said);
		return false;
	}
	snprintf(loaded[n_loaded++], SYSFS_NAME_MAX, "%s", name);
	return true;
}

void module_unload(const char *name)
{
	char entry[SYSFS_NAME_MAX + 16], said[256];
	bool gone = modprobe("-r", name, said, sizeof(said));
	struct json_out *json = frame_begin("unloaded");

	json_put_string(json, "module", name);
	if (!gone)
		json_put_string(json, "error", said);
	frame_end();
	/* One that somebody else uses by now is his. */
	snprintf(entry, sizeof(entry), MODULE_ENTRY "%.48s", name);
	undo_forget(entry);
}

void module_unload_all(void)
{
	while (n_loaded)
		module_unload(loaded[--n_loaded]);
}
