// SPDX-License-Identifier: GPL-2.0-only
/*
 * vDEVICEs: a device is at most one, and a virtual id names at most one of a vIOMMU. They end with
 * the device, and what invalidates by a virtual id reaches the device that has it.
 */
#include "viommu_fixture.h"

static int alloc(int iommufd, uint32_t viommu, uint32_t device, uint64_t id)
{
	uint32_t vdevice;

	return __vdevice_alloc(iommufd, viommu, device, id, &vdevice);
}

CTS_TEST_F(viommu, one_each,
	   .title = "A device that is a vDEVICE and a virtual id that is taken are EEXIST, until the vDEVICE is destroyed",
	   .requirements = { "VDEV-001" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t other, vdevice, third;
	struct mock second;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	VIOMMU_OR_SKIP(self->iommufd, &self->mock, self->parent, &other);
	vdevice = vdevice_alloc(self->iommufd, self->viommu, &self->mock, 5);
	EXPECT_EQ(-EEXIST, alloc(self->iommufd, self->viommu, self->mock.device, 6));
	EXPECT_EQ(-EEXIST, alloc(self->iommufd, other, self->mock.device, 5));
	EXPECT_EQ(-EEXIST, alloc(self->iommufd, self->viommu, second.device, 5));
	/* Another vIOMMU has its own virtual ids, and a refusal left nothing. */
	third = vdevice_alloc(self->iommufd, other, &second, 5);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, third));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));

	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, vdevice));
	vdevice = vdevice_alloc(self->iommufd, self->viommu, &second, 5);
	EXPECT_EQ(0, alloc(self->iommufd, self->viommu, self->mock.device, UINT64_MAX));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_TEST_F(viommu, refused_twice,
	   .title = "A virtual id that is taken stays with its device, however often others are refused it",
	   .requirements = { "VDEV-001", "INV-010" },
	   .needs = CTS_NEED_MOCK)
{
	const struct mock_cache_entry request = { .vdevice = 5, .cache = 1 };
	const uint32_t full = IOMMU_TEST_DEV_CACHE_DEFAULT;
	struct mock second;
	uint32_t count = 1;
	int i;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	vdevice_alloc(self->iommufd, self->viommu, &self->mock, 5);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EEXIST, alloc(self->iommufd, self->viommu, second.device, 5))
		TH_LOG("attempt %d", i);
	}
	EXPECT_EQ(0,
		  __invalidate(self->iommufd, self->viommu, IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
			       &request, sizeof(request), &count));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 1, 0));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &second, 1, full));
}

CTS_TEST_F(viommu, wide_virtual_ids,
	   .title = "Virtual ids that differ in any bit are different ids",
	   .requirements = { "VDEV-001" },
	   .needs = CTS_NEED_MOCK)
{
	const unsigned int bits = 8 * sizeof(long);
	struct mock second;
	unsigned int bit;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	vdevice_alloc(self->iommufd, self->viommu, &self->mock, 0);
	EXPECT_EQ(-EEXIST, alloc(self->iommufd, self->viommu, second.device, 0));
	for (bit = 0; bit < bits; bit++) {
		uint32_t vdevice = 0;

		EXPECT_EQ(0, __vdevice_alloc(self->iommufd, self->viommu, second.device,
					     (uint64_t)1 << bit, &vdevice))
		TH_LOG("bit %u", bit);
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, vdevice));
	}
}

CTS_TEST_F(viommu, wrong_ids,
	   .title = "What is no vIOMMU or no device is ENOENT",
	   .requirements = { "VDEV-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t wrong[] = { 0, NOBODY, self->ioas, self->parent };
	uint32_t next = next_object_id(self->iommufd);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-ENOENT, alloc(self->iommufd, wrong[i], self->mock.device, 5));
		EXPECT_EQ(-ENOENT, alloc(self->iommufd, self->viommu, wrong[i], 5));
	}
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, self->mock.device, self->mock.device, 5));
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, self->viommu, self->viommu, 5));
	EXPECT_EQ(next, next_object_id(self->iommufd));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_TEST_F(viommu, ends_with_its_device,
	   .title = "When the device is unbound its vDEVICE is gone, its id is not used again, and the vIOMMU is free",
	   .requirements = { "VDEV-003" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t vdevice, i;
	struct mock second;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	vdevice = vdevice_alloc(self->iommufd, self->viommu, &second, 5);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	mock_close(self->iommufd, &second);
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, vdevice));
	for (i = 0; i < 16; i++) {
		EXPECT_NE(vdevice, iommufd_ioas_alloc(self->iommufd));
	}
	EXPECT_EQ(0, alloc(self->iommufd, self->viommu, self->mock.device, 5));
	mock_close(self->iommufd, &self->mock);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_TEST_F(viommu, invalidated_by_virtual_id,
	   .title = "An invalidation by a virtual id reaches the device that has it, and no other",
	   .requirements = { "INV-010", "INV-003" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t type = IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST;
	struct mock_cache_entry requests[] = {
		{ .vdevice = 0x11, .cache = 1 },
		{ .vdevice = 0x22, .cache = 2 },
		{ .vdevice = 0x33, .cache = 0 }, /* nobody's */
	};
	const uint32_t full = IOMMU_TEST_DEV_CACHE_DEFAULT;
	uint32_t count = 2;
	struct mock second;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	vdevice_alloc(self->iommufd, self->viommu, &self->mock, 0x11);
	vdevice_alloc(self->iommufd, self->viommu, &second, 0x22);
	EXPECT_EQ(0, __invalidate(self->iommufd, self->viommu, type, requests, sizeof(requests[0]),
				  &count));
	EXPECT_EQ(2, count);
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 0, full));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 1, 0));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 2, full));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &second, 1, full));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &second, 2, 0));

	requests[0].cache = 3;
	count = 3;
	EXPECT_EQ(-EINVAL, __invalidate(self->iommufd, self->viommu, type, requests,
					sizeof(requests[0]), &count));
	EXPECT_EQ(2, count);
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 3, 0));

	requests[0].flags = IOMMU_TEST_INVALIDATE_FLAG_ALL;
	count = 1;
	EXPECT_EQ(0, __invalidate(self->iommufd, self->viommu, type, requests, sizeof(requests[0]),
				  &count));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 0, 0));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &self->mock, 2, 0));
	EXPECT_TRUE(mock_cache_holds(self->iommufd, &second, 0, full));

	count = 0;
	EXPECT_EQ(0, __invalidate(self->iommufd, self->viommu, type, NULL, 0, &count));
	count = 0;
	EXPECT_EQ(-EINVAL, __invalidate(self->iommufd, self->viommu, type + 1, NULL, 0, &count));
	EXPECT_EQ(0, count);
}

CTS_MAIN
