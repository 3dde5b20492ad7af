// SPDX-License-Identifier: GPL-2.0-only
/*
 * What map and unmap cost where 1, 2, ... devices are attached to the address space, one of each
 * IOMMU group that the run has: to the table that the kernel made for the first, or each to a table
 * of its own, into all of which each range goes.
 */
#include "device_fixture.h"
#include "range.h"
#include "sysfs.h"

/* Devices beside the one of the test. */
#define OTHERS 7

FIXTURE(devices)
{
	DEVICE_FIELDS;
	int others[OTHERS], count;
};

FIXTURE_VARIANT(devices)
{
	const char *table;
	bool own;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(devices, one_table) { "shared", false };
FIXTURE_VARIANT_ADD(devices, own_tables) { "own", true };
/* clang-format on */

FIXTURE_SETUP(devices)
{
	char bdfs[OTHERS][SYSFS_BDF];
	int i;

	DEVICE_SETUP_OR_SKIP(self);
	self->count = __sysfs_other_groups(bdfs, OTHERS);
	if (!self->count)
		CTS_SKIP(ONE_GROUP, "the run has no other device that is free");
	for (i = 0; i < self->count; i++)
		self->others[i] = vfio_open_function(bdfs[i]);
}

FIXTURE_TEARDOWN(devices)
{
	int i;

	for (i = 0; i < self->count; i++)
		cts_close(&self->others[i]);
	DEVICE_TEARDOWN(self);
}

/* Attaches one more device, to @ioas or to a table of its own on it. */
static void attach(int device, uint32_t id, int iommufd, uint32_t ioas, bool own)
{
	vfio_attach(device, own ? iommufd_hwpt_alloc(iommufd, id, ioas) : ioas);
}

CTS_TEST_F(devices, map_unmap,
	   .title = "Map and unmap of one range, in an address space with 1, 2, ... devices",
	   .requirements = { "MEASURE-015" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 600)
{
	int attached;

	attach(self->device, self->id, self->iommufd, self->ioas, variant->own);
	for (attached = 1;; attached++) {
		const struct cts_param about[] = {
			{ .name = "devices", .number = (uint64_t)attached },
			{ .name = "table", .word = variant->table },
			{ 0 },
		};
		int next;

		ASSERT_LT(0, bench_map_unmap(self->iommufd, self->ioas, BUFFER_BASE, about));
		if (attached > self->count)
			break;
		next = self->others[attached - 1];
		attach(next, vfio_bind(next, self->iommufd), self->iommufd, self->ioas,
		       variant->own);
	}
}

CTS_MAIN
