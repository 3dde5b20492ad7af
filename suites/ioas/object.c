// SPDX-License-Identifier: GPL-2.0-only
/* An IOAS as an object: it is one of its own, and every request wants the id of one that is there. */
#include "bare.h"

CTS_TEST_F(bare, independent,
	   .title = "A new IOAS is empty, and what is done to one leaves the others alone",
	   .requirements = { "IOAS-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);
	const struct iommu_iova_range window = { 64 * self->page, 65 * self->page - 1 };
	uint64_t length = self->page;

	EXPECT_NE(self->ioas, other);
	EXPECT_TRUE(held_just(self->iommufd, other, 0));
	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, other, self->page, &length));
	iommufd_map(self->iommufd, other, self->memory, 2 * self->page, self->page);
	ASSERT_EQ(0, allow(self->iommufd, other, &window, 1));
	EXPECT_TRUE(held_just(self->iommufd, other, 2 * self->page));
	length = 0;
	EXPECT_EQ(0, __iommufd_map_flags(self->iommufd, self->ioas, READABLE, self->memory,
					 2 * self->page, &length));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 3 * self->page));
}

/*
 * What each request on an IOAS says of @ioas: the errno that all of them have, or the first that
 * differs from -ENOENT.
 */
static int all_say(const FIXTURE_DATA(bare) * self, int iommufd, uint32_t ioas)
{
	struct iommu_ioas_iova_ranges ranges = { .size = sizeof(ranges), .ioas_id = ioas };
	uint64_t iova = self->page, length = self->page, value;
	int said[9], count = 0, i;

	said[count++] = call(iommufd, IOMMU_IOAS_IOVA_RANGES, &ranges);
	said[count++] = allow(iommufd, ioas, NULL, 0);
	said[count++] = __iommufd_map(iommufd, ioas, self->memory, self->page, self->page);
	said[count++] = __iommufd_unmap(iommufd, ioas, 0, &length);
	length = UINT64_MAX;
	said[count++] = __iommufd_unmap(iommufd, ioas, 0, &length);
	said[count++] = get_option(iommufd, IOMMU_OPTION_HUGE_PAGES, ioas, &value);
	said[count++] = __iommufd_copy(iommufd, ioas, ioas, FIXED | READABLE, self->page, 0, &iova);
	if (!lacks_map_file(iommufd))
		said[count++] = map_file(iommufd, ioas, FIXED | READABLE, self->memfd, 0,
					 self->page, &iova);
	said[count++] = __iommufd_destroy(iommufd, ioas);
	for (i = 0; i < count; i++) {
		if (said[i] == -ENOENT)
			continue;
		fprintf(stderr, "# IOAS %u: request %d said %d\n", ioas, i, said[i]);
		return said[i];
	}
	return -ENOENT;
}

CTS_TEST_F(bare, no_such_id,
	   .title = "An id that names nothing, 0 among them, is ENOENT to every request",
	   .requirements = { "IOAS-012" },
	   .needs = CTS_NEED_IOMMUFD)
{
	EXPECT_LT(0, self->ioas);
	EXPECT_GE(INT32_MAX, self->ioas);
	EXPECT_EQ(-ENOENT, all_say(self, self->iommufd, 0));
	EXPECT_EQ(-ENOENT, all_say(self, self->iommufd, self->ioas + 1));
	EXPECT_EQ(-ENOENT, all_say(self, self->iommufd, UINT32_MAX));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));
}

CTS_TEST_F(bare, half_a_copy,
	   .title = "A copy from or to an IOAS that isn't there is ENOENT and changes nothing",
	   .requirements = { "IOAS-012", "COPY-002" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint64_t to = 4 * self->page;

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	EXPECT_EQ(-ENOENT, __iommufd_copy(self->iommufd, self->ioas + 1, self->ioas,
					  FIXED | READABLE, self->page, self->page, &to));
	EXPECT_EQ(-ENOENT, __iommufd_copy(self->iommufd, self->ioas, self->ioas + 1,
					  FIXED | READABLE, self->page, self->page, &to));
	EXPECT_TRUE(held_just(self->iommufd, self->ioas, self->page));
}

CTS_TEST_F(bare, another_kind_of_object,
	   .title = "The id of an object that is no IOAS is ENOENT, and that object stays",
	   .requirements = { "IOAS-012" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint64_t length = UINT64_MAX;
	uint32_t queue;
	int fd;

	if (__iommufd_fault_queue_alloc(self->iommufd, &queue, &fd) == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "IOMMU_FAULT_QUEUE_ALLOC, the object that takes no device");
	EXPECT_EQ(-ENOENT, __iommufd_map(self->iommufd, queue, self->memory, self->page, 0));
	EXPECT_EQ(-ENOENT, __iommufd_unmap(self->iommufd, queue, 0, &length));
	EXPECT_EQ(-ENOENT, allow(self->iommufd, queue, NULL, 0));
	EXPECT_EQ(-ENOENT, get_option(self->iommufd, IOMMU_OPTION_HUGE_PAGES, queue, &length));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
}

CTS_TEST_F(bare, destroyed,
	   .title = "A destroyed IOAS is gone with all that was mapped in it: ENOENT to every request",
	   .requirements = { "IOAS-013" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	iommufd_map(self->iommufd, other, self->memory, self->page, self->page);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(-ENOENT, all_say(self, self->iommufd, self->ioas));
	EXPECT_TRUE(held_just(self->iommufd, other, self->page));
}

CTS_MAIN
