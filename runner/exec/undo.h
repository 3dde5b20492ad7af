/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The undo journal of a real host: what a run is about to change, and how it was before. It is on
 * the disk before the change, so that what was killed, or went down with the machine, can be put
 * back later. Whoever writes it is the only one on this machine: it holds the folder's lock until
 * it ends, in whatever way.
 */
#ifndef CTS_UNDO_H
#define CTS_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#define UNDO_TEXT_MAX 512

/* Names the folder; NULL: there is none, as on a virtual host, which keeps nothing. */
void undo_init(const char *folder);

/* Is there a folder with entries, maybe? */
bool undo_exists(void);

/* Makes this process the one that changes the machine. If it can't be, says why in error. */
bool undo_begin(char *error, size_t size);

/* Writes one entry, name being safe in a path, text one line. False, with errno, if it is not on
 * the disk. */
bool undo_write(const char *name, const char *text);

/* What an entry says was put back. */
void undo_forget(const char *name);

/*
 * Calls each() for every entry that an earlier process left, the newest first; same_boot is false
 * if the machine was started anew since.
 */
void undo_each(void (*each)(const char *name, const char *text, bool same_boot, void *arg),
	       void *arg);

#endif
