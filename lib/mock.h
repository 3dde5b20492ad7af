/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mock: a device and an IOMMU in software that a kernel with CONFIG_IOMMUFD_TEST has, for what
 * no IOMMU at hand can do. It is spoken to with IOMMU_TEST_CMD
 * (drivers/iommu/iommufd/iommufd_test.h, of the kernel tree that the suite is built against; no
 * uAPI). It tells nothing of any IOMMU driver: what is shown with it is how iommufd itself keeps
 * its promises.
 *
 * A mock device is born bound and attached. It makes no accesses: mock_reaches() asks its page
 * table instead. A call with `__` returns 0 or -errno, -EOPNOTSUPP also where kernel or headers are
 * too old for it; its twin ends the test when it fails. Addresses and lengths are in bytes.
 */
#ifndef CTS_MOCK_H
#define CTS_MOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "iommufd_test.h"

/* Headers that are too old for one of these also lack the call that it is for. */
#ifndef IOMMU_VIOMMU_TYPE_SELFTEST
#define IOMMU_VIOMMU_TYPE_SELFTEST 0xdeadbeef
#endif
#ifndef IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST
#define IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST 0xdeadbeef
#endif
#ifndef IOMMU_HW_QUEUE_TYPE_SELFTEST
#define IOMMU_HW_QUEUE_TYPE_SELFTEST 0xdeadbeef
#endif
#ifdef IOMMU_TEST_DEV_CACHE_DEFAULT
#define MOCK_HAS_CACHES
#else
#define IOMMU_TEST_DEV_CACHE_DEFAULT 0xbaddad
#endif
#ifdef IOMMU_VEVENTQ_TYPE_SELFTEST
#define MOCK_HAS_VEVENTS
#else
#define IOMMU_VEVENTQ_TYPE_SELFTEST 0xbeefbeef
#endif

/* What a mock device is like: MOCK_FLAGS_DEVICE_*, the second of which older headers lack. */
enum mock_kind {
	MOCK_PLAIN = 0,
	MOCK_NO_DIRTY = 1 << 0, /* its IOMMU tracks no dirty pages */
	MOCK_PASID = 1 << 2,	/* it has PASIDs of MOCK_PASID_BITS bits */
};

#define MOCK_PASID_BITS 20

struct mock {
	uint32_t id;	 /* of the test object; destroying it unbinds the device */
	uint32_t device; /* id of the bound device */
	uint32_t hwpt;	 /* what it was attached to when it was born */
	enum mock_kind kind;
};

/* An entry of an invalidation by a vIOMMU: struct iommu_viommu_invalidate_selftest. */
struct mock_cache_entry {
	uint32_t flags; /* IOMMU_TEST_INVALIDATE_FLAG_ALL */
	uint32_t vdevice;
	uint32_t cache;
};

/* NULL, or why there is no mock that can be used. */
const char *mock_missing(void);

/* A new device, bound to @iommufd and attached to @pt, an IOAS or HWPT. */
int __mock_open(int iommufd, uint32_t pt, enum mock_kind kind, struct mock *mock);
void mock_open(int iommufd, uint32_t pt, enum mock_kind kind, struct mock *mock);

/* Detaches and unbinds the device. */
void mock_close(int iommufd, const struct mock *mock);

/* Attaches it to @pt in place of what it is attached to; *@hwpt, which may be NULL, is the table. */
int __mock_replace(int iommufd, const struct mock *mock, uint32_t pt, uint32_t *hwpt);
void mock_replace(int iommufd, const struct mock *mock, uint32_t pt);

/* The same for one of its PASIDs. */
int __mock_pasid_attach(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt);
int __mock_pasid_replace(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt);
void mock_pasid_detach(int iommufd, const struct mock *mock, uint32_t pasid);

/* Is @hwpt what @pasid is attached to? 0: is it attached to nothing? */
bool mock_pasid_uses(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t hwpt);

/*
 * Does paging HWPT @hwpt translate [@iova, @iova + @length) to the pages of @memory? All three are
 * multiples of the page size of the mock, which the IOAS tells as the alignment of its IOVAs.
 */
bool mock_reaches(int iommufd, uint32_t hwpt, uint64_t iova, const void *memory, size_t length);

/* Is each page of @memory pinned @times times? */
bool mock_pinned(int iommufd, const void *memory, size_t length, unsigned int times);

/*
 * As a device's writes would, makes those pages of @page bytes in [@iova, @iova + @length) dirty in
 * @hwpt whose bit in @bits is set. The HWPT must be tracking.
 */
void mock_dirty(int iommufd, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page,
		const void *bits);

/* Does entry @entry of the IOTLB of nested HWPT @hwpt hold @value? */
bool mock_iotlb_holds(int iommufd, uint32_t hwpt, unsigned int entry, uint32_t value);

/* Does entry @entry of the device's own cache hold @value? */
bool mock_cache_holds(int iommufd, const struct mock *mock, unsigned int entry, uint32_t value);

/* The device sends a page request for @addr: by PASID, or 0 for none. */
int __mock_page_request(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t group,
			uint32_t permissions, uint64_t addr);
void mock_page_request(int iommufd, const struct mock *mock, uint32_t group, uint64_t addr);

/* The device has an event for its vIOMMU; a struct iommu_viommu_event_selftest follows the header. */
int __mock_vevent(int iommufd, const struct mock *mock);

#endif
