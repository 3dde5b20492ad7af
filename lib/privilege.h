/* SPDX-License-Identifier: GPL-2.0-only */
/* Being an ordinary user, for what root may and others may not. */
#ifndef CTS_PRIVILEGE_H
#define CTS_PRIVILEGE_H

#include <sys/types.h>

/* Ids that own nothing, and that no kernel or distribution gives away. */
#define PRIVILEGE_NOBODY 65534
#define PRIVILEGE_NOBODY_ELSE 65533

/*
 * Makes the process, a child that root forked for it, one of @user: without groups, capabilities or
 * a way to get any. It keeps its open files. Where that can't be done the lab is at fault.
 */
void privilege_drop(uid_t user);

#endif
