// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_IOAS_NOIOMMU_GET_PA: where in physical memory a byte of an IOVA is, and how many are
 * contiguous from there on. The kernel tells the same of the process's own pages, which are pinned.
 */
#include "unguarded.h"

FIXTURE_SETUP(unguarded)
{
	setup_unguarded(_metadata, self);
	if (_metadata->exit_code != KSFT_PASS)
		return; /* it was skipped there */
	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, self->ioas);
	map_buffer(self);
	if (!physical_address(self->buffer.memory))
		CTS_SKIP(LOCKDOWN, "the kernel doesn't tell physical addresses");
}

FIXTURE_TEARDOWN(unguarded)
{
	teardown_unguarded(self);
}

/* How many of at most @length bytes from @memory on, which ends at @end, are contiguous. */
static uint64_t contiguous(const char *memory, const char *end, uint64_t length)
{
	const char *at = memory;
	uint64_t found;

	do {
		at += page_size() - (uintptr_t)at % page_size();
	} while (at < end &&
		 physical_address(at) == physical_address(memory) + (uint64_t)(at - memory));
	found = (uint64_t)((at < end ? at : end) - memory);
	return found < length ? found : length;
}

CTS_TEST_F(unguarded, told,
	   .title = "The address that is told of an IOVA is that of its byte, wherever in a page that is",
	   .requirements = { "NOIOMMU-004" },
	   .needs = NEEDS)
{
	static const size_t offsets[] = { 0, 1, 255, 4095 };
	const char *memory = self->buffer.memory;
	uint64_t length, physical;
	size_t page, i;

	for (page = 0; page < PAGES; page++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			size_t at = page * page_size() + offsets[i];

			length = 1;
			ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, self->iova + at,
							&length, &physical));
			EXPECT_EQ(physical_address(memory + at), physical) TH_LOG("byte %zu", at);
			EXPECT_EQ(1, length);
		}
	}
}

CTS_TEST_F(unguarded, length,
	   .title = "What is told of a length is contiguous, no more than was asked for, nor than is mapped",
	   .requirements = { "NOIOMMU-004" },
	   .needs = NEEDS)
{
	const char *memory = self->buffer.memory, *end = memory + self->buffer.size;
	const uint64_t wanted[] = { 1,
				    page_size() - 1,
				    page_size(),
				    page_size() + 1,
				    3 * page_size() + 7,
				    self->buffer.size,
				    UINT64_MAX };
	const size_t step = page_size() / 2 + 1;
	uint64_t length, physical;
	size_t at, i;

	for (at = 0; at < self->buffer.size; at += step) {
		for (i = 0; i < ARRAY_SIZE(wanted); i++) {
			length = wanted[i];
			ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, self->iova + at,
							&length, &physical));
			EXPECT_EQ(contiguous(memory + at, end, wanted[i]), length)
			TH_LOG("%#llx bytes from %zu on", (unsigned long long)wanted[i], at);
		}
	}
}

CTS_TEST_F(unguarded, ends_with_the_mapping,
	   .title = "A length ends where the mapping does, also within a page",
	   .requirements = { "NOIOMMU-004" },
	   .needs = NEEDS)
{
	struct iommu_iova_range *ranges;
	uint64_t alignment, iova, length, physical;
	uint32_t count;

	ranges = iommufd_iova_ranges(self->iommufd, self->ioas, &count, &alignment);
	free(ranges);
	if (alignment >= page_size())
		alignment = page_size();
	iova = self->iova + self->buffer.size;
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, alignment, iova);
	length = UINT64_MAX;
	ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, iova, &length, &physical));
	EXPECT_EQ(alignment, length);
	EXPECT_EQ(physical_address(self->buffer.memory), physical);
}

CTS_TEST_F(unguarded, unmapped,
	   .title = "An IOVA that isn't mapped has no address: ENOENT, also after it had one",
	   .requirements = { "NOIOMMU-005" },
	   .needs = NEEDS)
{
	uint64_t end = self->iova + self->buffer.size, length = 1, physical;

	EXPECT_EQ(-ENOENT, __noiommu_physical(self->iommufd, self->ioas, end, &length, &physical));
	ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, end - 1, &length, &physical));
	iommufd_unmap(self->iommufd, self->ioas, self->iova, self->buffer.size);
	EXPECT_EQ(-ENOENT,
		  __noiommu_physical(self->iommufd, self->ioas, end - 1, &length, &physical));
}

CTS_TEST_F(unguarded, detached,
	   .title = "When the last device behind no IOMMU was detached no address is told any more",
	   .requirements = { "NOIOMMU-005" },
	   .needs = NEEDS)
{
	uint64_t length = 1, physical;

	ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, self->iova, &length, &physical));
	vfio_detach(self->device);
	EXPECT_EQ(-EOPNOTSUPP,
		  __noiommu_physical(self->iommufd, self->ioas, self->iova, &length, &physical));
	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, self->iova, &length, &physical));
	EXPECT_EQ(physical_address(self->buffer.memory), physical);
}

CTS_MAIN
