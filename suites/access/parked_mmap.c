// SPDX-License-Identifier: GPL-2.0-only
/*
 * A parked file can't be mapped: mmap(2) of whatever region, in whatever way, ends in EINVAL and
 * leaves no mapping behind. Nothing here touches what a kernel without the gate would map.
 */
#include <sys/mman.h>

#include "memory.h"
#include "parked.h"

/* A page of addresses where nothing is. */
static void *free_address(void)
{
	void *memory = guarded_page();

	cts_require(!munmap(memory, 2 * page_size()), "munmap");
	return memory;
}

/* mincore(2) knows mappings from holes. */
static bool is_mapped(void *address)
{
	unsigned char resident;

	return !mincore(address, 1, &resident) || errno != ENOMEM;
}

/*
 * Tries to map a page of @device in the hole @where. 0, or what it was refused with; -EEXIST:
 * refused, yet mapped.
 */
static int try_map(int device, void *where, int prot, int flags, off_t offset)
{
	void *memory = mmap(where, page_size(), prot, flags, device, offset);
	int error = errno;

	if (memory != MAP_FAILED) {
		cts_require(!munmap(memory, page_size()), "munmap");
		return 0;
	}
	return is_mapped(where) ? -EEXIST : -error;
}

CTS_TEST_F(parked, mmap,
	   .title = "A parked file refuses to be mapped: every region, protection and kind",
	   .requirements = { "PARK-005" },
	   .needs = CTS_NEED_CDEV)
{
	static const int kinds[] = { MAP_SHARED, MAP_PRIVATE };
	void *where = free_address();
	int i, prot;
	size_t kind;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		off_t offset = self->layout.region[i].offset;

		for (kind = 0; kind < ARRAY_SIZE(kinds); kind++)
			for (prot = PROT_NONE; prot <= (PROT_READ | PROT_WRITE); prot++) {
				EXPECT_EQ(-EINVAL,
					  try_map(self->device, where, prot, kinds[kind], offset));
			}
	}
}

CTS_TEST_F(parked, mmap_anywhere,
	   .title = "No offset of a parked file can be mapped, be there a region or not",
	   .requirements = { "PARK-005" },
	   .needs = CTS_NEED_CDEV)
{
	void *where = free_address();
	int shift;

	for (shift = __builtin_ctzl(page_size()); shift < 63; shift++) {
		EXPECT_EQ(-EINVAL,
			  try_map(self->device, where, PROT_READ, MAP_SHARED, (off_t)1 << shift));
	}
}

CTS_TEST_F(parked, mmap_mappable_region,
	   .title = "A region that a bound file can map can't be mapped while it is parked",
	   .requirements = { "PARK-005" },
	   .needs = CTS_NEED_CDEV)
{
	if (!vfio_mappable_region(&self->layout))
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
	EXPECT_EQ(-EINVAL, gate_mmap.probe(self->device, &self->layout));
}

CTS_MAIN
