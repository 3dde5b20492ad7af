/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of the plan. See docs/stream.md. */
#ifndef CTS_PLAN_H
#define CTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "take.h"

#define PLAN_LINE_MAX 65536
#define PLAN_ID_MAX 512
#define PLAN_ARGS_MAX 1024
#define PLAN_ENV_MAX 256
#define PLAN_TIMEOUT_MAX_MS 86400000

enum op_kind { OP_INVENTORY, OP_READ, OP_TAKE, OP_MAKE, OP_GIVE_BACK, OP_RESTORE, OP_TEST, OP_END };

/* One line of the plan. The strings lie in the line that was parsed. */
struct op {
	enum op_kind kind;
	const char *path; /* read: absolute */
	/*
	 * take: dddd:bb:dd.f. make: a UUID. test: one of them, NULL if not given. All are safe in a
	 * path.
	 */
	const char *device;
	const char *driver;  /* take: safe in a path */
	const char *parent;  /* make: safe in a path */
	const char *type;    /* make: safe in a path */
	enum take_from from; /* take */
	bool dry;	     /* take, restore: only say what would be done */
	const char *id;	     /* test */
	char *argv[PLAN_ARGS_MAX + 1];
	int64_t timeout_ms;
	int64_t taints; /* test: the bits that it may set */
	bool harmless;	/* test: if it fails, it leaves the kernel as it was all the same */
	struct {
		const char *name, *value;
	} env[PLAN_ENV_MAX];
	size_t n_env;
};

/*
 * Reads one line (len bytes, changed) into *op. Returns false with the reason in error (size
 * bytes, always ended by NUL).
 */
bool plan_parse(char *line, size_t len, struct op *op, char *error, size_t size);

#endif
