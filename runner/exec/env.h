/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_ENV_H
#define CTS_ENV_H

#include "plan.h"

/*
 * The environment of a test: CTS_RECORD_FD, CTS_DEVICE, op->env, and what is left of cts-exec's
 * own, the earlier winning. NULL at the end. It is valid until the next call; NULL if memory
 * ran out.
 */
char *const *env_make(const struct op *op);

#endif
