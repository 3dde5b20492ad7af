// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver of the kernel pays for the IOMMU: reads of an NVMe disk under its usual driver, by
 * fio, with each way that the kernel's DMA API can go for a device
 * (Documentation/ABI/testing/sysfs-kernel-iommu_groups): unmapped and flushed at once, flushed
 * later for many, or past the tables. Only a scratch medium is taken from its driver for that, and
 * it is put back as it was, also if the test is killed.
 */
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "fio.h"
#include "measure.h"
#include "medium.h"
#include "restore.h"
#include "sysfs.h"
#include "test.h"

/* How often each load is measured, for how long, and how long it runs before. */
#define ROUNDS 5
#define RUNTIME "--runtime=1"
#define RAMP "--ramp_time=200ms"
#define PATIENCE_NS 20000000000ULL

struct paths {
	char unbind[SYSFS_PATH], type[SYSFS_PATH], bind[SYSFS_PATH];
};

FIXTURE(dma_api)
{
	struct medium medium;
	struct restore restore;
	struct fio fio;
};

FIXTURE_VARIANT(dma_api)
{
	const char *type; /* as the kernel calls it */
	const char *name;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(dma_api, strict) { "DMA", "strict" };
FIXTURE_VARIANT_ADD(dma_api, lazy) { "DMA-FQ", "lazy" };
FIXTURE_VARIANT_ADD(dma_api, passthrough) { "identity", "passthrough" };
/* clang-format on */

/* Takes the disk from its driver, has its group go another way, and gives it back. 0 or -errno. */
static int change(const struct paths *paths, const char *bdf, const char *type)
{
	int error = __sysfs_write(paths->unbind, bdf);

	cts_lab_require(!error, "%s: %d", paths->unbind, error);
	error = __sysfs_write(paths->type, type);
	if (!error) {
		error = __sysfs_write(paths->bind, bdf);
		cts_lab_require(!error, "%s: %d", paths->bind, error);
	}
	return error;
}

/* Opens the disk again, which its driver may take some time to find. */
static struct cts_missing reopen(struct medium *medium)
{
	const uint64_t deadline = measure_now() + PATIENCE_NS;
	struct cts_missing missing;

	do {
		missing = __medium_open(medium);
		if (!missing.what)
			break;
		sched_yield();
	} while (measure_now() < deadline);
	return missing;
}

FIXTURE_SETUP(dma_api)
{
	char driver[SYSFS_PATH], was[SYSFS_PATH], bdf[SYSFS_BDF];
	struct cts_missing missing;
	struct paths paths;
	int error;

	CTS_CHECK_NEEDS();
	FIO_OR_SKIP();
	MEDIUM_OPEN_OR_SKIP(&self->medium);
	strcpy(bdf, self->medium.bdf);
	if (__sysfs_get(bdf, "iommu_group/type", was))
		CTS_SKIP(IOMMU_LACKS, "%s is behind no IOMMU", bdf);
	was[strcspn(was, "\n")] = '\0';
	if (!strcmp(was, variant->type))
		return;
	cts_lab_require(!__sysfs_driver_of(bdf, driver), "the driver of %s", bdf);
	snprintf(paths.unbind, SYSFS_PATH, "/sys/bus/pci/drivers/%.64s/unbind", driver);
	snprintf(paths.type, SYSFS_PATH, "/sys/bus/pci/devices/%s/iommu_group/type", bdf);
	snprintf(paths.bind, SYSFS_PATH, "/sys/bus/pci/drivers/%.64s/bind", driver);
	medium_close(&self->medium);
	restore_begin_all(&self->restore,
			  (const struct restore_step[]){
				  { .path = paths.unbind, .text = bdf, .may_fail = true },
				  { .path = paths.type, .text = was },
				  { .path = paths.bind, .text = bdf },
			  },
			  3);
	error = change(&paths, bdf, variant->type);
	if (error) {
		restore_end(&self->restore);
		CTS_SKIP(IOMMU_LACKS, "its group's type can't become %s: %s", variant->type,
			 strerror(-error));
	}
	missing = reopen(&self->medium);
	cts_lab_require(!missing.what, "%s", missing.what);
	/* What the rows will say has to be so. */
	cts_lab_require(!__sysfs_get(bdf, "iommu_group/type", was), "the type of its group");
	was[strcspn(was, "\n")] = '\0';
	cts_lab_require(!strcmp(was, variant->type), "type %s, not %s", variant->type, was);
}

FIXTURE_TEARDOWN(dma_api)
{
	fio_stop(&self->fio);
	medium_close(&self->medium);
	restore_end(&self->restore);
}

#define NEEDS (CTS_NEED_ROOT | CTS_NEED_SCRATCH | CTS_NEED_TIME)

CTS_TEST_F(dma_api, random,
	   .title = "Reads of 4 KiB by chance from an NVMe disk of the kernel's, by how the DMA API maps for it",
	   .requirements = { "MEASURE-040" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	static const char *const load[] = {
		"--rw=randread", "--bs=4k", "--iodepth=32", "--norandommap",
		"--time_based",	 RUNTIME,   RAMP,	    NULL
	};
	const struct cts_param params[] = { { .name = "dma", .word = variant->name },
					    { .name = "size", .number = 4096 },
					    { .name = "depth", .number = 32 },
					    { 0 } };
	int round;

	for (round = 0; round < ROUNDS; round++) {
		fio_start(&self->fio, &self->medium, load);
		ASSERT_EQ(0, fio_finish(&self->fio, params));
	}
}

CTS_TEST_F(dma_api, sequential,
	   .title = "Reads of 128 KiB in order from an NVMe disk of the kernel's, by how the DMA API maps for it",
	   .requirements = { "MEASURE-040" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	static const char *const load[] = { "--rw=read", "--bs=128k", "--iodepth=8", "--time_based",
					    RUNTIME,	 RAMP,	      NULL };
	const struct cts_param params[] = { { .name = "dma", .word = variant->name },
					    { .name = "size", .number = 131072 },
					    { .name = "depth", .number = 8 },
					    { 0 } };
	int round;

	for (round = 0; round < ROUNDS; round++) {
		fio_start(&self->fio, &self->medium, load);
		ASSERT_EQ(0, fio_finish(&self->fio, params));
	}
}

CTS_MAIN
