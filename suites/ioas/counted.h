/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory the process has pinned and locked, as the kernel counts it (proc_pid_status(5)). */
#ifndef IOAS_COUNTED_H
#define IOAS_COUNTED_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* The pages that /proc/self/status has as @field, "VmPin:" or "VmLck:". */
static inline uint64_t counted(const char *field)
{
	FILE *file = fopen("/proc/self/status", "re");
	uint64_t kib = UINT64_MAX;
	char line[256];

	cts_require(file, "/proc/self/status");
	while (kib == UINT64_MAX && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			sscanf(line + strlen(field), "%" SCNu64, &kib);
	fclose(file);
	cts_require(kib != UINT64_MAX, "/proc/self/status has no %s", field);
	return kib * 1024 / page_size();
}

static inline uint64_t pinned(void)
{
	return counted("VmPin:");
}

static inline uint64_t locked(void)
{
	return counted("VmLck:");
}

#endif
