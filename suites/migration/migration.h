/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bound device that can be migrated, in the state in which it runs, and the calls for it
 * (VFIO_DEVICE_FEATURE_MIGRATION and VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE of
 * include/uapi/linux/vfio.h). The kernel's sample mtty, a serial port in software, is one.
 */
#ifndef MIGRATION_MIGRATION_H
#define MIGRATION_MIGRATION_H

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device_fixture.h"

/* What a device has to keep when it is saved: more than any of this kind says of itself. */
#define DATA_MAX (1 << 20)

#define ERROR VFIO_DEVICE_STATE_ERROR
#define STOP VFIO_DEVICE_STATE_STOP
#define RUNNING VFIO_DEVICE_STATE_RUNNING
#define STOP_COPY VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define RUNNING_P2P VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE_COPY VFIO_DEVICE_STATE_PRE_COPY
#define PRE_COPY_P2P VFIO_DEVICE_STATE_PRE_COPY_P2P
#define STATES (PRE_COPY_P2P + 1)

struct state_argument {
	struct vfio_device_feature header;
	struct vfio_device_feature_mig_state state;
};

/* Moves the device to @state. 0 or -errno; *@file is the file that comes with it, or -1. */
static inline int set_state(int device, uint32_t state, int *file)
{
	struct state_argument args = {
		.header.argsz = sizeof(args),
		.header.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		.state.device_state = state,
		.state.data_fd = -2,
	};
	int rc = ioctl(device, VFIO_DEVICE_FEATURE, &args) ? -errno : 0;

	*file = args.state.data_fd;
	return rc;
}

/* The state that the device is in, or -errno. */
static inline int get_state(int device)
{
	struct state_argument args = {
		.header.argsz = sizeof(args),
		.header.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
		.state.data_fd = -2,
	};

	if (ioctl(device, VFIO_DEVICE_FEATURE, &args))
		return -errno;
	return args.state.data_fd == -1 ? (int)args.state.device_state : -EBADMSG;
}

/* The flags of what the device can do (VFIO_MIGRATION_STOP_COPY and the like), or -errno. */
static inline int64_t migration_flags(int device)
{
	struct {
		struct vfio_device_feature header;
		struct vfio_device_feature_migration migration;
	} args = {
		.header.argsz = sizeof(args),
		.header.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION,
	};

	return ioctl(device, VFIO_DEVICE_FEATURE, &args) ? -errno : (int64_t)args.migration.flags;
}

FIXTURE(migration)
{
	DEVICE_FIELDS;
	int64_t flags;
	int file; /* of the last move; -1: none */
	char *data;
	size_t length; /* of the data */
};

FIXTURE_SETUP(migration)
{
	self->file = -1;
	DEVICE_SETUP_OR_SKIP(self);
	self->flags = migration_flags(self->device);
	if (self->flags == -ENOTTY)
		CTS_SKIP(DEVICE_LACKS, "it can't be migrated");
	ASSERT_TRUE(self->flags > 0 && self->flags & VFIO_MIGRATION_STOP_COPY);
	/* Whoever had it before may have left it in any state. */
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
	ASSERT_EQ(RUNNING, get_state(self->device));
	self->data = malloc(DATA_MAX);
	cts_lab_require(self->data, "memory for what is saved");
}

FIXTURE_TEARDOWN(migration)
{
	if (self->file >= 0)
		cts_close(&self->file);
	free(self->data);
	DEVICE_TEARDOWN(self);
}

#define NEEDS CTS_NEED_CDEV

/* Moves the device; the file that was there before is closed. */
static int move(FIXTURE_DATA(migration) * self, uint32_t state)
{
	int file, rc = set_state(self->device, state, &file);

	if (file >= 0 || !rc) {
		if (self->file >= 0)
			cts_close(&self->file);
		self->file = file;
	}
	return rc;
}

/* Reads all of the file that came with the last move. False if it has no end, or can't be read. */
static bool save(FIXTURE_DATA(migration) * self)
{
	ssize_t n;

	for (self->length = 0; self->length < DATA_MAX; self->length += (size_t)n) {
		n = read(self->file, self->data + self->length, DATA_MAX - self->length);
		if (n <= 0)
			return !n;
	}
	return false;
}

/* Writes so much of what was saved to the file that came with the last move. */
static bool load(const FIXTURE_DATA(migration) * self, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write(self->file, self->data + done, length - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

#endif
