// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_IOAS_IOVA_RANGES: how the answer comes to the caller. What is in it once a device is
 * attached is for place.c and suites/attach/reserved_iova.c.
 */
#include "bare.h"

#define SLOTS 4

/* What no range is: it begins behind its end. */
static const struct iommu_iova_range untouched = { .start = 0xa5a5, .last = 0x5a5a };

static void fill(struct iommu_iova_range *slots)
{
	size_t i;

	for (i = 0; i < SLOTS; i++)
		slots[i] = untouched;
}

static bool is_untouched(const struct iommu_iova_range *slot)
{
	return slot->start == untouched.start && slot->last == untouched.last;
}

static struct iommu_ioas_iova_ranges question(uint32_t ioas, void *ranges, uint32_t count)
{
	return (struct iommu_ioas_iova_ranges){
		.size = sizeof(struct iommu_ioas_iova_ranges),
		.ioas_id = ioas,
		.num_iovas = count,
		.allowed_iovas = (uintptr_t)ranges,
		.out_iova_alignment = UINT64_MAX,
	};
}

CTS_TEST_F(bare, all_of_the_space,
	   .title = "An IOAS without a device offers all IOVAs in one range, at any byte",
	   .requirements = { "IOVA-001", "IOVA-003" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct iommu_iova_range slots[SLOTS];
	struct iommu_ioas_iova_ranges args = question(self->ioas, slots, SLOTS);
	size_t i;

	fill(slots);
	EXPECT_EQ(0, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	EXPECT_EQ(1, args.num_iovas);
	EXPECT_EQ(1, args.out_iova_alignment);
	EXPECT_EQ(0, slots[0].start);
	EXPECT_EQ(UINT64_MAX, slots[0].last);
	for (i = 1; i < SLOTS; i++) {
		EXPECT_TRUE(is_untouched(&slots[i]));
	}
}

CTS_TEST_F(bare, as_ever_with_mappings,
	   .title = "Mappings and allowed IOVAs take nothing away from the ranges",
	   .requirements = { "IOVA-001", "IOVA-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const struct iommu_iova_range window = { 4 * self->page, 8 * self->page - 1 };
	struct iommu_iova_range slots[SLOTS];
	struct iommu_ioas_iova_ranges args = question(self->ioas, slots, SLOTS);

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, 2 * self->page);
	ASSERT_EQ(0, allow(self->iommufd, self->ioas, &window, 1));
	EXPECT_EQ(0, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	EXPECT_EQ(1, args.num_iovas);
	EXPECT_EQ(0, slots[0].start);
	EXPECT_EQ(UINT64_MAX, slots[0].last);
}

CTS_TEST_F(bare, no_room,
	   .title = "Without room for a range the call is EMSGSIZE, says how many there are, and needs no array",
	   .requirements = { "IOVA-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct iommu_iova_range slots[SLOTS];
	struct iommu_ioas_iova_ranges args = question(self->ioas, NULL, 0);

	EXPECT_EQ(-EMSGSIZE, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	EXPECT_EQ(1, args.num_iovas);
	EXPECT_EQ(1, args.out_iova_alignment);

	fill(slots);
	args = question(self->ioas, slots, 0);
	EXPECT_EQ(-EMSGSIZE, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	EXPECT_TRUE(is_untouched(&slots[0]));
}

CTS_TEST_F(bare, unwritable_array,
	   .title = "An array that can't be written is EFAULT",
	   .requirements = { "IOVA-004" },
	   .needs = CTS_NEED_IOMMUFD)
{
	struct iommu_iova_range slot;
	struct iommu_ioas_iova_ranges args = question(self->ioas, inaccessible_page(), 1);

	EXPECT_EQ(-EFAULT, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	args = question(self->ioas, read_only_page(&untouched, sizeof(untouched)), 1);
	EXPECT_EQ(-EFAULT, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
	args = question(self->ioas, &slot, 1);
	EXPECT_EQ(0, call(self->iommufd, IOMMU_IOAS_IOVA_RANGES, &args));
}

CTS_MAIN
