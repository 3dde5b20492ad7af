// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a PASID costs, for a device that thousands of processes share: the time to attach, move and
 * detach one where others are, and the kernel's memory for its objects. The IOMMU's table of PASIDs
 * is beside that: 64 bytes for each with VT-d, in pages that stay once they are there.
 */
#include "../pasid/pasid.h"

#include "measure.h"

#define MANY 4096U

/* What the kernel's objects take that it can't take back, bytes. */
static uint64_t objects(void)
{
	unsigned long long kib;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "re");
	bool found = false;

	cts_lab_require(file, "/proc/meminfo");
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "SUnreclaim: %llu kB", &kib) == 1;
	fclose(file);
	cts_lab_require(found, "SUnreclaim in /proc/meminfo");
	return kib << 10;
}

CTS_TEST_F(pasid, cost,
	   .title = "Attach, replace and detach of thousands of PASIDs, and the memory that each takes",
	   .requirements = { "MEASURE-003" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	static uint64_t attach[MANY], replace[MANY], detach[MANY];
	uint64_t begin, before, after, bytes;
	uint32_t i;

	if (!self->width || self->last < 2 * MANY)
		CTS_SKIP(DEVICE_LACKS, "the device has no %u PASIDs", 2 * MANY);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, pasid_attach(self->device, FIRST + i, self->able));
	}
	before = objects();
	for (i = 0; i < MANY; i++) {
		begin = measure_now();
		ASSERT_EQ(0, pasid_attach(self->device, FIRST + MANY + i, self->able));
		attach[i] = measure_now() - begin;
	}
	after = objects();
	for (i = 0; i < MANY; i++) {
		begin = measure_now();
		ASSERT_EQ(0, pasid_attach(self->device, FIRST + i, self->other));
		replace[i] = measure_now() - begin;
		begin = measure_now();
		ASSERT_EQ(0, pasid_detach(self->device, FIRST + i));
		detach[i] = measure_now() - begin;
	}
	bytes = after > before ? (after - before) / MANY : 0;
	cts_record_samples("pasid-attach", "ns", "pasids", MANY, attach, MANY);
	cts_record_samples("pasid-replace", "ns", "pasids", MANY, replace, MANY);
	cts_record_samples("pasid-detach", "ns", "pasids", MANY, detach, MANY);
	cts_record_samples("pasid-memory", "bytes", "pasids", MANY, &bytes, 1);
}

CTS_MAIN
