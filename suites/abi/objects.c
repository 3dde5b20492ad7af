// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects and their ids: an id names one object of one open file, from the return of the call that
 * made it to that of IOMMU_DESTROY. What can't be told to the caller was not made.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "mock.h"
#include "viommu.h"

FIXTURE(object)
{
	int iommufd;
	uint32_t ioas;
	uint32_t next;
};

FIXTURE_SETUP(object)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(object)
{
	cts_close(&self->iommufd);
}

/* What each call answers that takes the id of an object of one type. */
static int unmap(int iommufd, uint32_t id)
{
	uint64_t length = UINT64_MAX;

	return __iommufd_unmap(iommufd, id, 0, &length);
}

static int ranges(int iommufd, uint32_t id)
{
	struct iommu_ioas_iova_ranges args = { .size = sizeof(args), .ioas_id = id };

	return ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &args) && errno != EMSGSIZE ? -errno : 0;
}

static int untrack(int iommufd, uint32_t id)
{
	return __dirty_tracking(iommufd, id, false);
}

static int bitmap(int iommufd, uint32_t id)
{
	uint64_t bits = 0;

	return __dirty_bitmap(iommufd, id, 0, 1UL << 24, 65536, 65536, &bits);
}

static int table_of_device(int iommufd, uint32_t id)
{
	struct iommu_hwpt_alloc args = { .dev_id = id };

	return __hwpt_alloc(iommufd, &args);
}

CTS_TEST_F(object, never_made,
	   .title = "Ids that were never handed out, 0 among them, are ENOENT",
	   .requirements = { "OBJ-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	static const uint32_t ids[] = { 0, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t i;

	EXPECT_NE(0, self->ioas);
	EXPECT_GT(0x80000000, self->ioas);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, ids[i]))
		TH_LOG("id %#x", ids[i]);
		EXPECT_EQ(-ENOENT, unmap(self->iommufd, ids[i]));
		EXPECT_EQ(-ENOENT, ranges(self->iommufd, ids[i]));
		EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, ids[i]));
		EXPECT_EQ(-ENOENT, table_of_device(self->iommufd, ids[i]));
	}
	EXPECT_EQ(0, unmap(self->iommufd, self->ioas));
}

CTS_TEST_F(object, destroyed,
	   .title = "A destroyed id is ENOENT for every call",
	   .requirements = { "OBJ-003" },
	   .needs = CTS_NEED_IOMMUFD)
{
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, unmap(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, ranges(self->iommufd, self->ioas));
}

CTS_TEST_F(object, other_type,
	   .title = "The id of an object of another type is ENOENT, as if it were not there",
	   .requirements = { "OBJ-002" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t viommu, none;
	struct mock mock;
	int rc;

	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &mock);
	EXPECT_EQ(-ENOENT, unmap(self->iommufd, mock.hwpt));
	EXPECT_EQ(-ENOENT, unmap(self->iommufd, mock.device));
	EXPECT_EQ(-ENOENT, ranges(self->iommufd, mock.hwpt));
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, mock.hwpt));
	EXPECT_EQ(-ENOENT, table_of_device(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, untrack(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, untrack(self->iommufd, mock.device));
	EXPECT_EQ(-ENOENT, bitmap(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, bitmap(self->iommufd, mock.device));

	rc = __viommu_alloc(self->iommufd, mock.device, self->ioas, IOMMU_VIOMMU_TYPE_SELFTEST,
			    NULL, 0, &viommu);
	if (rc != -ENOTTY) {
		EXPECT_EQ(-ENOENT, rc);
		EXPECT_EQ(-ENOENT,
			  __vdevice_alloc(self->iommufd, self->ioas, mock.device, 1, &none));
	}
}

CTS_TEST_F(object, other_file,
	   .title = "The objects of one open file are unknown to another, and known to a duplicate",
	   .requirements = { "ABI-012" },
	   .needs = CTS_NEED_IOMMUFD)
{
	int other = iommufd_open(), same = dup(self->iommufd);
	uint32_t elsewhere;

	EXPECT_EQ(-ENOENT, unmap(other, self->ioas));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(other, self->ioas));
	elsewhere = iommufd_ioas_alloc(other);
	if (elsewhere != self->ioas) {
		EXPECT_EQ(-ENOENT, unmap(self->iommufd, elsewhere));
	}
	ASSERT_LE(0, same);
	EXPECT_EQ(0, unmap(same, self->ioas));
	cts_close(&other);
	EXPECT_EQ(0, __iommufd_destroy(same, self->ioas));
	EXPECT_EQ(-ENOENT, unmap(self->iommufd, self->ioas));
	cts_close(&same);
}

/* In the beginning of a page that can only be read: @data with its size. */
static void *in_read_only_page(union arguments *arguments, size_t size)
{
	arguments->size = (uint32_t)size;
	return read_only_page(arguments, size);
}

CTS_TEST_F(object, answer_lost,
	   .title = "An IOAS or a fault queue whose id can't be stored is EFAULT and was not made",
	   .requirements = { "ABI-011" },
	   .needs = CTS_NEED_IOMMUFD)
{
	int lowest = dup(self->iommufd);
	union arguments arguments;
	void *page;

	cts_close(&lowest);
	lowest = dup(self->iommufd);
	arguments = call_ioas_alloc.valid;
	page = in_read_only_page(&arguments, call_ioas_alloc.size);
	EXPECT_EQ(-EFAULT, call_at(self->iommufd, &call_ioas_alloc, page));
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
	if (call_fault_queue_alloc.request) {
		int after;

		arguments = call_fault_queue_alloc.valid;
		page = in_read_only_page(&arguments, call_fault_queue_alloc.size);
		EXPECT_EQ(-EFAULT, call_at(self->iommufd, &call_fault_queue_alloc, page));
		EXPECT_EQ(self->next, next_object_id(self->iommufd));
		/* No descriptor came into being: the lowest that is free is the next one. */
		after = dup(self->iommufd);
		EXPECT_EQ(lowest + 1, after);
		cts_close(&after);
	}
	cts_close(&lowest);
}

CTS_TEST_F(object, not_mappable,
	   .title = "Without a vIOMMU nothing of /dev/iommu can be mapped",
	   .requirements = { "OBJ-010" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t page = page_size();
	size_t offset;

	for (offset = 0; offset <= page; offset += page) {
		EXPECT_EQ(MAP_FAILED,
			  mmap(NULL, page, PROT_READ, MAP_SHARED, self->iommufd, (off_t)offset))
		TH_LOG("offset %zu", offset);
		/* A kernel whose vIOMMUs have nothing to map knows no mmap at all. */
		EXPECT_TRUE(errno == ENXIO || errno == ENODEV);
	}
}

CTS_MAIN
