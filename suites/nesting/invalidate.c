// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_HWPT_INVALIDATE: an array of requests, done in order. The answer says how many were; of
 * those each has taken effect, and of the others none.
 */
#include "nesting.h"

#define FULL 0x5a5a5a5a
#define ENTRIES MOCK_NESTED_DOMAIN_IOTLB_NUM

FIXTURE(invalidate)
{
	NESTING_FIELDS;
	uint32_t nested;
};

FIXTURE_SETUP(invalidate)
{
	NESTING_SETUP_OR_SKIP(self);
	self->nested = nested_alloc(self->iommufd, &self->mock, self->parent, FULL);
}

FIXTURE_TEARDOWN(invalidate)
{
	cts_close(&self->iommufd);
}

/* The entries of the IOTLB of @hwpt that are empty, a bit each; none may hold anything but FULL. */
static unsigned int empty(int iommufd, uint32_t hwpt)
{
	unsigned int mask = 0, i;

	for (i = 0; i < ENTRIES; i++) {
		if (mock_iotlb_holds(iommufd, hwpt, i, 0))
			mask |= 1U << i;
		else if (!mock_iotlb_holds(iommufd, hwpt, i, FULL))
			mask |= 1U << (i + 16);
	}
	return mask;
}

static int invalidate(int iommufd, uint32_t object,
		      const struct iommu_hwpt_invalidate_selftest *requests, uint32_t *count)
{
	return __invalidate(iommufd, object, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, requests,
			    sizeof(*requests), count);
}

CTS_TEST_F(invalidate, in_order,
	   .title = "Each request does what it says, and all are counted",
	   .requirements = { "INV-003" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_invalidate_selftest first[] = { { .iotlb_id = 2 } };
	const struct iommu_hwpt_invalidate_selftest some[] = { { .iotlb_id = 0 },
							       { .iotlb_id = 3 } };
	const struct iommu_hwpt_invalidate_selftest all[] = {
		{ .flags = IOMMU_TEST_INVALIDATE_FLAG_ALL },
	};
	uint32_t count = 1;

	EXPECT_EQ(0, empty(self->iommufd, self->nested));
	EXPECT_EQ(0, invalidate(self->iommufd, self->nested, first, &count));
	EXPECT_EQ(1, count);
	EXPECT_EQ(1U << 2, empty(self->iommufd, self->nested));
	count = 2;
	EXPECT_EQ(0, invalidate(self->iommufd, self->nested, some, &count));
	EXPECT_EQ(2, count);
	EXPECT_EQ(1U << 2 | 1U << 0 | 1U << 3, empty(self->iommufd, self->nested));
	count = 1;
	EXPECT_EQ(0, invalidate(self->iommufd, self->nested, all, &count));
	EXPECT_EQ(1, count);
	EXPECT_EQ(0xf, empty(self->iommufd, self->nested));
}

CTS_TEST_F(invalidate, stops_at_the_first_error,
	   .title = "A bad request ends the array with its errno: those before it are done and counted, those behind are not",
	   .requirements = { "INV-003" },
	   .needs = CTS_NEED_MOCK)
{
	const struct {
		struct iommu_hwpt_invalidate_selftest request;
		int error;
	} bad[] = {
		{ { .flags = 1U << 31, .iotlb_id = 1 }, -EOPNOTSUPP },
		{ { .iotlb_id = ENTRIES }, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t nested = nested_alloc(self->iommufd, &self->mock, self->parent, FULL);
		struct iommu_hwpt_invalidate_selftest requests[] = {
			{ .iotlb_id = 0 },
			{ .iotlb_id = 2 },
			bad[i].request,
			{ .iotlb_id = 3 },
		};
		uint32_t count = ARRAY_SIZE(requests);

		EXPECT_EQ(bad[i].error, invalidate(self->iommufd, nested, requests, &count));
		EXPECT_EQ(2, count);
		EXPECT_EQ(1U << 0 | 1U << 2, empty(self->iommufd, nested));

		requests[0] = bad[i].request;
		count = 1;
		EXPECT_EQ(bad[i].error, invalidate(self->iommufd, nested, requests, &count));
		EXPECT_EQ(0, count);
		EXPECT_EQ(1U << 0 | 1U << 2, empty(self->iommufd, nested));
	}
}

/* The second request crosses into memory that can't be read. */
CTS_TEST_F(invalidate, unreadable,
	   .title = "Requests that can't be read are EFAULT, and those before them are done and counted",
	   .requirements = { "INV-003" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_invalidate_selftest request = { .iotlb_id = 1 };
	char *end = (char *)guarded_page() + page_size();
	uint32_t count = 2;

	memcpy(end - sizeof(request), &request, sizeof(request));
	EXPECT_EQ(-EFAULT, invalidate(self->iommufd, self->nested,
				      (const void *)(end - sizeof(request)), &count));
	EXPECT_EQ(1, count);
	EXPECT_EQ(1U << 1, empty(self->iommufd, self->nested));
	count = 1;
	EXPECT_EQ(-EFAULT, invalidate(self->iommufd, self->nested, (const void *)end, &count));
	EXPECT_EQ(0, count);
}

CTS_TEST_F(invalidate, request_length,
	   .title = "Requests of another length than the type's are EINVAL, and none is done",
	   .requirements = { "INV-009" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_invalidate_selftest requests[4] = { { .iotlb_id = 1 } };
	static const uint32_t lengths[] = {
		1,
		sizeof(requests[0]) - 1,
		sizeof(requests[0]) + 1,
		2 * sizeof(requests[0]),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		uint32_t count = 2;

		EXPECT_EQ(-EINVAL, __invalidate(self->iommufd, self->nested,
						IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, requests,
						lengths[i], &count))
		TH_LOG("requests of %u bytes", lengths[i]);
		EXPECT_EQ(0, count);
	}
	EXPECT_EQ(0, empty(self->iommufd, self->nested));
}

CTS_TEST_F(invalidate, empty_array,
	   .title = "An array of no request asks whether the type is known",
	   .requirements = { "INV-004" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t count = 0;

	EXPECT_EQ(0, __invalidate(self->iommufd, self->nested, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
				  NULL, 0, &count));
	EXPECT_EQ(0, __invalidate(self->iommufd, self->nested, IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
				  inaccessible_page(), 0x10000, &count));
	EXPECT_EQ(-EINVAL,
		  __invalidate(self->iommufd, self->nested,
			       IOMMU_HWPT_INVALIDATE_DATA_SELFTEST_INVALID, NULL, 0, &count));
	EXPECT_EQ(0, count);
	EXPECT_EQ(0, empty(self->iommufd, self->nested));
}

CTS_TEST_F(invalidate, array_first,
	   .title = "An array that can't be one is EINVAL whatever the id, and nothing of it is done",
	   .requirements = { "INV-002" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_invalidate_selftest request = { .iotlb_id = 0 };
	const uint32_t ids[] = { self->nested, NOBODY };
	const struct {
		const void *data;
		uint32_t length, count;
	} wrong[] = {
		{ NULL, sizeof(request), 1 },
		{ &request, 0, 1 },
		{ &request, (uint32_t)page_size() + 1, 1 },
		{ &request, UINT32_MAX, 1 },
		{ &request, sizeof(request), (1U << 19) + 1 },
		{ &request, sizeof(request), UINT32_MAX },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		for (k = 0; k < ARRAY_SIZE(wrong); k++) {
			uint32_t count = wrong[k].count;

			EXPECT_EQ(-EINVAL, __invalidate(self->iommufd, ids[i],
							IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
							wrong[k].data, wrong[k].length, &count))
			TH_LOG("%u requests of %u bytes", wrong[k].count, wrong[k].length);
			EXPECT_EQ(0, count);
		}
	}
	EXPECT_EQ(0, empty(self->iommufd, self->nested));
}

CTS_TEST_F(invalidate, no_target,
	   .title = "What is neither a nested table nor a vIOMMU is EINVAL, what is not there ENOENT, and the count is 0",
	   .requirements = { "INV-001" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_invalidate_selftest request = { .iotlb_id = 0 };
	const uint32_t wrong[] = { self->ioas, self->mock.device, self->mock.hwpt, self->parent };
	uint32_t count;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		count = 1;
		EXPECT_EQ(-EINVAL, invalidate(self->iommufd, wrong[i], &request, &count))
		TH_LOG("id %u", wrong[i]);
		EXPECT_EQ(0, count);
	}
	count = 1;
	EXPECT_EQ(-ENOENT, invalidate(self->iommufd, NOBODY, &request, &count));
	EXPECT_EQ(0, count);
}

/* That an array is taken for one shows when the id is looked for, which nobody has. */
CTS_TEST_F(invalidate, largest_array,
	   .title = "An array of the largest length, and requests of the largest, are no reason to refuse it",
	   .requirements = { "INV-001", "INV-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST;
	const char *requests = guarded_page();
	uint32_t count = 1U << 19;

	EXPECT_EQ(-ENOENT, __invalidate(self->iommufd, NOBODY, type, requests, 1, &count));
	EXPECT_EQ(0, count);
	count = 1;
	EXPECT_EQ(-ENOENT, __invalidate(self->iommufd, NOBODY, type, requests,
					(uint32_t)page_size(), &count));
	EXPECT_EQ(0, count);
}

CTS_MAIN
