/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests need of host and device (needs.def), as a mask, and whether it is there. */
#ifndef CTS_NEEDS_H
#define CTS_NEEDS_H

#include <stddef.h>

#include "record.h"

enum cts_need_index {
#define CTS_NEED(id, name, reason, scope) CTS_NEED_INDEX_##id,
#include "needs.def"
#undef CTS_NEED
};

enum cts_need {
#define CTS_NEED(id, name, reason, scope) CTS_NEED_##id = 1U << CTS_NEED_INDEX_##id,
#include "needs.def"
#undef CTS_NEED
};

/* Published names by enum cts_need_index. */
extern const char *const cts_need_names[];
extern const size_t cts_need_count;

struct cts_missing {
	const char *what; /* NULL: nothing is missing */
	enum cts_skip reason;
};

/*
 * The first of @needs, a mask of CTS_NEED_*, that this host or the device in
 * CTS_DEVICE doesn't offer. What needs a cdev needs an iommufd too.
 */
struct cts_missing cts_missing_need(unsigned int needs);

#endif
