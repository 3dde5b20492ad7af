// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may ask for dirty pages, and for which: a paging table that was made for it, and a range in
 * whole pages. Whatever is refused has changed nothing: what was dirty still is.
 */
#include "tracked.h"

CTS_TEST_F(tracked, table_without,
	   .title = "A table that wasn't made for tracking is EOPNOTSUPP",
	   .requirements = { "DIRTY-001" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t plain = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	const uint32_t tables[] = { plain, self->mock.hwpt };
	uint8_t bits[BITMAP] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		EXPECT_EQ(-EOPNOTSUPP, __dirty_tracking(self->iommufd, tables[i], true));
		EXPECT_EQ(-EOPNOTSUPP, __dirty_tracking(self->iommufd, tables[i], false));
		EXPECT_EQ(-EOPNOTSUPP, __dirty_bitmap(self->iommufd, tables[i], 0, IOVA, self->size,
						      self->page, bits));
	}
	EXPECT_TRUE(no_bits(bits, BITMAP));
}

CTS_TEST_F(tracked, no_table,
	   .title = "What is no paging table is ENOENT",
	   .requirements = { "DIRTY-002" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_selftest data = { .iotlb = 1 };
	uint32_t parent = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	uint32_t ids[] = { 0, 0x7ffffff0, self->ioas, self->mock.device, self->mock.id, 0 };
	uint8_t bits[BITMAP] = { 0 };
	size_t i;

	ASSERT_EQ(0, __hwpt_alloc_data(self->iommufd, self->mock.device, parent, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data), &ids[5]));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		EXPECT_EQ(-ENOENT, __dirty_tracking(self->iommufd, ids[i], true))
		TH_LOG("id %#x", ids[i]);
		EXPECT_EQ(-ENOENT, __dirty_bitmap(self->iommufd, ids[i], 0, IOVA, self->size,
						  self->page, bits));
	}
}

CTS_TEST_F(tracked, again,
	   .title = "Enabling what is enabled and disabling what is not work, attached or not",
	   .requirements = { "DIRTY-003" },
	   .needs = CTS_NEED_MOCK)
{
	static const bool steps[] = { true, true, false, false, true };
	int attached;
	size_t i;

	for (attached = 0; attached < 2; attached++) {
		for (i = 0; i < ARRAY_SIZE(steps); i++) {
			EXPECT_EQ(0, __dirty_tracking(self->iommufd, self->hwpt, steps[i]))
			TH_LOG("attached %d, step %zu", attached, i);
		}
		mock_replace(self->iommufd, &self->mock, self->hwpt);
	}
}

CTS_TEST_F(tracked, device_without,
	   .title = "A device whose IOMMU can't track isn't attached to a table that does",
	   .requirements = { "DIRTY-013" },
	   .needs = CTS_NEED_MOCK)
{
	struct mock poor;

	EXPECT_EQ(-EINVAL, __mock_open(self->iommufd, self->hwpt, MOCK_NO_DIRTY, &poor));
	mock_open(self->iommufd, self->ioas, MOCK_NO_DIRTY, &poor);
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &poor, self->hwpt, NULL));
	EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, self->hwpt, NULL));
	mock_replace(self->iommufd, &self->mock, self->ioas);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->hwpt));
}

CTS_TEST_F(tracked, wrong_range,
	   .title = "A range that isn't in whole pages is EINVAL, one beyond the last address EOVERFLOW; nothing is read",
	   .requirements = { "DIRTY-007" },
	   .needs = CTS_NEED_MOCK)
{
	const uint64_t page = self->page, top = -page;
	const struct {
		uint64_t iova, length, page;
		int error;
	} wrong[] = {
		{ IOVA, 0, page, -EINVAL },
		{ IOVA, page, 0, -EINVAL },
		{ IOVA + 1, page, page, -EINVAL },
		{ IOVA, page + 1, page, -EINVAL },
		{ IOVA, page - 1, page, -EINVAL },
		{ IOVA + 1, page - 1, 1, -EINVAL },
		{ IOVA + self->unit, 2 * page, page, -EINVAL },
		{ IOVA + page, page, 2 * page, -EINVAL },
		{ IOVA, page, 2 * page, -EINVAL },
		{ IOVA, 3 * page, 2 * page, -EINVAL },
		{ top, 2 * page, page, -EOVERFLOW },
		{ page, top + 1, page, -EOVERFLOW },
		{ UINT64_MAX, 2, 1, -EOVERFLOW },
	};
	uint8_t bits[BITMAP] = { 0 };
	size_t i;

	write_page(self->iommufd, self->hwpt, 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(wrong[i].error,
			  __dirty_bitmap(self->iommufd, self->hwpt, 0, wrong[i].iova,
					 wrong[i].length, wrong[i].page, bits))
		TH_LOG("IOVA %#llx, length %#llx, page %#llx", (unsigned long long)wrong[i].iova,
		       (unsigned long long)wrong[i].length, (unsigned long long)wrong[i].page);
	}
	EXPECT_TRUE(no_bits(bits, BITMAP));
	read_pages(self->iommufd, self->hwpt, 0, bits);
	EXPECT_EQ(1, bits[0]);
}

CTS_MAIN
