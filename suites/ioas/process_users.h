/* SPDX-License-Identifier: GPL-2.0-only */
/* The variants for processes of an ordinary user, in a context of either mode. */
#ifndef IOAS_PROCESS_USERS_H
#define IOAS_PROCESS_USERS_H

#include "process.h"

FIXTURE_VARIANT_ADD(bound, by_user)
{
	.mode = 0,
	.user = PRIVILEGE_NOBODY,
};

FIXTURE_VARIANT_ADD(bound, by_process)
{
	.mode = 1,
	.user = PRIVILEGE_NOBODY,
};

#endif
