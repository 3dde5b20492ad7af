/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one test finds out at some cost is kept for the next ones in the folder CTS_SCRATCH, which
 * lasts until the target is switched off. Without that variable nothing is kept.
 */
#ifndef CTS_SCRATCH_H
#define CTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* What was kept as @name of the device in CTS_DEVICE: true if just @size bytes of it are at @data
 * now. */
bool scratch_recall(const char *name, void *data, size_t size);

/* Keeps the @size bytes at @data. A failure is none: the next test finds out for itself. */
void scratch_keep(const char *name, const void *data, size_t size);

#endif
