// SPDX-License-Identifier: GPL-2.0-only
/*
 * What IOMMU_IOAS_MAP and IOMMU_IOAS_UNMAP cost, by size: for an address space that a device is
 * attached to, so that both pages and the IOMMU's table are dealt with. The memory is there before
 * the clock starts.
 */
#include <sys/mman.h>

#include "iommufd.h"
#include "measure.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"

#define WARM_UP 5
#define SAMPLES 50

FIXTURE(attached)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	uint32_t ioas;
	size_t size;
	void *memory;
	uint64_t iova;
};

FIXTURE_VARIANT(attached)
{
	size_t size; /* bytes; 0: a page */
};

FIXTURE_VARIANT_ADD(attached, page)
{
	.size = 0,
};
FIXTURE_VARIANT_ADD(attached, 64k)
{
	.size = 64 << 10,
};
FIXTURE_VARIANT_ADD(attached, 2m)
{
	.size = 2 << 20,
};
FIXTURE_VARIANT_ADD(attached, 16m)
{
	.size = 16 << 20,
};

/* @size bytes that begin at a multiple of @size, every page of them present. */
static void *present_memory(size_t size)
{
	uintptr_t start;
	void *memory;

	memory = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cts_lab_require(memory != MAP_FAILED, "mmap of %zu bytes", 2 * size);
	start = ((uintptr_t)memory + size - 1) & ~(size - 1);
	/*
	 * A size always stands for as many pages, whatever the host's policy. Fails where there are
	 * no huge pages.
	 */
	(void)madvise(memory, 2 * size, MADV_NOHUGEPAGE);
	memset((void *)start, 1, size);
	return (void *)start;
}

FIXTURE_SETUP(attached)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->size = variant->size ?: page_size();
	self->memory = present_memory(self->size);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, self->ioas);
	/* What is usable is known once the device is attached. */
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, self->size, self->size);
}

FIXTURE_TEARDOWN(attached)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

CTS_TEST_F(attached, map_unmap,
	   .title = "Map and unmap of one range, in an address space with a device",
	   .requirements = { "MEASURE-001", "MEASURE-002" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	uint64_t map[WARM_UP + SAMPLES], unmap[WARM_UP + SAMPLES];
	int i;

	for (i = 0; i < WARM_UP + SAMPLES; i++) {
		uint64_t length = self->size, begin, mapped, unmapped;
		int map_error, unmap_error;

		begin = measure_now();
		map_error = __iommufd_map(self->iommufd, self->ioas, self->memory, self->size,
					  self->iova);
		mapped = measure_now();
		unmap_error = __iommufd_unmap(self->iommufd, self->ioas, self->iova, &length);
		unmapped = measure_now();

		ASSERT_EQ(0, map_error);
		ASSERT_EQ(0, unmap_error);
		ASSERT_EQ(self->size, length);
		map[i] = mapped - begin;
		unmap[i] = unmapped - mapped;
	}
	cts_record_samples("map", "ns", "size", self->size, map + WARM_UP, SAMPLES);
	cts_record_samples("unmap", "ns", "size", self->size, unmap + WARM_UP, SAMPLES);
}

CTS_MAIN
