// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user within the kernel gets of an IOAS, and what an unmap takes from it: it is asked to
 * let go, of just that, and the unmap returns when it has.
 */
#include "kernel_user.h"

/* How often is page @number of the memory pinned? Asked for by guesses, of which 0 to 3 do. */
static int pins(const FIXTURE_DATA(user) * self, size_t number)
{
	int times;

	for (times = 0; times < 4; times++)
		if (mock_pinned(self->iommufd, self->memory + number * self->page, self->page,
				(unsigned int)times))
			return times;
	return -1;
}

CTS_TEST_F(user, gets_the_pages,
	   .title = "It pins the pages that are mapped, across mappings and in part, once beside a table",
	   .requirements = { "MDEV-005", "HWPT-012" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t pin, second;
	size_t i;

	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + self->page, 2 * self->page, true,
			      self->memory + self->page, &pin));
	EXPECT_EQ(0, user_pin(self->iommufd, self->user, IOVA + self->page, self->page + 1, false,
			      self->memory + self->page, &second));
	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_EQ(variant->table || (i == 1 || i == 2), pins(self, i))
		TH_LOG("page %zu", i);
	}
	EXPECT_EQ(0, user_unpin(self->iommufd, self->user, pin));
	EXPECT_EQ(1, pins(self, 1));
	EXPECT_EQ(1, pins(self, 2));
	EXPECT_EQ(0, user_unpin(self->iommufd, self->user, second));
	EXPECT_EQ(variant->table, pins(self, 1));
	EXPECT_EQ(variant->table, pins(self, 2));
}

CTS_TEST_F(user, refused,
	   .title = "Where nothing is mapped it gets ENOENT, to write where that isn't allowed EPERM, and then no page is pinned for it",
	   .requirements = { "MDEV-005" },
	   .needs = CTS_NEED_MOCK)
{
	const uint64_t behind = IOVA + MAPPINGS * self->page;
	size_t i;

	iommufd_map_access(self->iommufd, self->ioas, IOMMU_IOAS_MAP_READABLE, self->memory,
			   self->page, behind);
	iommufd_map_access(self->iommufd, self->ioas, IOMMU_IOAS_MAP_WRITEABLE, self->memory,
			   self->page, behind + self->page);
	EXPECT_EQ(-EPERM, user_pin(self->iommufd, self->user, behind, 1, true, NULL, NULL));
	EXPECT_EQ(-EPERM,
		  user_pin(self->iommufd, self->user, behind + self->page, 1, false, NULL, NULL));
	/* The pages before the one that is refused are let go of. */
	EXPECT_EQ(-EPERM, user_pin(self->iommufd, self->user, behind - 2 * self->page,
				   3 * self->page, true, NULL, NULL));
	EXPECT_EQ(-EINVAL, user_pin(self->iommufd, self->user, IOVA, 0, false, NULL, NULL));
	iommufd_unmap(self->iommufd, self->ioas, IOVA + 2 * self->page, self->page);
	EXPECT_EQ(-ENOENT,
		  user_pin(self->iommufd, self->user, IOVA + 2 * self->page, 1, false, NULL, NULL));
	EXPECT_EQ(-ENOENT,
		  user_pin(self->iommufd, self->user, IOVA, 3 * self->page, false, NULL, NULL));
	EXPECT_EQ(0, pins(self, 2));
	iommufd_unmap(self->iommufd, self->ioas, behind, self->page);
	iommufd_unmap(self->iommufd, self->ioas, behind + self->page, self->page);
	for (i = 0; i < MAPPINGS; i++) {
		if (i == 2)
			continue;
		EXPECT_EQ(variant->table, pins(self, i))
		TH_LOG("page %zu", i);
	}
}

CTS_TEST_F(user, is_asked,
	   .title = "An unmap takes what it has pinned there, and of other mappings nothing; there is nothing to pin then",
	   .requirements = { "UNMAP-007", "MDEV-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t pin[MAPPINGS], across;
	size_t i;

	for (i = 0; i < MAPPINGS; i++) {
		ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + i * self->page, self->page,
				      true, self->memory + i * self->page, &pin[i]));
	}
	iommufd_unmap(self->iommufd, self->ioas, IOVA + self->page, self->page);
	EXPECT_EQ(0, pins(self, 1));
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, pin[1]));
	EXPECT_EQ(-ENOENT, user_pin(self->iommufd, self->user, IOVA + self->page, self->page, true,
				    NULL, NULL));
	EXPECT_EQ(1, pins(self, 0));
	EXPECT_EQ(1, pins(self, 2));
	EXPECT_EQ(0, user_unpin(self->iommufd, self->user, pin[0]));

	/* One pin across two mappings goes with the first of them. */
	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + 2 * self->page, 2 * self->page,
			      true, self->memory + 2 * self->page, &across));
	EXPECT_EQ(3 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	for (i = 0; i < MAPPINGS; i++) {
		EXPECT_EQ(0, pins(self, i))
		TH_LOG("page %zu", i);
	}
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, across));
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, pin[2]));
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, pin[3]));
}

/* Who came first, and who goes first, makes no difference to the page. */
CTS_TEST_F(user, beside_tables,
	   .title = "Its pages stay pinned when a table comes or goes, and a table's when it goes",
	   .requirements = { "HWPT-012", "PIN-001", "ISO-012" },
	   .needs = CTS_NEED_MOCK)
{
	const size_t size = MAPPINGS * self->page;
	struct mock mock;
	uint32_t pin;

	if (variant->table)
		mock_close(self->iommufd, &self->mock);
	EXPECT_EQ(0, pins(self, 1));
	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + self->page, self->page, true,
			      self->memory + self->page, &pin));
	EXPECT_EQ(1, pins(self, 1));
	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &mock);
	EXPECT_TRUE(mock_reaches(self->iommufd, mock.hwpt, IOVA, self->memory, size));
	EXPECT_EQ(1, pins(self, 0));
	EXPECT_EQ(1, pins(self, 1));
	mock_close(self->iommufd, &mock);
	EXPECT_EQ(0, pins(self, 0));
	EXPECT_EQ(1, pins(self, 1));

	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &mock);
	EXPECT_EQ(0, user_unpin(self->iommufd, self->user, pin));
	EXPECT_EQ(1, pins(self, 1));
	EXPECT_TRUE(mock_reaches(self->iommufd, mock.hwpt, IOVA, self->memory, size));
	EXPECT_EQ(size, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, pins(self, 1));
}

/* What table and user share of a mapping is one page of it: any, with others before and behind. */
CTS_TEST_F(user, one_page_of_a_mapping,
	   .title = "When a table goes, of a mapping just the page that the user has pinned stays pinned, and when that lets go none",
	   .requirements = { "HWPT-012", "PIN-001" },
	   .needs = CTS_NEED_MOCK)
{
	const size_t size = MAPPINGS * self->page;
	uint32_t pin;
	size_t i, k;

	iommufd_unmap_all(self->iommufd, self->ioas);
	iommufd_map(self->iommufd, self->ioas, self->memory, size, IOVA);
	for (i = 0; i < MAPPINGS; i++) {
		ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + i * self->page, self->page,
				      true, self->memory + i * self->page, &pin));
		if (!variant->table)
			mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &self->mock);
		EXPECT_TRUE(mock_reaches(self->iommufd, self->mock.hwpt, IOVA, self->memory, size));
		for (k = 0; k < MAPPINGS; k++) {
			EXPECT_EQ(1, pins(self, k))
			TH_LOG("page %zu, the user's %zu", k, i);
		}
		mock_close(self->iommufd, &self->mock);
		for (k = 0; k < MAPPINGS; k++) {
			EXPECT_EQ(k == i, pins(self, k))
			TH_LOG("page %zu, the user's %zu", k, i);
		}
		EXPECT_EQ(0, user_unpin(self->iommufd, self->user, pin));
		EXPECT_EQ(0, pins(self, i));
		if (variant->table)
			mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &self->mock);
	}
}

/* Eight bytes across two pages, which are a mapping each or one together. */
static void judge_copies(struct __test_metadata *_metadata, const FIXTURE_DATA(user) * self,
			 uint32_t flags)
{
	const size_t at = self->page - 3;
	char bytes[8] = { 0 };
	size_t i;

	for (i = 0; i < 2 * self->page; i++)
		self->memory[i] = (char)(i * 7 + i / 256);
	EXPECT_EQ(0, user_copy(self->iommufd, self->user, IOVA + at, bytes, sizeof(bytes), flags));
	EXPECT_EQ(0, memcmp(self->memory + at, bytes, sizeof(bytes)));
	memset(bytes, 0x5a, sizeof(bytes));
	EXPECT_EQ(0, user_copy(self->iommufd, self->user, IOVA + at, bytes, sizeof(bytes),
			       flags | MOCK_ACCESS_RW_WRITE));
	for (i = 0; i < 2 * self->page; i++) {
		char expected = (char)(i * 7 + i / 256);

		ASSERT_EQ(i >= at && i < at + sizeof(bytes) ? 0x5a : expected, self->memory[i])
		TH_LOG("byte %zu, flags %#x", i, flags);
	}
}

CTS_TEST_F(user, copies,
	   .title = "It copies the bytes that are mapped, in its own process and another's way, and no byte more",
	   .requirements = { "MDEV-005" },
	   .needs = CTS_NEED_MOCK)
{
	judge_copies(_metadata, self, 0);
	judge_copies(_metadata, self, MOCK_ACCESS_RW_SLOW_PATH);
	iommufd_unmap_all(self->iommufd, self->ioas);
	iommufd_map(self->iommufd, self->ioas, self->memory, MAPPINGS * self->page, IOVA);
	judge_copies(_metadata, self, 0);
	judge_copies(_metadata, self, MOCK_ACCESS_RW_SLOW_PATH);
	EXPECT_EQ(variant->table, pins(self, 0));
	EXPECT_EQ(variant->table, pins(self, 1));
}

CTS_TEST_F(user, copies_from_any_byte,
	   .title = "Where all users only copy, memory and files are mapped from any byte on, and it copies from that byte",
	   .requirements = { "MDEV-005", "MFILE-001" },
	   .needs = CTS_NEED_MOCK)
{
	static const uint32_t paths[] = { 0, MOCK_ACCESS_RW_SLOW_PATH };
	static const size_t starts[] = { 1, 5, 100 };
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
	int user = user_open(self->iommufd, ioas, false);
	const size_t length = self->page + 7;
	struct buffer file;
	char *seen, *shared;
	size_t i, j;

	MAP_FILE_OR_SKIP(self->iommufd);
	buffer_alloc(&file, BUFFER_MEMFD, MAPPINGS * self->page);
	shared = file.memory;
	seen = malloc(length);
	ASSERT_NE(NULL, seen);
	for (i = 0; i < file.size; i++)
		shared[i] = self->memory[i] = (char)(i * 7 + i / 256);
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		uint64_t of_file = IOVA + starts[i], of_memory = of_file + file.size;

		ASSERT_EQ(0, map_file(self->iommufd, ioas, FIXED | IOMMU_IOAS_MAP_READABLE, file.fd,
				      starts[i], length, &of_file));
		iommufd_map(self->iommufd, ioas, self->memory + starts[i], length, of_memory);
		for (j = 0; j < ARRAY_SIZE(paths); j++) {
			memset(seen, 0, length);
			EXPECT_EQ(0,
				  user_copy(self->iommufd, user, of_file, seen, length, paths[j]));
			EXPECT_EQ(0, memcmp(seen, shared + starts[i], length));
			memset(seen, 0, length);
			EXPECT_EQ(0, user_copy(self->iommufd, user, of_memory, seen, length,
					       paths[j]));
			EXPECT_EQ(0, memcmp(seen, self->memory + starts[i], length));
			EXPECT_EQ(-ENOENT,
				  user_copy(self->iommufd, user, of_file - 1, seen, 2, paths[j]));
		}
		iommufd_unmap_all(self->iommufd, ioas);
	}
	cts_close(&user);
	free(seen);
	buffer_free(&file);
}

CTS_TEST_F(user, copies_what_it_may,
	   .title = "It copies nothing to where the mapping is for reading, EPERM, nor beyond what is mapped, ENOENT",
	   .requirements = { "MDEV-005" },
	   .needs = CTS_NEED_MOCK)
{
	static const uint32_t paths[] = { 0, MOCK_ACCESS_RW_SLOW_PATH };
	const uint64_t behind = IOVA + MAPPINGS * self->page;
	char byte[2] = { 0x11, 0x22 };
	size_t i;

	iommufd_map_access(self->iommufd, self->ioas, IOMMU_IOAS_MAP_READABLE, self->memory,
			   self->page, behind);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		const uint32_t to = paths[i] | MOCK_ACCESS_RW_WRITE;

		self->memory[0] = 0x77;
		EXPECT_EQ(0, user_copy(self->iommufd, self->user, behind, byte, 1, paths[i]));
		EXPECT_EQ(0x77, byte[0]);
		byte[0] = 0x11;
		EXPECT_EQ(-EPERM, user_copy(self->iommufd, self->user, behind, byte, 1, to));
		EXPECT_EQ(0x77, self->memory[0]);
		EXPECT_EQ(-ENOENT, user_copy(self->iommufd, self->user, behind + self->page, byte,
					     1, paths[i]));
		EXPECT_EQ(-ENOENT, user_copy(self->iommufd, self->user, behind + self->page - 1,
					     byte, 2, paths[i]));
	}
}

CTS_TEST_F(user, moves,
	   .title = "Moved to another IOAS or closed it lets go of all that it had pinned, and an IOAS that it has is EBUSY",
	   .requirements = { "MDEV-006", "MDEV-011" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);
	uint32_t first, last;

	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA, 1, false, self->memory, &first));
	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA + 3 * self->page, 1, false,
			      self->memory + 3 * self->page, &last));
	EXPECT_EQ(0, user_move(self->iommufd, self->user, self->ioas));
	EXPECT_EQ(1, pins(self, 0));
	EXPECT_EQ(-ENOENT, user_move(self->iommufd, self->user, 0x7ffffff0));
	EXPECT_EQ(1, pins(self, 3));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, user_move(self->iommufd, self->user, other));
	EXPECT_EQ(variant->table, pins(self, 0));
	EXPECT_EQ(variant->table, pins(self, 3));
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, first));
	EXPECT_EQ(-ENOENT, user_unpin(self->iommufd, self->user, last));
	EXPECT_EQ(-ENOENT, user_pin(self->iommufd, self->user, IOVA, 1, false, NULL, NULL));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, other));

	EXPECT_EQ(0, user_move(self->iommufd, self->user, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
	ASSERT_EQ(0, user_pin(self->iommufd, self->user, IOVA, 1, false, self->memory, NULL));
	cts_close(&self->user);
	EXPECT_EQ(variant->table, pins(self, 0));
	if (variant->table)
		mock_close(self->iommufd, &self->mock);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(user, whole_pages,
	   .title = "An IOAS with one that pins has whole pages only: EINVAL for a mapping that isn't, EADDRINUSE for one who finds such",
	   .requirements = { "MDEV-009" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd), ranges;
	const size_t part = self->page / 2;
	uint64_t alignment;
	int copies, none;

	free(iommufd_iova_ranges(self->iommufd, self->ioas, &ranges, &alignment));
	EXPECT_EQ(self->page, alignment);
	EXPECT_EQ(-EINVAL, __iommufd_map(self->iommufd, self->ioas, self->memory, part,
					 IOVA + MAPPINGS * self->page));
	iommufd_map(self->iommufd, other, self->memory, part, IOVA);
	EXPECT_EQ(-EADDRINUSE, __user_open(self->iommufd, other, true, &none));
	EXPECT_EQ(-EADDRINUSE, user_move(self->iommufd, self->user, other));
	free(iommufd_iova_ranges(self->iommufd, other, &ranges, &alignment));
	EXPECT_EQ(1, alignment);
	/* It has stayed where it was. */
	EXPECT_EQ(0, user_pin(self->iommufd, self->user, IOVA, 1, false, self->memory, NULL));
	/* Who only copies takes any byte. */
	copies = user_open(self->iommufd, other, false);
	free(iommufd_iova_ranges(self->iommufd, other, &ranges, &alignment));
	EXPECT_EQ(1, alignment);
	cts_close(&copies);
	iommufd_unmap(self->iommufd, other, IOVA, part);
	EXPECT_EQ(0, user_move(self->iommufd, self->user, other));
	free(iommufd_iova_ranges(self->iommufd, self->ioas, &ranges, &alignment));
	EXPECT_GT(self->page, alignment);
}

CTS_MAIN
