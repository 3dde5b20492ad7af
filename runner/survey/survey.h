/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of cts-survey. Each puts what it finds into the object that is open in @json. What
 * can't be read is left out or null; nothing is ever written, and no device file is opened.
 * docs/doctor.md lists the keys.
 */
#ifndef CTS_SURVEY_H
#define CTS_SURVEY_H

#include "../exec/json.h"

#define SURVEY_PATH 512

/* Where sysfs is mounted: "/sys", but in tests. */
extern const char *survey_sysfs;

/* The path of @name, which may hold conversions, below survey_sysfs. */
__attribute__((format(printf, 2, 3))) void survey_path(char path[SURVEY_PATH], const char *name,
						       ...);

/* Puts the text of the file @path as string @key; null where it can't be read or is empty. */
void survey_put_text(struct json_out *json, const char *key, const char *path);

/* The machine and its kernel: limits, memory, IOMMUs, drivers, what is switched on. */
void survey_host(struct json_out *json);

/* The lines of the kernel's log that say something of IOMMUs, interrupts, PCIe errors and lockdown.
 */
void survey_log(struct json_out *json);

/*
 * The functions @bdfs (all that there are if @count is 0), with the bridges above them and the
 * other functions of their groups.
 */
void survey_functions(struct json_out *json, char *const *bdfs, int count);

#endif
