// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "in_use.h"
#include "inventory.h"
#include "module.h"
#include "sysfs.h"
#include "take.h"
#include "undo.h"

#define BUS "/sys/bus/pci"
#define ERROR_MAX 512
#define NAME 64 /* of a driver; a longer one is cut off and then not found */
#define STEPS_MAX 3
#define NONE "-" /* in the undo journal */

struct taken {
	char bdf[20];
	char driver[NAME];
	char previous[NAME]; /* driver; empty: none */
	char override[NAME]; /* as driver_override read; empty: none */
	bool idle;	     /* it is in the undo journal */
};

static struct taken taken[TAKE_MAX];
static size_t n_taken;

/* One write to sysfs. */
struct step {
	const char *what;
	char path[SYSFS_PATH_MAX];
	char text[NAME + 1];
};

struct steps {
	struct step list[STEPS_MAX];
	size_t count;
};

static __attribute__((format(printf, 4, 5))) void add(struct steps *steps, const char *what,
						      const char *text, const char *format, ...)
{
	struct step *step = &steps->list[steps->count++];
	va_list args;

	step->what = what;
	snprintf(step->text, sizeof(step->text), "%s", text);
	va_start(args, format);
	vsnprintf(step->path, sizeof(step->path), format, args);
	va_end(args);
}

static void driver_of(const char *bdf, char driver[NAME])
{
	char path[SYSFS_PATH_MAX], text[SYSFS_NAME_MAX];

	snprintf(path, sizeof(path), BUS "/devices/%s/driver", bdf);
	sysfs_link(path, text, sizeof(text));
	snprintf(driver, NAME, "%.63s", text);
}

static void add_unbind(struct steps *steps, const char *bdf)
{
	add(steps, "unbinding", bdf, BUS "/devices/%s/driver/unbind", bdf);
}

/*
 * Binding by the driver's own bind file, unlike drivers_probe, tells why it failed and cannot end
 * with another driver.
 */
static void add_bind(struct steps *steps, const char *bdf, const char *driver)
{
	add(steps, "binding", bdf, BUS "/drivers/%s/bind", driver);
}

static void add_override(struct steps *steps, const char *what, const char *bdf, const char *driver)
{
	char text[NAME + 1];

	snprintf(text, sizeof(text), "%s\n", driver); /* a lone newline clears it */
	add(steps, what, text, BUS "/devices/%s/driver_override", bdf);
}

/* What gives the function to t->driver, if now has it. */
static struct steps to_take(const struct taken *t, const char *now)
{
	struct steps steps = {};

	add_override(&steps, "setting driver_override", t->bdf, t->driver);
	if (!strcmp(now, t->driver))
		return steps;
	if (*now)
		add_unbind(&steps, t->bdf);
	add_bind(&steps, t->bdf, t->driver);
	return steps;
}

/*
 * What puts everything back, if now has it. First away from our driver: while the override names
 * it, the earlier one would not match.
 */
static struct steps to_give_back(const struct taken *t, const char *now)
{
	bool other = strcmp(now, t->previous);
	struct steps steps = {};

	if (other && *now)
		add_unbind(&steps, t->bdf);
	add_override(&steps, "restoring driver_override", t->bdf, t->override);
	if (other && *t->previous)
		add_bind(&steps, t->bdf, t->previous);
	return steps;
}

/*
 * Returns 0, or -errno and what failed in *what. An override that is not taken does not keep the
 * rest from being done; the first step that fails otherwise is the last.
 */
static int perform(const struct steps *steps, bool giving_back, const char **what)
{
	int failed = 0;

	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->list[i];
		int err = sysfs_write(step->path, step->text);

		if (!err)
			continue;
		*what = step->what;
		failed = err;
		if (!giving_back || strcmp(step->what, "restoring driver_override"))
			return err;
	}
	return failed;
}

static int restore(const struct taken *t, const char **what)
{
	char now[NAME];
	struct steps steps;

	driver_of(t->bdf, now);
	steps = to_give_back(t, now);
	return perform(&steps, true, what);
}

static __attribute__((format(printf, 2, 3))) bool fail(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, ERROR_MAX, format, args);
	va_end(args);
	return false;
}

static bool has_driver(const char *driver)
{
	char path[SYSFS_PATH_MAX];

	snprintf(path, sizeof(path), BUS "/drivers/%s", driver);
	return sysfs_exists(path);
}

/* May bdf be given to driver? Fills *t with what is now; if not, says why in error. */
static bool may_take(const char *bdf, const char *driver, enum take_from from, struct taken *t,
		     char *error)
{
	char path[SYSFS_PATH_MAX], why[ERROR_MAX - 16];
	int err;

	for (size_t i = 0; i < n_taken; i++) {
		if (!strcmp(taken[i].bdf, bdf))
			return fail(error, "already taken");
	}
	if (n_taken == TAKE_MAX)
		return fail(error, "%d functions are taken, no more is possible", TAKE_MAX);
	snprintf(path, sizeof(path), BUS "/devices/%s", bdf);
	if (!sysfs_exists(path))
		return fail(error, "no such PCI function");
	if (from == TAKE_ANY && !has_driver(driver))
		return fail(error, "the kernel has no PCI driver %s; is its module loaded?",
			    driver);
	if (from == TAKE_IDLE && in_use("", bdf, why, sizeof(why)))
		return fail(error, "in use: %s", why);

	*t = (struct taken){ .idle = from == TAKE_IDLE };
	snprintf(t->bdf, sizeof(t->bdf), "%s", bdf);
	snprintf(t->driver, sizeof(t->driver), "%s", driver);
	driver_of(bdf, t->previous);
	snprintf(path, sizeof(path), BUS "/devices/%s/driver_override", bdf);
	err = sysfs_read(path, t->override, sizeof(t->override));
	if (err)
		return fail(error, "reading driver_override: %s", strerror(-err));
	if (!strcmp(t->override, "(null)"))
		t->override[0] = '\0';
	return true;
}

/* On a real host: nothing is changed before this is on the disk. */
static bool note(const struct taken *t, char *error)
{
	char text[UNDO_TEXT_MAX];

	if (!t->idle)
		return true;
	snprintf(text, sizeof(text), "%s %s %s", t->driver, *t->previous ? t->previous : NONE,
		 *t->override ? t->override : NONE);
	if (!undo_write(t->bdf, text))
		return fail(error, "the undo journal can't be written: %s", strerror(errno));
	return has_driver(t->driver) || module_load(t->driver, error, ERROR_MAX);
}

static void forget(const struct taken *t)
{
	if (t->idle)
		undo_forget(t->bdf);
}

/*
 * Returns false, with all as it was before and the reason in error, if t->driver does not have the
 * function afterwards.
 */
static bool give_to(const struct taken *t, char *error)
{
	const struct steps steps = to_take(t, t->previous);
	const char *what = "binding", *reason;
	char now[NAME];
	int err;

	err = perform(&steps, false, &what);
	driver_of(t->bdf, now);
	if (!err && !strcmp(now, t->driver))
		return true;
	reason = err ? strerrordesc_np(-err) : "no effect";
	fail(error, "%s: %s", what, reason);
	err = restore(t, &what);
	if (err)
		snprintf(error + strlen(error), ERROR_MAX - strlen(error), "; and then %s: %s",
			 what, strerrordesc_np(-err));
	else
		forget(t);
	return false;
}

static void refused(const char *op, const char *device, const char *error)
{
	struct json_out *json = frame_begin("refused");

	json_put_string(json, "op", op);
	if (device)
		json_put_string(json, "device", device);
	json_put_string(json, "error", error);
	frame_end();
}

static void put_steps(struct json_out *json, const char *key, const struct steps *steps)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < steps->count; i++) {
		json_open(json, NULL, '{');
		json_put_string(json, "path", steps->list[i].path);
		json_put_string(json, "text", steps->list[i].text);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* What would be written if t were taken, and when it is given back. */
static void say_would(const struct taken *t)
{
	const struct steps now = to_take(t, t->previous), back = to_give_back(t, t->driver);
	struct json_out *json = frame_begin("would");

	json_put_string(json, "device", t->bdf);
	json_put_name(json, "previous", t->previous);
	json_put_name(json, "module", has_driver(t->driver) ? NULL : t->driver);
	put_steps(json, "writes", &now);
	put_steps(json, "back", &back);
	frame_end();
}

/* To change a real host: root, who alone sees what others have open, and the undo journal. */
static bool may_begin(enum take_from from, bool dry, char *error)
{
	if (from == TAKE_ANY)
		return true;
	if (geteuid())
		return fail(error, "only root can see who uses it, and give it to another driver");
	return dry || undo_begin(error, ERROR_MAX);
}

void take(const char *bdf, const char *driver, enum take_from from, bool dry)
{
	struct json_out *json;
	char error[ERROR_MAX];
	struct taken t;

	if (!may_begin(from, dry, error) || !may_take(bdf, driver, from, &t, error)) {
		refused("take", bdf, error);
		return;
	}
	if (dry) {
		say_would(&t);
		return;
	}
	if (!note(&t, error)) {
		forget(&t);
		refused("take", bdf, error);
		return;
	}
	if (!give_to(&t, error)) {
		refused("take", bdf, error);
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

static void say_given_back(const char *bdf, const char *error)
{
	struct json_out *json;
	char now[NAME];

	driver_of(bdf, now);
	json = frame_begin("given_back");
	json_put_string(json, "device", bdf);
	json_put_name(json, "driver", now);
	if (*error)
		json_put_string(json, "error", error);
	frame_end();
}

void take_give_back(bool stuck)
{
	while (n_taken) {
		const struct taken *t = &taken[--n_taken];
		char error[ERROR_MAX] = "";
		const char *what = "";
		int err;

		if (stuck) {
			fail(error, "a process that cannot be killed may hold it");
		} else {
			err = restore(t, &what);
			if (err)
				fail(error, "%s: %s", what, strerror(-err));
			else
				forget(t);
		}
		say_given_back(t->bdf, error);
	}
	if (!stuck)
		module_unload_all();
}

static bool read_note(const char *bdf, const char *text, struct taken *t)
{
	*t = (struct taken){ .idle = true };
	snprintf(t->bdf, sizeof(t->bdf), "%s", bdf);
	if (sscanf(text, "%63s %63s %63[^\n]", t->driver, t->previous, t->override) != 3)
		return false;
	if (!strcmp(t->previous, NONE))
		t->previous[0] = '\0';
	if (!strcmp(t->override, NONE))
		t->override[0] = '\0';
	return true;
}

struct left {
	bool dry;
	size_t count;
};

/* A module that was loaded goes last: its devices have to be given back first. */
static void restore_module(const char *name, const char *text, bool same_boot, void *arg)
{
	const struct left *left = arg;

	(void)text;
	if (strncmp(name, MODULE_ENTRY, strlen(MODULE_ENTRY)) || left->dry)
		return;
	if (same_boot)
		module_unload(name + strlen(MODULE_ENTRY));
	else
		undo_forget(name);
}

static void restore_device(const char *name, const char *text, bool same_boot, void *arg)
{
	char error[ERROR_MAX] = "", why[ERROR_MAX - 16], now[NAME];
	struct left *left = arg;
	const char *what = "";
	struct taken t;
	int err;

	if (!strncmp(name, MODULE_ENTRY, strlen(MODULE_ENTRY)))
		return;
	if (left->dry && !same_boot)
		return; /* the new boot has put everything back */
	left->count++;
	if (!read_note(name, text, &t)) {
		fail(error, "its entry of the undo journal can't be read");
	} else if (same_boot) {
		driver_of(t.bdf, now);
		if (left->dry) {
			say_would(&t);
			return;
		}
		/* Unbinding waits for whoever has it open, and can't be interrupted. */
		if (!strcmp(now, t.driver) && strcmp(now, t.previous) &&
		    in_use_by_process("", t.bdf, why, sizeof(why))) {
			fail(error, "in use: %s", why);
		} else if (*now && strcmp(now, t.driver) && strcmp(now, t.previous)) {
			forget(&t); /* somebody has given it to another since: that is his */
		} else {
			err = restore(&t, &what);
			if (err)
				fail(error, "%s: %s", what, strerror(-err));
			else
				forget(&t);
		}
	} else {
		forget(&t); /* as above */
	}
	say_given_back(name, error);
}

void take_restore(bool dry)
{
	struct left left = { .dry = dry };
	struct json_out *json;
	char error[ERROR_MAX];

	if ((!dry || undo_exists()) && !undo_begin(error, sizeof(error))) {
		refused("restore", NULL, error);
		return;
	}
	undo_each(restore_device, &left);
	undo_each(restore_module, &left);
	json = frame_begin("restored");
	json_put_int(json, "devices", (int64_t)left.count);
	frame_end();
}
