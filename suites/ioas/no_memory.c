// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that there is no memory for: each allocation within the call fails once. A refused call
 * leaves the IOVAs free, no translation in any table and no pin; what takes away needs no memory.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "buffer.h"
#include "fail_nth.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "mock.h"
#include "test.h"

#define IOVA ((uint64_t)MOCK_APERTURE_START)
#define PAGES 600 /* more than one list of pages, and of different lengths */
#define NEEDS (CTS_NEED_MOCK | CTS_NEED_FAIL_NTH)

/* An IOAS with none, one or two tables of the mock's. */
FIXTURE(no_memory)
{
	int iommufd;
	uint32_t ioas, home;
	struct mock mock;
	struct buffer buffer;
	uint32_t table[2];
};

FIXTURE_VARIANT(no_memory)
{
	unsigned int tables;
};

FIXTURE_VARIANT_ADD(no_memory, no_table)
{
	.tables = 0,
};
FIXTURE_VARIANT_ADD(no_memory, one_table)
{
	.tables = 1,
};
FIXTURE_VARIANT_ADD(no_memory, two_tables)
{
	.tables = 2,
};

FIXTURE_SETUP(no_memory)
{
	unsigned int i;

	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->home = iommufd_ioas_alloc(self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->home, MOCK_PLAIN, &self->mock);
	for (i = 0; i < variant->tables; i++)
		self->table[i] = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	buffer_alloc(&self->buffer, BUFFER_MEMFD, PAGES * page_size());
}

FIXTURE_TEARDOWN(no_memory)
{
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* What a refused call must have left as it was. */
struct place {
	const FIXTURE_DATA(no_memory) * self;
	unsigned int pins;  /* of each page */
	unsigned int wrong; /* refusals after which it was not */
};

/* Is no page of the memory anywhere in the IOAS or in its tables, and pinned as often as ever? */
static bool is_clean(const struct place *place)
{
	const FIXTURE_DATA(no_memory) *self = place->self;
	const char *memory = self->buffer.memory;
	size_t page = page_size(), i;
	uint64_t length = 1;

	if (__iommufd_unmap_all(self->iommufd, self->ioas, &length) || length)
		return false;
	for (i = 0; i < PAGES; i++) {
		if (self->table[0] && mock_reaches(self->iommufd, self->table[0], IOVA + i * page,
						   memory + i * page, page))
			return false;
		if (self->table[1] && mock_reaches(self->iommufd, self->table[1], IOVA + i * page,
						   memory + i * page, page))
			return false;
	}
	return mock_pinned(self->iommufd, memory, self->buffer.size, place->pins);
}

static void look(void *argument)
{
	struct place *place = argument;

	place->wrong += !is_clean(place);
}

/* @call maps all of the memory at IOVA. Then every table has it, pinned @times times. */
#define MAP_WITHOUT_MEMORY(before, times, call)                                                \
	do {                                                                                   \
		struct place __place = { .self = self, .pins = before };                       \
		size_t __i;                                                                    \
                                                                                               \
		WITHOUT_MEMORY(look, &__place, call);                                          \
		EXPECT_EQ(0U, __place.wrong);                                                  \
		for (__i = 0; __i < variant->tables; __i++) {                                  \
			EXPECT_TRUE(mock_reaches(self->iommufd, self->table[__i], IOVA,        \
						 self->buffer.memory, self->buffer.size));     \
		}                                                                              \
		EXPECT_TRUE(mock_pinned(self->iommufd, self->buffer.memory, self->buffer.size, \
					times));                                               \
	} while (0)

CTS_TEST_F(no_memory, map,
	   .title = "A mapping that there was no memory for is in no table, its IOVAs are free and its pages not pinned",
	   .requirements = { "NOMEM-002" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	MAP_WITHOUT_MEMORY(0, variant->tables ? 1 : 0,
			   __iommufd_map(self->iommufd, self->ioas, self->buffer.memory,
					 self->buffer.size, IOVA));
}

#ifdef IOMMU_IOAS_MAP_FILE
static int map_file(const FIXTURE_DATA(no_memory) * self)
{
	struct iommu_ioas_map_file args = {
		.size = sizeof(args),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = self->ioas,
		.fd = self->buffer.fd,
		.length = self->buffer.size,
		.iova = IOVA,
	};

	return ioctl(self->iommufd, IOMMU_IOAS_MAP_FILE, &args) ? -errno : 0;
}
#endif

CTS_TEST_F(no_memory, map_file,
	   .title = "A mapping of a file that there was no memory for is in no table, its IOVAs are free and its pages not pinned",
	   .requirements = { "NOMEM-002" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
#ifdef IOMMU_IOAS_MAP_FILE
	MAP_WITHOUT_MEMORY(0, variant->tables ? 1 : 0, map_file(self));
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_IOAS_MAP_FILE");
#endif
}

/* The copied mapping is in a table, so its pages are pinned, once, however many have them. */
CTS_TEST_F(no_memory, copy,
	   .title = "A copy that there was no memory for is in no table, its IOVAs are free, and the mapping it was of stays",
	   .requirements = { "NOMEM-002" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	uint64_t to = IOVA;

	iommufd_map(self->iommufd, self->home, self->buffer.memory, self->buffer.size, IOVA);
	MAP_WITHOUT_MEMORY(1, 1,
			   __iommufd_copy(self->iommufd, self->ioas, self->home,
					  IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
						  IOMMU_IOAS_MAP_WRITEABLE,
					  self->buffer.size, IOVA, &to));
	EXPECT_TRUE(mock_reaches(self->iommufd, self->mock.hwpt, IOVA, self->buffer.memory,
				 self->buffer.size));
}

/* Unmaps, or destroys the first table, the allocations from number @first on failing. */
static struct fail_nth take_away(const FIXTURE_DATA(no_memory) * self, bool table,
				 unsigned int first, int *rc)
{
	uint64_t length = self->buffer.size;

	fail_nth_begin(NULL, NULL);
	fail_nth_first(first);
	*rc = table ? __iommufd_destroy(self->iommufd, self->table[0])
		    : __iommufd_unmap(self->iommufd, self->ioas, IOVA, &length);
	return fail_nth_end();
}

CTS_TEST_F(no_memory, unmap,
	   .title = "An unmap takes everything away and unpins it whichever allocation fails",
	   .requirements = { "NOMEM-003" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct place place = { .self = self };
	unsigned int first = 0;
	struct fail_nth seen;
	int rc;

	do {
		iommufd_map(self->iommufd, self->ioas, self->buffer.memory, self->buffer.size,
			    IOVA);
		seen = take_away(self, false, ++first, &rc);
		EXPECT_EQ(0, rc) TH_LOG("allocation %u", first);
		EXPECT_EQ(0U, seen.refusals);
		EXPECT_TRUE(is_clean(&place)) TH_LOG("allocation %u", first);
	} while (seen.failures && rc == 0);
	printf("# %u allocations\n", first - 1);
}

CTS_TEST_F(no_memory, destroy_table,
	   .title = "Destroying a table leaves the others whole, or unpins, whichever allocation fails",
	   .requirements = { "NOMEM-003" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	unsigned int first = 0;
	struct fail_nth seen;
	int rc;

	if (!variant->tables)
		return;
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, self->buffer.size, IOVA);
	do {
		seen = take_away(self, true, ++first, &rc);
		EXPECT_EQ(0, rc) TH_LOG("allocation %u", first);
		EXPECT_EQ(0U, seen.refusals);
		EXPECT_TRUE(mock_pinned(self->iommufd, self->buffer.memory, self->buffer.size,
					variant->tables - 1));
		if (variant->tables > 1) {
			EXPECT_TRUE(mock_reaches(self->iommufd, self->table[1], IOVA,
						 self->buffer.memory, self->buffer.size));
		}
		self->table[0] = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
		EXPECT_TRUE(mock_reaches(self->iommufd, self->table[0], IOVA, self->buffer.memory,
					 self->buffer.size));
	} while (seen.failures && rc == 0);
	printf("# %u allocations\n", first - 1);
}

/* Where the kernel puts a page that may go anywhere; it is unmapped again. */
static uint64_t chosen(const FIXTURE_DATA(no_memory) * self)
{
	uint64_t iova = 0;

	cts_require(!__iommufd_map_flags(self->iommufd, self->ioas, IOMMU_IOAS_MAP_READABLE,
					 self->buffer.memory, page_size(), &iova),
		    "IOMMU_IOAS_MAP anywhere");
	iommufd_unmap(self->iommufd, self->ioas, iova, page_size());
	return iova;
}

struct allowed {
	const FIXTURE_DATA(no_memory) * self;
	uint64_t first;
	unsigned int wrong;
};

static void look_where(void *argument)
{
	struct allowed *allowed = argument;

	allowed->wrong += chosen(allowed->self) != allowed->first;
}

CTS_TEST_F(no_memory, allowed_iovas,
	   .title = "Allowed IOVAs that there was no memory for leave the old ones in force",
	   .requirements = { "NOMEM-005" },
	   .needs = NEEDS)
{
	const uint64_t page = page_size(), old = IOVA + 16 * page, new = IOVA + 64 * page;
	struct allowed allowed = { .self = self, .first = old };

	ASSERT_EQ(0, __iommufd_allow_iovas(self->iommufd, self->ioas, old, old + page - 1));
	ASSERT_EQ(old, chosen(self));
	WITHOUT_MEMORY(look_where, &allowed,
		       __iommufd_allow_iovas(self->iommufd, self->ioas, new, new + page - 1));
	EXPECT_EQ(0U, allowed.wrong);
	EXPECT_EQ(new, chosen(self));
}

CTS_MAIN
