/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What LAVA is told of tests and measurements, by lines that its test shell looks for on a console
 * (lava_dispatcher/actions/test/shell.py). It is for those who look at LAVA; nothing is judged by
 * it.
 */
#ifndef CTS_LAVA_H
#define CTS_LAVA_H

#include <stdbool.h>

#include "json.h"

/* Switches it on: else the others do nothing. */
void lava_begin(void);

/* A record of the running test, as json_parse() left it: LAVA shows a measurement by the mean of
 * its samples. */
void lava_record(const struct json_node *nodes);

/* The running test is over; it has ended with exit code 0 if it is ok. */
void lava_case(const char *id, bool ok);

#endif
