// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "removal.h"

#define WATCHED_MS 500

static void device_attribute(char path[SYSFS_PATH], const char *name)
{
	snprintf(path, SYSFS_PATH, "/sys/bus/pci/devices/%s/%s", sysfs_device(), name);
}

bool removal_has_ended(const struct removal *removal, int ms)
{
	struct pollfd alive = { .fd = removal->alive };

	return poll(&alive, 1, ms) > 0;
}

bool removal_waits(const struct removal *removal)
{
	return !removal_has_ended(removal, WATCHED_MS);
}

/*
 * Gives up what the child has inherited of devices: descriptors but the one of number 3, and mapped
 * registers, which are references to the file as well.
 */
static int let_go(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	void *start, *end;

	if (!maps)
		return -errno;
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/dev/vfio/") && sscanf(line, "%p-%p", &start, &end) == 2)
			munmap(start, (size_t)((char *)end - (char *)start));
	fclose(maps);
	return close_range(4, ~0U, 0) ? -errno : 0;
}

void removal_start_of(struct removal *removal, const char *bdf, const char *path, const char *text)
{
	char node[SYSFS_PATH];
	int ends[2];
	pid_t child;

	cts_lab_require(!__sysfs_cdev_path_of(bdf, node), "the device's node");
	cts_lab_require(!pipe2(ends, O_CLOEXEC), "pipe2");
	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		if (dup2(ends[1], 3) != 3 || let_go())
			_exit(EBADF);
		_exit(-__sysfs_write(path, text));
	}
	cts_close(&ends[1]);
	removal->child = child;
	removal->alive = ends[0];
	while (!access(node, F_OK) && !removal_has_ended(removal, 0))
		sched_yield();
}

void removal_start(struct removal *removal, const char *path, const char *text)
{
	removal_start_of(removal, sysfs_device(), path, text);
}

void removal_start_unbind(struct removal *removal)
{
	char path[SYSFS_PATH];

	device_attribute(path, "driver/unbind");
	removal_start(removal, path, sysfs_device());
}

void removal_start_remove(struct removal *removal)
{
	char path[SYSFS_PATH];

	device_attribute(path, "remove");
	removal_start(removal, path, "1");
}

int removal_finish(const struct removal *removal)
{
	int status;

	cts_require(waitpid(removal->child, &status, 0) == removal->child, "waitpid");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return -EINTR;
	cts_require(WIFEXITED(status), "the child ended with status %#x", status);
	return -WEXITSTATUS(status);
}

void removal_remember(struct removal_before *before)
{
	sysfs_driver(before->driver);
	/* None is shown as "(null)", and set by a line without a name. */
	if (__sysfs_attribute("driver_override", before->override) || before->override[0] == '(')
		strcpy(before->override, "\n");
	if (__sysfs_attribute("reset_method", before->reset_method))
		before->reset_method[0] = '\0';
}

static void restore(const char *name, const char *text)
{
	int rc = __sysfs_set_attribute(name, text);

	if (rc)
		cts_lab_error("%s of %s doesn't take \"%s\": %s", name, sysfs_device(), text,
			      strerror(-rc));
}

void removal_undo(const struct removal_before *before)
{
	char path[SYSFS_PATH], methods[SYSFS_PATH];
	int rc;

	if (!before->driver[0] || !__sysfs_cdev_path(path))
		return;
	/* Waits for the end of a removal that is under way. What else the machine may find is not
	 * ours. */
	snprintf(path, sizeof(path), "/sys/class/pci_bus/%.*s/rescan",
		 (int)(strrchr(sysfs_device(), ':') - sysfs_device()), sysfs_device());
	if (__sysfs_write(path, "1") || !sysfs_device_exists())
		cts_lab_error("%s was not found again", sysfs_device());
	/* One that the kernel finds anew may have none: what is beside it is there by now. */
	if (!__sysfs_attribute("reset_method", methods) && strcmp(methods, before->reset_method))
		restore("reset_method", before->reset_method);
	device_attribute(path, "driver");
	if (!access(path, F_OK)) {
		device_attribute(path, "driver/unbind");
		(void)__sysfs_write(path, sysfs_device());
	}
	/* None but the driver that had it may take it. */
	restore("driver_override", before->driver);
	rc = __sysfs_tell_driver(before->driver, "bind", sysfs_device());
	restore("driver_override", before->override);
	if (rc)
		cts_lab_error("%s didn't take %s back: %s", before->driver, sysfs_device(),
			      strerror(-rc));
}
