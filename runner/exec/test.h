/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_TEST_H
#define CTS_TEST_H

#include "plan.h"

/*
 * Runs one test (op->kind is OP_TEST) and sends its events, from test_start to test_end.
 * Returns when the test and all that it left are gone, or cannot be killed. With alone, nobody
 * follows who could switch the target off: if the next test should not find the kernel as it is
 * now, test_end says why and the function returns false.
 */
bool test_run(const struct op *op, bool alone);

#endif
