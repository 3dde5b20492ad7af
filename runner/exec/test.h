/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_TEST_H
#define CTS_TEST_H

#include "plan.h"

/*
 * Runs one test (op->kind is OP_TEST) and sends its events, from test_start to test_end.
 * Returns when the test and all that it left are gone, or cannot be killed.
 */
void test_run(const struct op *op);

#endif
