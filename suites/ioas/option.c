// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_OPTION: the two options, who may set them and when. What they do is for memlock.c and
 * huge_pages.c.
 */
#include "as_user.h"
#include "bare.h"

#define RLIMIT_MODE IOMMU_OPTION_RLIMIT_MODE
#define HUGE_PAGES IOMMU_OPTION_HUGE_PAGES

/* The value of an option, or -errno. */
static int64_t option(int iommufd, uint32_t id, uint32_t object)
{
	uint64_t value = 0;
	int rc = get_option(iommufd, id, object, &value);

	return rc ?: (int64_t)value;
}

CTS_TEST_F(bare, limit_by_user,
	   .title = "Locked memory is counted by user at first, and everybody may ask",
	   .requirements = { "OPT-001" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
	EXPECT_EQ(0, option(self->iommufd, RLIMIT_MODE, 0));
	if (as_user(_metadata, PRIVILEGE_NOBODY, 0)) {
		EXPECT_EQ(0, option(self->iommufd, RLIMIT_MODE, 0));
		END_CHILD();
	}
}

CTS_TEST_F(bare, limit_without_privilege,
	   .title = "Without CAP_SYS_RESOURCE setting RLIMIT_MODE is EPERM, whatever the value and whatever there is, and the mode stays",
	   .requirements = { "OPT-002" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
	int empty = iommufd_open();

	if (as_user(_metadata, PRIVILEGE_NOBODY, 0)) {
		EXPECT_EQ(-EPERM, set_option(empty, RLIMIT_MODE, 0, 1));
		EXPECT_EQ(-EPERM, set_option(empty, RLIMIT_MODE, 0, 0));
		EXPECT_EQ(-EPERM, set_option(empty, RLIMIT_MODE, 0, 7));
		EXPECT_EQ(-EPERM, set_option(self->iommufd, RLIMIT_MODE, 0, 1));
		EXPECT_EQ(0, option(empty, RLIMIT_MODE, 0));
		END_CHILD();
	}
	EXPECT_EQ(0, option(empty, RLIMIT_MODE, 0));
	EXPECT_EQ(0, set_option(empty, RLIMIT_MODE, 0, 1));
	if (as_user(_metadata, PRIVILEGE_NOBODY, 0)) {
		EXPECT_EQ(-EPERM, set_option(empty, RLIMIT_MODE, 0, 0));
		EXPECT_EQ(1, option(empty, RLIMIT_MODE, 0));
		END_CHILD();
	}
	cts_close(&empty);
}

CTS_TEST_F(bare, limit_before_objects,
	   .title = "RLIMIT_MODE is 0 or 1, can be set while the context has no object, and is EBUSY then",
	   .requirements = { "OPT-003" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
	EXPECT_EQ(-EBUSY, set_option(self->iommufd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(0, option(self->iommufd, RLIMIT_MODE, 0));
	iommufd_destroy(self->iommufd, self->ioas);

	EXPECT_EQ(0, set_option(self->iommufd, RLIMIT_MODE, 0, 1));
	EXPECT_EQ(1, option(self->iommufd, RLIMIT_MODE, 0));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, RLIMIT_MODE, 0, 2));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, RLIMIT_MODE, 0, UINT64_MAX));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, RLIMIT_MODE, 0, 1ULL << 32));
	EXPECT_EQ(1, option(self->iommufd, RLIMIT_MODE, 0));

	self->ioas = iommufd_ioas_alloc(self->iommufd);
	EXPECT_EQ(-EBUSY, set_option(self->iommufd, RLIMIT_MODE, 0, 0));
	EXPECT_EQ(1, option(self->iommufd, RLIMIT_MODE, 0));
	iommufd_destroy(self->iommufd, self->ioas);
	EXPECT_EQ(0, set_option(self->iommufd, RLIMIT_MODE, 0, 0));
	EXPECT_EQ(0, option(self->iommufd, RLIMIT_MODE, 0));
}

/* IOMMU_OPTION with every member of the caller's choice. */
static int ask(int iommufd, uint32_t id, uint16_t op, uint32_t object, uint16_t reserved)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = id,
		.op = op,
		.__reserved = reserved,
		.object_id = object,
		.val64 = 1,
	};

	return call(iommufd, IOMMU_OPTION, &args);
}

CTS_TEST_F(bare, unknown,
	   .title = "An option or operation that there isn't, an object where none belongs, and a reserved member are EOPNOTSUPP",
	   .requirements = { "OPT-004" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
	const uint16_t get = IOMMU_OPTION_OP_GET, set = IOMMU_OPTION_OP_SET;
	const struct {
		uint32_t id;
		uint16_t op;
		uint32_t object;
		uint16_t reserved;
	} cases[] = {
		{ 2, get, 0, 0 },
		{ 2, set, self->ioas, 0 },
		{ UINT32_MAX, get, 0, 0 },
		{ RLIMIT_MODE, 2, 0, 0 },
		{ RLIMIT_MODE, UINT16_MAX, 0, 0 },
		{ HUGE_PAGES, 2, self->ioas, 0 },
		{ HUGE_PAGES, UINT16_MAX, self->ioas, 0 },
		{ RLIMIT_MODE, get, self->ioas, 0 },
		{ RLIMIT_MODE, set, self->ioas, 0 },
		{ RLIMIT_MODE, get, UINT32_MAX, 0 },
		{ RLIMIT_MODE, get, 0, 1 },
		{ RLIMIT_MODE, set, 0, 1 },
		{ HUGE_PAGES, get, self->ioas, 0x8000 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		EXPECT_EQ(-EOPNOTSUPP, ask(self->iommufd, cases[i].id, cases[i].op, cases[i].object,
					   cases[i].reserved))
		TH_LOG("case %zu", i);
	}
	EXPECT_EQ(0, option(self->iommufd, RLIMIT_MODE, 0));
	EXPECT_EQ(1, option(self->iommufd, HUGE_PAGES, self->ioas));
}

CTS_TEST_F(bare, huge_pages,
	   .title = "HUGE_PAGES is an IOAS's own, 1 at first, and 0 or 1",
	   .requirements = { "OPT-005" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);

	EXPECT_EQ(1, option(self->iommufd, HUGE_PAGES, self->ioas));
	EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 0));
	EXPECT_EQ(0, option(self->iommufd, HUGE_PAGES, self->ioas));
	EXPECT_EQ(1, option(self->iommufd, HUGE_PAGES, other));
	EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 0));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, HUGE_PAGES, self->ioas, 2));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, HUGE_PAGES, self->ioas, UINT64_MAX));
	EXPECT_EQ(-EINVAL, set_option(self->iommufd, HUGE_PAGES, self->ioas, 1ULL << 32));
	EXPECT_EQ(0, option(self->iommufd, HUGE_PAGES, self->ioas));
	EXPECT_EQ(-ENOENT, option(self->iommufd, HUGE_PAGES, 0));
	EXPECT_EQ(-ENOENT, set_option(self->iommufd, HUGE_PAGES, other + 1, 0));
	EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 1));
	EXPECT_EQ(1, option(self->iommufd, HUGE_PAGES, self->ioas));
}

static uint64_t alignment(int iommufd, uint32_t ioas)
{
	uint64_t reported;
	uint32_t count;

	free(iommufd_iova_ranges(iommufd, ioas, &count, &reported));
	return reported;
}

CTS_TEST_F(bare, pages_only,
	   .title = "Without HUGE_PAGES only whole pages can be mapped, and the option can't be taken away under mappings of less",
	   .requirements = { "OPT-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	/* What is no whole page: in its length, where it is, what it is of. */
	const struct {
		uint64_t offset, length, iova;
	} odd[] = {
		{ 0, 512, self->page },
		{ 0, self->page, self->page + 512 },
		{ 512, self->page, self->page },
	};
	uint64_t iova;
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		char *memory = self->memory + odd[i].offset;

		iommufd_map(self->iommufd, self->ioas, memory, odd[i].length, odd[i].iova);
		EXPECT_EQ(-EADDRINUSE, set_option(self->iommufd, HUGE_PAGES, self->ioas, 0));
		EXPECT_EQ(1, option(self->iommufd, HUGE_PAGES, self->ioas));
		EXPECT_EQ(1, alignment(self->iommufd, self->ioas));
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, odd[i].length));

		EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 0));
		EXPECT_EQ(self->page, alignment(self->iommufd, self->ioas));
		EXPECT_EQ(-EINVAL, __iommufd_map(self->iommufd, self->ioas, memory, odd[i].length,
						 odd[i].iova));
		iova = 0;
		if (odd[i].iova == self->page) {
			EXPECT_EQ(-EINVAL, __iommufd_map_flags(self->iommufd, self->ioas, READABLE,
							       memory, odd[i].length, &iova));
		}
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, 0));

		/* Whole pages go, and are no reason to keep it. */
		iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
		EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 1));
		EXPECT_EQ(1, alignment(self->iommufd, self->ioas));
		EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 0));
		EXPECT_EQ(0, set_option(self->iommufd, HUGE_PAGES, self->ioas, 1));
		EXPECT_TRUE(held_just(self->iommufd, self->ioas, self->page));
	}
}

CTS_MAIN
