// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "inventory.h"
#include "sysfs.h"
#include "take.h"

#define BUS "/sys/bus/pci"
#define ERROR_MAX 512

static struct taken {
	char bdf[20];
	char previous[SYSFS_NAME_MAX]; /* driver; empty: none */
	char override[SYSFS_NAME_MAX]; /* as driver_override read; empty: none */
} taken[TAKE_MAX];
static size_t n_taken;

static void path_of(char *path, const char *bdf, const char *name)
{
	snprintf(path, SYSFS_PATH_MAX, BUS "/devices/%s%s%s", bdf, *name ? "/" : "", name);
}

static void driver_of(const char *bdf, char *driver)
{
	char path[SYSFS_PATH_MAX];

	path_of(path, bdf, "driver");
	sysfs_link(path, driver, SYSFS_NAME_MAX);
}

static int set_override(const char *bdf, const char *driver)
{
	char path[SYSFS_PATH_MAX], text[SYSFS_NAME_MAX + 1];

	path_of(path, bdf, "driver_override");
	snprintf(text, sizeof(text), "%s\n", driver); /* a lone newline clears it */
	return sysfs_write(path, text);
}

/*
 * Makes driver (empty: none) the one who has bdf. Binding by the driver's own bind file, unlike
 * drivers_probe, tells why it failed and cannot end with another driver. Returns 0, or -errno
 * and what failed in *step.
 */
static int make_bound(const char *bdf, const char *driver, const char **step)
{
	char path[SYSFS_PATH_MAX], now[SYSFS_NAME_MAX];
	int err;

	driver_of(bdf, now);
	if (!strcmp(now, driver))
		return 0;
	if (*now) {
		*step = "unbinding";
		path_of(path, bdf, "driver/unbind");
		err = sysfs_write(path, bdf);
		if (err)
			return err;
	}
	if (!*driver)
		return 0;
	*step = "binding";
	snprintf(path, sizeof(path), BUS "/drivers/%.100s/bind", driver);
	return sysfs_write(path, bdf);
}

/* Returns 0, or -errno and what failed in *step. */
static int restore(const struct taken *t, const char **step)
{
	char now[SYSFS_NAME_MAX];
	int err, override_err;

	/*
	 * First away from our driver: while the override names it, the earlier one would not
	 * match.
	 */
	driver_of(t->bdf, now);
	if (strcmp(now, t->previous)) {
		err = make_bound(t->bdf, "", step);
		if (err)
			return err;
	}
	override_err = set_override(t->bdf, t->override);
	err = make_bound(t->bdf, t->previous, step);
	if (!err && override_err) {
		*step = "restoring driver_override";
		err = override_err;
	}
	return err;
}

static __attribute__((format(printf, 2, 3))) bool fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, ERROR_MAX, format, args);
	va_end(args);
	return false;
}

/* May bdf be given to driver? Fills *t with what is now; if not, says why in error. */
static bool may_take(const char *bdf, const char *driver, bool from_any, struct taken *t,
		     char *error)
{
	char path[SYSFS_PATH_MAX];
	int err;

	for (size_t i = 0; i < n_taken; i++) {
		if (!strcmp(taken[i].bdf, bdf))
			return fail(error, "already taken");
	}
	if (n_taken == TAKE_MAX)
		return fail(error, "%d functions are taken, no more is possible", TAKE_MAX);
	path_of(path, bdf, "");
	if (!sysfs_exists(path))
		return fail(error, "no such PCI function");
	snprintf(path, sizeof(path), BUS "/drivers/%s", driver);
	if (!sysfs_exists(path))
		return fail(error, "the kernel has no PCI driver %s; is its module loaded?",
			    driver);

	snprintf(t->bdf, sizeof(t->bdf), "%s", bdf);
	driver_of(bdf, t->previous);
	if (*t->previous && strcmp(t->previous, driver) && !from_any)
		return fail(error, "in use by driver %s", t->previous);
	path_of(path, bdf, "driver_override");
	err = sysfs_read(path, t->override, sizeof(t->override));
	if (err)
		return fail(error, "reading driver_override: %s", strerror(-err));
	if (!strcmp(t->override, "(null)"))
		t->override[0] = '\0';
	return true;
}

/*
 * Returns false, with all as it was before and the reason in error, if driver does not have bdf
 * afterwards.
 */
static bool give_to(const struct taken *t, const char *driver, char *error)
{
	const char *step = "setting driver_override", *restore_step;
	char now[SYSFS_NAME_MAX];
	const char *reason;
	int err;

	err = set_override(t->bdf, driver);
	if (!err)
		err = make_bound(t->bdf, driver, &step);
	driver_of(t->bdf, now);
	if (!err && !strcmp(now, driver))
		return true;
	reason = err ? strerrordesc_np(-err) : "no effect";
	err = restore(t, &restore_step);
	if (err)
		return fail(error, "%s: %s; and then %s: %s", step, reason, restore_step,
			    strerrordesc_np(-err));
	return fail(error, "%s: %s", step, reason);
}

void take(const char *bdf, const char *driver, bool from_any)
{
	struct json_out *json;
	char error[ERROR_MAX];
	struct taken t;

	if (!may_take(bdf, driver, from_any, &t, error) || !give_to(&t, driver, error)) {
		json = frame_begin("refused");
		json_put_string(json, "op", "take");
		json_put_string(json, "device", bdf);
		json_put_string(json, "error", error);
		frame_end();
		return;
	}
	taken[n_taken++] = t;
	json = frame_begin("taken");
	json_put_string(json, "device", bdf);
	json_put_name(json, "previous", t.previous);
	json_put_string(json, "driver", driver);
	inventory_put_vfio(json, bdf);
	frame_end();
}

void take_give_back(bool stuck)
{
	while (n_taken) {
		struct taken *t = &taken[--n_taken];
		char error[ERROR_MAX] = "", now[SYSFS_NAME_MAX];
		const char *step = "";
		struct json_out *json;
		int err;

		if (stuck) {
			fail(error, "a process that cannot be killed may hold it");
		} else {
			err = restore(t, &step);
			if (err)
				fail(error, "%s: %s", step, strerror(-err));
		}
		driver_of(t->bdf, now);
		json = frame_begin("given_back");
		json_put_string(json, "device", t->bdf);
		json_put_name(json, "driver", now);
		if (*error)
			json_put_string(json, "error", error);
		frame_end();
	}
}
