/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel logs while a test looks (Documentation/ABI/testing/dev-kmsg). Root's, and where
 * the log isn't restricted anybody's.
 */
#ifndef CTS_KLOG_H
#define CTS_KLOG_H

#include <stdbool.h>

#define KLOG_RECORD 1024

/* Opens the log behind its last record. */
int klog_open(void);

/* Passes over what has been logged so far. */
void klog_skip(int log);

/*
 * The next record, as the kernel writes it ("priority,number,time,flags;text"), with an end: false
 * if none has come within @ms milliseconds. Records that were overwritten before they were read are
 * passed over.
 */
bool klog_next(int log, char record[KLOG_RECORD], int ms);

#endif
