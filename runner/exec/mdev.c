// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "inventory.h"
#include "mdev.h"
#include "sysfs.h"

#define PARENTS "/sys/class/mdev_bus"
#define UUID_MAX 40

static char made[MDEV_MAX][UUID_MAX];
static size_t n_made;

static void send_type(const char *type, void *parent)
{
	struct json_out *json = frame_begin("mdev_type");

	json_put_string(json, "parent", parent);
	json_put_string(json, "type", type);
	frame_end();
}

static void send_types_of(const char *parent, void *arg)
{
	char path[SYSFS_PATH_MAX], name[SYSFS_NAME_MAX];

	(void)arg;
	snprintf(name, sizeof(name), "%s", parent);
	snprintf(path, sizeof(path), PARENTS "/%.100s/mdev_supported_types", parent);
	sysfs_list(path, send_type, name);
}

void mdev_send_types(void)
{
	sysfs_list(PARENTS, send_types_of, NULL);
}

static void refused(const char *uuid, const char *error)
{
	struct json_out *json = frame_begin("refused");

	json_put_string(json, "op", "make");
	json_put_string(json, "device", uuid);
	json_put_string(json, "error", error);
	frame_end();
}

void mdev_make(const char *uuid, const char *parent, const char *type)
{
	char path[SYSFS_PATH_MAX], driver[SYSFS_NAME_MAX];
	struct json_out *json;
	int err;

	if (n_made == MDEV_MAX) {
		refused(uuid, "so many were made already that no more is possible");
		return;
	}
	snprintf(path, sizeof(path), PARENTS "/%.63s/mdev_supported_types/%.63s/create", parent,
		 type);
	err = sysfs_write(path, uuid);
	if (err) {
		refused(uuid, err == -ENOENT ? "no such parent or type" : strerrordesc_np(-err));
		return;
	}
	snprintf(made[n_made++], UUID_MAX, "%s", uuid);
	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/driver", uuid);
	sysfs_link(path, driver, sizeof(driver));
	json = frame_begin("taken");
	json_put_string(json, "device", uuid);
	json_put_name(json, "previous", NULL);
	json_put_name(json, "driver", driver);
	inventory_put_vfio(json, uuid);
	frame_end();
}

void mdev_remove(bool stuck)
{
	while (n_made) {
		const char *uuid = made[--n_made];
		char path[SYSFS_PATH_MAX];
		const char *error = NULL;
		struct json_out *json;
		int err;

		snprintf(path, sizeof(path), MDEV_DEVICES "/%s/remove", uuid);
		if (stuck) {
			error = "a process that cannot be killed may hold it";
		} else {
			err = sysfs_write(path, "1");
			if (err)
				error = strerrordesc_np(-err);
		}
		json = frame_begin("given_back");
		json_put_string(json, "device", uuid);
		json_put_name(json, "driver", NULL);
		if (error)
			json_put_string(json, "error", error);
		frame_end();
	}
}
