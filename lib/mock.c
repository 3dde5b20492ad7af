// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check.h"
#include "iommufd.h"
#include "mock.h"

static int test_command(int iommufd, struct iommu_test_cmd *args)
{
	args->size = sizeof(*args);
	return ioctl(iommufd, IOMMU_TEST_CMD, args) ? -errno : 0;
}

/*
 * Older kernels may give the mock's device to the driver of another IOMMU, the first that is there,
 * so that no table fits it (seen with 6.12 beside VT-d, and not with 7.3). Newer ones have no such
 * excuse: there a device that can't be had is for the tests to see.
 */
static bool is_mistaken(int iommufd)
{
	struct utsname name;
	struct mock mock;
	uint32_t ioas;

	return !uname(&name) && atoi(name.release) < 7 && !__iommufd_ioas_alloc(iommufd, &ioas) &&
	       __mock_open(iommufd, ioas, MOCK_PLAIN, &mock) == -EINVAL;
}

/* A kernel with the mock knows the command but not operation 0. */
const char *mock_missing(void)
{
	static const char *const none = "the kernel has no IOMMU_TEST_CMD (CONFIG_IOMMUFD_TEST)";
	struct iommu_test_cmd args = { .op = 0 };
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	const char *missing = NULL;

	if (iommufd < 0)
		return none;
	if (test_command(iommufd, &args) == -ENOTTY)
		missing = none;
	else if (is_mistaken(iommufd))
		missing = "the kernel takes the mock's device for one of another IOMMU";
	cts_close(&iommufd);
	return missing;
}

int __mock_open(int iommufd, uint32_t pt, enum mock_kind kind, struct mock *mock)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS,
		.id = pt,
		.mock_domain_flags = { .dev_flags = kind },
	};
	int rc = test_command(iommufd, &args);

	if (rc)
		return rc;
	*mock = (struct mock){
		.id = args.mock_domain_flags.out_stdev_id,
		.device = args.mock_domain_flags.out_idev_id,
		.hwpt = args.mock_domain_flags.out_hwpt_id,
		.kind = kind,
	};
	return 0;
}

void mock_open(int iommufd, uint32_t pt, enum mock_kind kind, struct mock *mock)
{
	cts_require(!__mock_open(iommufd, pt, kind, mock), "a mock device attached to %u", pt);
}

void mock_close(int iommufd, const struct mock *mock)
{
	iommufd_destroy(iommufd, mock->id);
}

int __mock_replace(int iommufd, const struct mock *mock, uint32_t pt, uint32_t *hwpt)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = mock->id,
		.mock_domain_replace = { .pt_id = pt },
	};
	int rc = test_command(iommufd, &args);

	if (!rc && hwpt)
		*hwpt = args.mock_domain_replace.pt_id;
	return rc;
}

void mock_replace(int iommufd, const struct mock *mock, uint32_t pt)
{
	cts_require(!__mock_replace(iommufd, mock, pt, NULL), "attach the mock device to %u", pt);
}

#ifdef IOMMU_TEST_PASID_RESERVED
int __mock_pasid_attach(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_PASID_ATTACH,
		.id = mock->id,
		.pasid_attach = { .pasid = pasid, .pt_id = pt },
	};

	return test_command(iommufd, &args);
}

int __mock_pasid_replace(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_PASID_REPLACE,
		.id = mock->id,
		.pasid_replace = { .pasid = pasid, .pt_id = pt },
	};

	return test_command(iommufd, &args);
}

void mock_pasid_detach(int iommufd, const struct mock *mock, uint32_t pasid)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_PASID_DETACH,
		.id = mock->id,
		.pasid_detach = { .pasid = pasid },
	};

	cts_require(!test_command(iommufd, &args), "detach PASID %u", pasid);
}

bool mock_pasid_uses(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t hwpt)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_PASID_CHECK_HWPT,
		.id = mock->id,
		.pasid_check = { .pasid = pasid, .hwpt_id = hwpt },
	};

	return !test_command(iommufd, &args);
}
#else
int __mock_pasid_attach(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	(void)iommufd;
	(void)mock;
	(void)pasid;
	(void)pt;
	return -EOPNOTSUPP;
}

int __mock_pasid_replace(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	return __mock_pasid_attach(iommufd, mock, pasid, pt);
}

void mock_pasid_detach(int iommufd, const struct mock *mock, uint32_t pasid)
{
	cts_require(!__mock_pasid_attach(iommufd, mock, pasid, 0), "detach PASID %u", pasid);
}

bool mock_pasid_uses(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t hwpt)
{
	return !__mock_pasid_attach(iommufd, mock, pasid, hwpt);
}
#endif

bool mock_reaches(int iommufd, uint32_t hwpt, uint64_t iova, const void *memory, size_t length)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_MD_CHECK_MAP,
		.id = hwpt,
		.check_map = { .iova = iova, .length = length, .uptr = (uintptr_t)memory },
	};

	return !test_command(iommufd, &args);
}

bool mock_pinned(int iommufd, const void *memory, size_t length, unsigned int times)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_MD_CHECK_REFS,
		.check_refs = { .length = length, .uptr = (uintptr_t)memory, .refs = times },
	};

	return !test_command(iommufd, &args);
}

void mock_dirty(int iommufd, uint32_t hwpt, uint64_t iova, uint64_t length, uint64_t page,
		const void *bits)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_DIRTY,
		.id = hwpt,
		.dirty = {
			.iova = iova,
			.length = length,
			.page_size = page,
			.uptr = (uintptr_t)bits,
		},
	};

	cts_require(!test_command(iommufd, &args), "make pages at IOVA %#llx dirty",
		    (unsigned long long)iova);
}

bool mock_iotlb_holds(int iommufd, uint32_t hwpt, unsigned int entry, uint32_t value)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_MD_CHECK_IOTLB,
		.id = hwpt,
		.check_iotlb = { .id = entry, .iotlb = value },
	};

	return !test_command(iommufd, &args);
}

#ifdef MOCK_HAS_CACHES
bool mock_cache_holds(int iommufd, const struct mock *mock, unsigned int entry, uint32_t value)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_DEV_CHECK_CACHE,
		.id = mock->device,
		.check_dev_cache = { .id = entry, .cache = value },
	};

	return !test_command(iommufd, &args);
}
#else
bool mock_cache_holds(int iommufd, const struct mock *mock, unsigned int entry, uint32_t value)
{
	(void)iommufd;
	(void)mock;
	(void)entry;
	(void)value;
	return false;
}
#endif

int __mock_page_request(int iommufd, const struct mock *mock, uint32_t pasid, uint32_t group,
			uint32_t permissions, uint64_t addr)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_TRIGGER_IOPF,
		.trigger_iopf = {
			.dev_id = mock->device,
			.pasid = pasid,
			.grpid = group,
			.perm = permissions,
			.addr = addr,
		},
	};

	return test_command(iommufd, &args);
}

void mock_page_request(int iommufd, const struct mock *mock, uint32_t group, uint64_t addr)
{
	cts_require(!__mock_page_request(iommufd, mock, 0, group, IOMMU_PGFAULT_PERM_READ, addr),
		    "page request for %#llx", (unsigned long long)addr);
}

#ifdef MOCK_HAS_VEVENTS
int __mock_vevent(int iommufd, const struct mock *mock)
{
	struct iommu_test_cmd args = {
		.op = IOMMU_TEST_OP_TRIGGER_VEVENT,
		.trigger_vevent = { .dev_id = mock->device },
	};

	return test_command(iommufd, &args);
}
#else
int __mock_vevent(int iommufd, const struct mock *mock)
{
	(void)iommufd;
	(void)mock;
	return -EOPNOTSUPP;
}
#endif
