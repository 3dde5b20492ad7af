/* SPDX-License-Identifier: GPL-2.0-only */
/* What in_use() is made of. */
#ifndef CTS_EXEC_USE_H
#define CTS_EXEC_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define USE_PATH 1024
#define USE_NAME 96

/* Something that the kernel made of a function: a disk, an interface, a character device. */
struct use_part {
	char path[USE_PATH];	  /* its folder in sysfs */
	char name[USE_NAME];	  /* the last component of that */
	char subsystem[USE_NAME]; /* "block", "net", ... */
	dev_t dev;		  /* of its node; 0: it has none */
};

/* Where to look, what was found there, and what of that is used. */
struct use {
	const char *root;
	char device[USE_PATH]; /* the function's folder, with all links resolved */
	char driver[USE_NAME]; /* empty: none */
	struct use_part *parts;
	size_t count;
	char *why;
	size_t size;
};

/* root/<what format says>; cut off where it does not fit, and then nothing is there. */
__attribute__((format(printf, 3, 4))) void use_path(const struct use *use, char path[USE_PATH],
						    const char *format, ...);

/* Writes why, and returns true. */
__attribute__((format(printf, 2, 3))) bool use_says(struct use *use, const char *format, ...);

/* The first line of a file, empty if there is none; false if it can't be read. */
bool use_line(const char *path, char *line, size_t size);

/* The last component of where a link leads; empty if it is none. */
void use_link(const char *path, char name[USE_NAME]);

/* Does the driver of that name, "" for none, use its function for nobody but who asks it to? */
bool use_is_nobodys(const char *driver);

/* The numbers of a node that a file of sysfs holds as "major:minor"; 0: none. */
dev_t use_number(const char *path);

/* Calls each() for every name of a folder but the hidden ones until it returns true, as this does
 * then. */
bool use_each(const char *path, bool (*each)(struct use *use, const char *name, void *arg),
	      struct use *use, void *arg);

/* Fills parts with all that lies below the folder of the function; false without memory. */
bool use_find_parts(struct use *use);

/* Is one of the parts a disk, or a piece of one, that holds data in use? */
bool use_of_disks(struct use *use);

/* Has a process something of the function open or mapped? */
bool use_by_processes(struct use *use);

#endif
