/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: what a test tells the runner beside its TAP output, one JSON object a line on the pipe
 * whose number is in CTS_RECORD_FD (docs/stream.md, docs/results.md). Run by hand, without that
 * variable, nothing is recorded.
 */
#ifndef CTS_RECORD_H
#define CTS_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cts_skip {
#define CTS_SKIP_REASON(id, code, cause, meaning) CTS_SKIP_##id,
#include "skip_reasons.def"
#undef CTS_SKIP_REASON
};

/* The published code of a skip reason, "no-cdev" and the like. */
const char *cts_skip_code(enum cts_skip reason);

/* Records that the test can't say anything here. */
__attribute__((format(printf, 2, 3))) void cts_record_skip(enum cts_skip reason, const char *fmt,
							   ...);

/* Records that the lab or the test is at fault. Tests call cts_lab_error(), which also ends them. */
void cts_record_lab_error(const char *text);

/* Records something that is neither judged nor measured: what device-test shows of a device. */
__attribute__((format(printf, 2, 3))) void cts_record_fact(const char *name, const char *fmt, ...);

/* A condition under which samples were taken: a word, or a number where that is NULL. */
struct cts_param {
	const char *name;
	const char *word;
	uint64_t number;
};

/*
 * Records @count samples of @measure, in @unit ("ns", "bytes") and the fewer the better, taken under
 * @params, which end with one without a name: by convention "size" is in bytes. As many records as
 * their limited length takes; readers add them up in order.
 */
void cts_record_row(const char *measure, const char *unit, const struct cts_param *params,
		    const uint64_t *samples, size_t count);

/*
 * Records what fio said, a JSON object, as it is; rows under @params are made of it where it is
 * read; NULL: it is kept, and no row made.
 */
void cts_record_fio(const char *json, const struct cts_param *params);

/* As cts_record_row() under one condition: @param has @value. */
void cts_record_samples(const char *measure, const char *unit, const char *param, uint64_t value,
			const uint64_t *samples, size_t count);

/*
 * Writes @text to @out as a JSON string in printable ASCII, quotes included. Messages are ASCII;
 * any other byte comes out as the character of its number.
 */
void cts_json_string(FILE *out, const char *text);

#endif
