/* SPDX-License-Identifier: GPL-2.0-only */
/* What fake_function.c has seen and shall answer. */
#ifndef CTS_FAKE_FUNCTION_H
#define CTS_FAKE_FUNCTION_H

#include <errno.h>

#include "function.h"

struct fake {
	uint8_t config[256];
	uint32_t bar[64];
	bool master;
	int eventfd;
	int resets; /* asked for so far */
	int busy;   /* so many of them find the device locked */
};

extern struct fake fake;

#endif
