// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of the hardware that a vIOMMU gives to the guest: told with the vIOMMU, as offset and
 * length of a mapping of /dev/iommu. Just that can be mapped, and while it is the vIOMMU stays.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nesting.h"

/* struct iommu_viommu_selftest: what is given to the mock comes back, also in the page. */
struct mock_data {
	uint32_t given, returned;
	uint64_t offset, length;
};

FIXTURE(mapping)
{
	NESTING_FIELDS;
	uint32_t viommu;
	struct mock_data data;
};

FIXTURE_SETUP(mapping)
{
	NESTING_SETUP_OR_SKIP(self);
	self->data.given = 0x12345678;
	if (__viommu_alloc(self->iommufd, self->mock.device, self->parent,
			   IOMMU_VIOMMU_TYPE_SELFTEST, &self->data, sizeof(self->data),
			   &self->viommu))
		CTS_SKIP(KERNEL_LACKS, "vIOMMUs with pages to map");
}

FIXTURE_TEARDOWN(mapping)
{
	cts_close(&self->iommufd);
}

static void *map(int iommufd, const struct mock_data *data)
{
	return mmap(NULL, data->length, PROT_READ | PROT_WRITE, MAP_SHARED, iommufd,
		    (off_t)data->offset);
}

CTS_TEST_F(mapping, as_told,
	   .title = "What the vIOMMU told can be mapped and is its page",
	   .requirements = { "OBJ-010", "VIOMMU-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t *page;

	EXPECT_EQ(self->data.given, self->data.returned);
	EXPECT_NE(0, self->data.length);
	page = map(self->iommufd, &self->data);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(self->data.given, *page);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, munmap(page, self->data.length));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(MAP_FAILED, map(self->iommufd, &self->data));
	EXPECT_EQ(ENXIO, errno);
}

/* A child has a mapping of its own, which goes with it. */
CTS_TEST_F(mapping, by_a_child,
	   .title = "The vIOMMU stays as long as any process has its page mapped, in whole or in part",
	   .requirements = { "OBJ-010" },
	   .needs = CTS_NEED_MOCK)
{
	const size_t half = self->data.length / 2;
	char *page = map(self->iommufd, &self->data);
	int status, parts[2];
	char told;
	pid_t child;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, half % page_size());
	ASSERT_EQ(0, pipe(parts));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(parts[1]);
		(void)!read(parts[0], &told, 1);
		_exit(*(uint32_t *)page != self->data.given);
	}
	close(parts[0]);
	EXPECT_EQ(0, munmap(page + half, half));
	EXPECT_EQ(0, munmap(page, half));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	close(parts[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);

	page = map(self->iommufd, &self->data);
	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(0, munmap(page, half));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, munmap(page + half, half));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_TEST_F(mapping, each_its_own,
	   .title = "Each of several vIOMMUs has pages of its own, also when another has gone",
	   .requirements = { "OBJ-010", "VIOMMU-006" },
	   .needs = CTS_NEED_MOCK)
{
	struct mock_data data = { .given = 0x87654321 };
	uint32_t viommu, *first, *second;

	ASSERT_EQ(0, __viommu_alloc(self->iommufd, self->mock.device, self->parent,
				    IOMMU_VIOMMU_TYPE_SELFTEST, &data, sizeof(data), &viommu));
	EXPECT_EQ(data.given, data.returned);
	EXPECT_TRUE(data.offset >= self->data.offset + self->data.length ||
		    self->data.offset >= data.offset + data.length);
	first = map(self->iommufd, &self->data);
	second = map(self->iommufd, &data);
	ASSERT_NE(MAP_FAILED, first);
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_EQ(self->data.given, *first);
	EXPECT_EQ(data.given, *second);
	EXPECT_EQ(0, munmap(first, self->data.length));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(data.given, *second);
	EXPECT_EQ(0, munmap(second, data.length));
	second = map(self->iommufd, &data);
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_EQ(data.given, *second);
	EXPECT_EQ(0, munmap(second, data.length));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, viommu));
}

CTS_TEST_F(mapping, otherwise,
	   .title = "Another place or length is ENXIO, a private mapping EINVAL, an executable one EPERM, and nothing is held",
	   .requirements = { "OBJ-010" },
	   .needs = CTS_NEED_MOCK)
{
	const struct mock_data data = self->data;
	const uint64_t page = page_size();
	const struct {
		uint64_t offset, length;
		int protection, flags, error;
	} wrong[] = {
		{ data.offset, data.length + page, PROT_READ, MAP_SHARED, ENXIO },
		{ data.offset, data.length - page, PROT_READ, MAP_SHARED, ENXIO },
		{ data.offset + page, data.length - page, PROT_READ, MAP_SHARED, ENXIO },
		{ data.offset + data.length, page, PROT_READ, MAP_SHARED, ENXIO },
		{ 0, data.length, PROT_READ, MAP_SHARED, ENXIO },
		{ data.offset, data.length, PROT_READ, MAP_PRIVATE, EINVAL },
		{ data.offset, data.length, PROT_READ | PROT_EXEC, MAP_SHARED, EPERM },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(MAP_FAILED, mmap(NULL, wrong[i].length, wrong[i].protection,
					   wrong[i].flags, self->iommufd, (off_t)wrong[i].offset))
		TH_LOG("case %zu", i);
		EXPECT_EQ(wrong[i].error, errno)
		TH_LOG("case %zu", i);
	}
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_TEST_F(mapping, made_executable,
	   .title = "A mapping can't be made executable afterwards",
	   .requirements = { "OBJ-010" },
	   .needs = CTS_NEED_MOCK)
{
	void *page = map(self->iommufd, &self->data);

	ASSERT_NE(MAP_FAILED, page);
	EXPECT_EQ(-1, mprotect(page, self->data.length, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, munmap(page, self->data.length));
}

CTS_TEST_F(mapping, other_file,
	   .title = "Another open file can't map it",
	   .requirements = { "OBJ-010", "ABI-012" },
	   .needs = CTS_NEED_MOCK)
{
	int other = iommufd_open();

	EXPECT_EQ(MAP_FAILED, map(other, &self->data));
	EXPECT_EQ(ENXIO, errno);
	cts_close(&other);
}

CTS_TEST_F(mapping, data_of_other_length,
	   .title = "Data of a vIOMMU that can't be read is EFAULT, and too short EINVAL; nothing is made",
	   .requirements = { "VIOMMU-006" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t parent = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	uint32_t next = next_object_id(self->iommufd), none;

	EXPECT_EQ(-EFAULT, __viommu_alloc(self->iommufd, self->mock.device, parent,
					  IOMMU_VIOMMU_TYPE_SELFTEST, inaccessible_page(),
					  sizeof(self->data), &none));
	EXPECT_EQ(-EINVAL, __viommu_alloc(self->iommufd, self->mock.device, parent,
					  IOMMU_VIOMMU_TYPE_SELFTEST, &self->data, 4, &none));
	EXPECT_EQ(-EFAULT, __viommu_alloc(self->iommufd, self->mock.device, parent,
					  IOMMU_VIOMMU_TYPE_SELFTEST,
					  read_only_page(&self->data, sizeof(self->data)),
					  sizeof(self->data), &none));
	EXPECT_EQ(next, next_object_id(self->iommufd));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, parent));
}

CTS_MAIN
