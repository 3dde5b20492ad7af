/* SPDX-License-Identifier: GPL-2.0-only */
/* The module of a driver, loaded for a run. */
#ifndef CTS_MODULE_H
#define CTS_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_ENTRY "module-" /* what names of the undo journal begin with */

/* Loads it by modprobe(8), noted in the undo journal. False with the reason in error. */
bool module_load(const char *name, char *error, size_t size);

/* Unloads those that module_load() loaded, the last first, and says so by unloaded. */
void module_unload_all(void);

/* The same for one that an earlier process loaded. */
void module_unload(const char *name);

#endif
