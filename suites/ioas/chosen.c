// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the kernel puts what is mapped without an IOVA: where nothing is, never at 0, and once
 * there are allowed IOVAs (IOMMU_IOAS_ALLOW_IOVAS) only there.
 */
#include "bare.h"

/* The page that the windows of the tests begin at, and how many they have. */
#define WINDOW 32
#define PAGES 16

/* Maps @length bytes of @memory where the kernel likes: 0 and *@iova, or -errno. */
static int place(const FIXTURE_DATA(bare) * self, const char *memory, uint64_t length,
		 uint64_t *iova)
{
	*iova = 0;
	return __iommufd_map_flags(self->iommufd, self->ioas, READ_WRITE, memory, length, iova);
}

static struct iommu_iova_range pages(const FIXTURE_DATA(bare) * self, uint64_t first,
				     uint64_t count)
{
	return (struct iommu_iova_range){
		.start = first * self->page,
		.last = (first + count) * self->page - 1,
	};
}

static int allow_pages(const FIXTURE_DATA(bare) * self, uint64_t first, uint64_t count)
{
	const struct iommu_iova_range range = pages(self, first, count);

	return allow(self->iommufd, self->ioas, &range, 1);
}

/* Is the page that the kernel chooses now page @number? It is given back. */
static bool chooses(const FIXTURE_DATA(bare) * self, uint64_t number)
{
	uint64_t iova;
	int status = place(self, self->memory, self->page, &iova);

	if (!status)
		iommufd_unmap(self->iommufd, self->ioas, iova, self->page);
	if (!status && iova == number * self->page)
		return true;
	fprintf(stderr, "# chosen: %d, IOVA %#llx; page %llu was expected\n", status,
		(unsigned long long)iova, (unsigned long long)number);
	return false;
}

CTS_TEST_F(bare, fills_a_window,
	   .title = "Every page that is allowed is chosen once; then there is ENOSPC, until one is free again",
	   .requirements = { "MAP-007", "MAP-008", "IOVA-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	bool taken[PAGES] = { false };
	uint64_t iova, last = 0;
	size_t i;

	ASSERT_EQ(0, allow_pages(self, WINDOW, PAGES));
	for (i = 0; i < PAGES; i++) {
		ASSERT_EQ(0, place(self, self->memory, self->page, &iova));
		ASSERT_EQ(0, iova % self->page);
		ASSERT_TRUE(iova / self->page >= WINDOW && iova / self->page < WINDOW + PAGES);
		EXPECT_FALSE(taken[iova / self->page - WINDOW]);
		taken[iova / self->page - WINDOW] = true;
		last = iova;
	}
	EXPECT_EQ(-ENOSPC, place(self, self->memory, self->page, &iova));
	EXPECT_EQ(-ENOSPC, place(self, self->memory, 1, &iova));
	iommufd_unmap(self->iommufd, self->ioas, last, self->page);
	EXPECT_EQ(-ENOSPC, place(self, self->memory, 2 * self->page, &iova));
	EXPECT_EQ(0, place(self, self->memory, self->page, &iova));
	EXPECT_EQ(last, iova);
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, PAGES * self->page));
}

CTS_TEST_F(bare, a_hole_that_fits,
	   .title = "The one hole that is large enough is found between mappings of all sizes",
	   .requirements = { "MAP-007", "MAP-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	/* Free are pages 2, 5-6 and 9-11 of the window. */
	const struct {
		uint64_t first, count;
	} used[] = { { 0, 2 }, { 3, 2 }, { 7, 2 }, { 12, 4 } };
	/* From an odd page of memory on, so that no larger alignment is asked of the IOVA. */
	const char *odd =
		self->memory + ((uintptr_t)self->memory / self->page % 2 ? 0 : self->page);
	uint64_t iova;
	size_t i;

	ASSERT_EQ(0, allow_pages(self, WINDOW, PAGES));
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		iommufd_map(self->iommufd, self->ioas, self->memory, used[i].count * self->page,
			    (WINDOW + used[i].first) * self->page);
	EXPECT_EQ(-ENOSPC, place(self, odd, 4 * self->page, &iova));
	EXPECT_EQ(0, place(self, odd, 3 * self->page, &iova));
	EXPECT_EQ((WINDOW + 9) * self->page, iova);
	EXPECT_EQ(0, place(self, odd, 2 * self->page, &iova));
	EXPECT_EQ((WINDOW + 5) * self->page, iova);
	EXPECT_EQ(0, place(self, odd, self->page, &iova));
	EXPECT_EQ((WINDOW + 2) * self->page, iova);
	EXPECT_EQ(-ENOSPC, place(self, odd, self->page, &iova));
}

CTS_TEST_F(bare, never_at_zero,
	   .title = "IOVA 0 is not chosen, also where nothing else is allowed; it can be asked for",
	   .requirements = { "MAP-007" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint64_t iova;

	EXPECT_EQ(0, place(self, self->memory, self->page, &iova));
	EXPECT_NE(0, iova);
	iommufd_unmap(self->iommufd, self->ioas, iova, self->page);
	ASSERT_EQ(0, allow_pages(self, 0, 1));
	EXPECT_EQ(-ENOSPC, place(self, self->memory, self->page, &iova));
	ASSERT_EQ(0, allow_pages(self, 0, 2));
	EXPECT_EQ(0, place(self, self->memory, self->page, &iova));
	EXPECT_EQ(self->page, iova);
	EXPECT_EQ(0, __iommufd_map(self->iommufd, self->ioas, self->memory, self->page, 0));
}

CTS_TEST_F(bare, offset_in_the_page,
	   .title = "A chosen IOVA lies in its page where the memory lies in its",
	   .requirements = { "MAP-007" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint64_t offsets[] = { 1, 512, self->page - 1, 0 };
	size_t i;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint64_t iova;

		EXPECT_EQ(0, place(self, self->memory + offsets[i], self->page, &iova));
		EXPECT_EQ(offsets[i], iova % self->page);
		EXPECT_EQ(0, unmap_exactly(self->iommufd, self->ioas, iova, self->page));
	}
}

CTS_TEST_F(bare, windows_are_replaced,
	   .title = "A new list of allowed IOVAs takes the place of the old one, an empty one of any",
	   .requirements = { "IOVA-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint64_t iova;

	ASSERT_EQ(0, allow_pages(self, WINDOW, 1));
	EXPECT_TRUE(chooses(self, WINDOW));
	ASSERT_EQ(0, allow_pages(self, 3 * WINDOW, 1));
	EXPECT_TRUE(chooses(self, 3 * WINDOW));
	/* It says where the kernel may choose, not where the user may. */
	EXPECT_EQ(0, __iommufd_map(self->iommufd, self->ioas, self->memory, self->page,
				   2 * WINDOW * self->page));

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, 3 * WINDOW * self->page);
	EXPECT_EQ(-ENOSPC, place(self, self->memory, self->page, &iova));
	EXPECT_EQ(0, allow(self->iommufd, self->ioas, NULL, 0));
	EXPECT_EQ(0, place(self, self->memory, self->page, &iova));
}

CTS_TEST_F(bare, several_windows,
	   .title = "Of several allowed ranges, in any order and adjoining or not, each is used",
	   .requirements = { "IOVA-008", "IOVA-007" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const struct iommu_iova_range ranges[] = {
		pages(self, 3 * WINDOW, 1),
		pages(self, WINDOW + 1, 1),
		pages(self, WINDOW, 1),
	};
	uint64_t iova, sum = 0;
	size_t i;

	ASSERT_EQ(0, allow(self->iommufd, self->ioas, ranges, 3));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, place(self, self->memory, self->page, &iova));
		sum += iova / self->page;
	}
	EXPECT_EQ(5 * WINDOW + 1, sum);
	EXPECT_EQ(-ENOSPC, place(self, self->memory, self->page, &iova));
}

CTS_TEST_F(bare, windows_refused,
	   .title = "Allowed ranges that are inverted, empty, overlap or can't be read are refused, and the old list stays in force",
	   .requirements = { "IOVA-007", "IOVA-004" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const struct iommu_iova_range bad[][2] = {
		{ pages(self, 1, 1), { 9 * self->page, 3 * self->page } },
		{ pages(self, 1, 1), { 5 * self->page, 5 * self->page - 1 } },
		{ pages(self, 1, 4), pages(self, 4, 4) },
		{ pages(self, 4, 4), pages(self, 1, 4) },
		{ pages(self, 1, 8), pages(self, 2, 2) },
		{ pages(self, 2, 2), pages(self, 1, 8) },
		{ pages(self, 2, 2), pages(self, 2, 2) },
		{ pages(self, 2, 2), { 4 * self->page - 1, 6 * self->page } },
	};
	/* The first of two ranges lies on the page, the second beyond its end. */
	struct iommu_iova_range *at_the_end =
		(struct iommu_iova_range *)((char *)inaccessible_page() - sizeof(bad[0][0]));
	size_t i;

	ASSERT_EQ(0, allow_pages(self, WINDOW, 1));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(-EINVAL, allow(self->iommufd, self->ioas, bad[i], 2))
		TH_LOG("list %zu", i);
		EXPECT_TRUE(chooses(self, WINDOW));
	}
	*at_the_end = pages(self, 1, 1);
	EXPECT_EQ(-EFAULT, allow(self->iommufd, self->ioas, at_the_end, 2));
	EXPECT_TRUE(chooses(self, WINDOW));
	EXPECT_EQ(-EFAULT, allow(self->iommufd, self->ioas, inaccessible_page(), 1));
	EXPECT_TRUE(chooses(self, WINDOW));
	EXPECT_EQ(0, allow(self->iommufd, self->ioas, at_the_end, 1));
	EXPECT_TRUE(chooses(self, 1));
}

CTS_MAIN
