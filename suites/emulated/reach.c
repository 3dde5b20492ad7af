// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the driver of a mediated device gets when it copies or pins for its device: the memory that
 * the IOAS maps, as it is mapped, and no byte more.
 */
#include "canary.h"
#include "mediated.h"

#define SEED 0x21
#define READABLE IOMMU_IOAS_MAP_READABLE
#define WRITEABLE IOMMU_IOAS_MAP_WRITEABLE

/* Bytes that are in no canary. */
static void fill(char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = (char)(0x80 | (i * 11 + i / 128));
}

/* Pages 1 to 4 in three mappings; 0 and from 5 on nothing. */
static void map_three(FIXTURE_DATA(mediated) * self)
{
	MAP(self, self->ioas, 1, 1);
	MAP(self, self->ioas, 2, 2);
	MAP(self, self->ioas, 4, 1);
}

CTS_TEST_F(mediated, reads,
	   .title = "What the device reads is what is mapped, across mappings, wherever it begins",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	const size_t length = 3 * self->page - 10, at = self->page + 5;
	char *seen;

	ENGINE_OR_SKIP(self);
	seen = malloc(length);
	ASSERT_NE(NULL, seen);
	map_three(self);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	fill(self->memory, self->buffer.size);
	EXPECT_EQ(0, DO(self, READ, self->iova + at, length));
	engine_show(self->device, &self->layout, seen, length);
	EXPECT_EQ(0, memcmp(self->memory + at, seen, length));
	free(seen);
}

CTS_TEST_F(mediated, writes,
	   .title = "What the device writes is in memory, across mappings, and no other byte changes",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	const size_t length = 3 * self->page - 10, at = self->page + 5;
	char *bytes;

	ENGINE_OR_SKIP(self);
	bytes = malloc(length);
	ASSERT_NE(NULL, bytes);
	map_three(self);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	fill(bytes, length);
	engine_load(self->device, &self->layout, bytes, length);
	canary_fill(self->memory, self->buffer.size, SEED);
	EXPECT_EQ(0, DO(self, WRITE, self->iova + at, length));
	EXPECT_TRUE(canary_holds_only(self->memory, self->buffer.size, SEED, at, bytes, length));
	free(bytes);
}

CTS_TEST_F(mediated, pins,
	   .title = "Pinned pages are those that are mapped, across mappings, and what is done to them is seen in memory",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	const size_t length = 3 * self->page - 10, at = self->page + 5;
	char *bytes;

	PINS_OR_SKIP(self);
	bytes = malloc(length);
	ASSERT_NE(NULL, bytes);
	map_three(self);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova + at, length));
	EXPECT_EQ(3, REGISTER(self, PINNED));
	fill(bytes, length);
	engine_load(self->device, &self->layout, bytes, length);
	canary_fill(self->memory, self->buffer.size, SEED);
	EXPECT_EQ(0, DO(self, WRITE_PINNED, self->iova + at, length));
	EXPECT_TRUE(canary_holds_only(self->memory, self->buffer.size, SEED, at, bytes, length));
	fill(self->memory, self->buffer.size);
	EXPECT_EQ(0, DO(self, READ_PINNED, self->iova + at, length));
	engine_show(self->device, &self->layout, bytes, length);
	EXPECT_EQ(0, memcmp(self->memory + at, bytes, length));
	EXPECT_EQ(0, DO(self, UNPIN, self->iova + at, length));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	free(bytes);
}

/* Every access to [@iova, @iova + @length) ends in @error, and pins nothing. */
static void judge_refused(struct __test_metadata *_metadata, FIXTURE_DATA(mediated) * self,
			  uint64_t iova, uint64_t length, int error)
{
	EXPECT_EQ(error, DO(self, READ, iova, length));
	EXPECT_EQ(error, DO(self, WRITE, iova, length));
	EXPECT_EQ(error, DO(self, PIN_READ, iova, length));
	EXPECT_EQ(error, DO(self, PIN_WRITE, iova, length));
	EXPECT_EQ(0, REGISTER(self, PINNED));
}

CTS_TEST_F(mediated, nothing_mapped,
	   .title = "Where nothing is mapped, or it is attached to nothing, it gets ENOENT",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	PINS_OR_SKIP(self);
	map_three(self);
	canary_fill(self->memory, self->buffer.size, SEED);
	judge_refused(_metadata, self, AT(self, 1), self->page, -ENOENT);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	judge_refused(_metadata, self, self->iova, 1, -ENOENT);
	judge_refused(_metadata, self, AT(self, 5), self->page, -ENOENT);
	EXPECT_TRUE(canary_intact(self->memory, self->buffer.size, SEED));
	/* The page behind the last that is mapped, by a page of it or by a byte. */
	EXPECT_EQ(-ENOENT, DO(self, READ, AT(self, 4), self->page + 1));
	EXPECT_EQ(-ENOENT, DO(self, PIN_WRITE, AT(self, 4), self->page + 1));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	/* Of a write that begins where something is mapped no byte is seen behind that. */
	EXPECT_EQ(-ENOENT, DO(self, WRITE, AT(self, 4), self->page + 1));
	EXPECT_EQ(self->buffer.size,
		  canary_changed(self->memory, self->buffer.size, SEED, 5 * self->page));

	EXPECT_EQ(0, DO(self, READ, AT(self, 1), self->page));
	EXPECT_EQ(0, __vfio_detach(self->device));
	judge_refused(_metadata, self, AT(self, 1), self->page, -ENOENT);
}

CTS_TEST_F(mediated, to_read_only,
	   .title = "What is mapped to be read it can't write: EPERM, and memory stays",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	char byte = 0x5a;

	PINS_OR_SKIP(self);
	iommufd_map_access(self->iommufd, self->ioas, READABLE, self->memory, self->page,
			   self->iova);
	MAP(self, self->ioas, 1, 1);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	canary_fill(self->memory, self->buffer.size, SEED);
	engine_load(self->device, &self->layout, &byte, 1);
	EXPECT_EQ(-EPERM, DO(self, WRITE, self->iova, 1));
	EXPECT_EQ(-EPERM, DO(self, PIN_WRITE, self->iova, 1));
	EXPECT_EQ(-EPERM, DO(self, PIN_WRITE, self->iova, 2 * self->page));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_TRUE(canary_intact(self->memory, self->buffer.size, SEED));
	EXPECT_EQ(0, DO(self, READ, self->iova, self->page + 1));
	EXPECT_EQ(0, DO(self, PIN_READ, self->iova, 2 * self->page));
	EXPECT_EQ(2, REGISTER(self, PINNED));
}

CTS_TEST_F(mediated, to_write_only,
	   .title = "What is mapped to be written it can't read: EPERM, and it sees nothing of it",
	   .requirements = { "MDEV-005" },
	   .needs = NEEDS)
{
	char byte = 0x5a, seen;

	PINS_OR_SKIP(self);
	iommufd_map_access(self->iommufd, self->ioas, WRITEABLE, self->memory, self->page,
			   self->iova);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	self->memory[0] = 0x77;
	engine_load(self->device, &self->layout, &byte, 1);
	EXPECT_EQ(-EPERM, DO(self, READ, self->iova, 1));
	engine_show(self->device, &self->layout, &seen, 1);
	EXPECT_EQ(0x5a, seen);
	EXPECT_EQ(-EPERM, DO(self, PIN_READ, self->iova, 1));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(0, DO(self, WRITE, self->iova, 1));
	EXPECT_EQ(0x5a, self->memory[0]);
}

CTS_TEST_F(mediated, follows_a_replace,
	   .title = "After a replace it reaches what the new IOAS maps, and nothing of the old one",
	   .requirements = { "MDEV-004", "MDEV-005" },
	   .needs = NEEDS)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);
	char byte = 0x5a;

	ENGINE_OR_SKIP(self);
	MAP(self, self->ioas, 0, 2);
	/* At the same IOVA another page; and at the second nothing. */
	iommufd_map(self->iommufd, other, self->memory + 4 * self->page, self->page, self->iova);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, try_attach(self->device, other));
	canary_fill(self->memory, self->buffer.size, SEED);
	engine_load(self->device, &self->layout, &byte, 1);
	EXPECT_EQ(0, DO(self, WRITE, self->iova, 1));
	EXPECT_TRUE(
		canary_holds_only(self->memory, self->buffer.size, SEED, 4 * self->page, &byte, 1));
	EXPECT_EQ(-ENOENT, DO(self, READ, AT(self, 1), 1));
	/* A replace that is refused changes nothing of it. */
	EXPECT_EQ(-ENOENT, try_attach(self->device, NO_ID));
	EXPECT_EQ(0, DO(self, READ, self->iova, 1));
	EXPECT_EQ(-ENOENT, DO(self, READ, AT(self, 1), 1));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, DO(self, READ, AT(self, 1), 1));
}

CTS_MAIN
