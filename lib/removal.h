/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device that is taken from its driver or from its bus while somebody has files of it. A child
 * writes that to sysfs, since the write doesn't return before the last file is closed. That it has
 * begun is seen when the device's node goes; that it ended, when the child does.
 */
#ifndef CTS_REMOVAL_H
#define CTS_REMOVAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "sysfs.h"

struct removal {
	pid_t child;
	int alive; /* the end of a pipe that hangs up when the child ends */
};

/*
 * Lets a child write @text to the file @path, "unbind" of a driver or "remove" of a device. Returns
 * when the device's node is gone, or the child: then removal_finish() says what became of it.
 */
void removal_start(struct removal *removal, const char *path, const char *text);

/* The same, with the node of another function that goes. */
void removal_start_of(struct removal *removal, const char *bdf, const char *path, const char *text);

/* Takes the driver from the device in CTS_DEVICE; takes the device from its bus. */
void removal_start_unbind(struct removal *removal);
void removal_start_remove(struct removal *removal);

/* Does the child end within @ms milliseconds? */
bool removal_has_ended(const struct removal *removal, int ms);

/*
 * Has the write not returned yet, nor does it soon? How long that is watched can't make a test
 * fail.
 */
bool removal_waits(const struct removal *removal);

/* Waits for the write to return: 0 or -errno of it; -EINTR if the child was killed meanwhile. */
int removal_finish(const struct removal *removal);

/* What the device in CTS_DEVICE was like before a test took it away. */
struct removal_before {
	char driver[SYSFS_PATH];
	char override[SYSFS_PATH];     /* driver_override, in the form that it takes */
	char reset_method[SYSFS_PATH]; /* empty: there is none */
};

void removal_remember(struct removal_before *before);

/* Finds the device again if it is gone, and gives it its driver back: the same, as it was. */
void removal_undo(const struct removal_before *before);

#endif
