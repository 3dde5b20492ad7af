// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects that there is no memory for: each allocation within the call that makes one fails once.
 * A refused call leaves no object, no descriptor and no hold on another object, and the last works.
 */
#include <unistd.h>

#include "buffer.h"
#include "fail_nth.h"
#include "viommu_fixture.h"

#define NEEDS (CTS_NEED_MOCK | CTS_NEED_FAIL_NTH)

/* What must be the same after each refusal, and how often it was not. */
struct before {
	int iommufd;
	uint32_t next; /* id of the next object */
	int lowest;    /* free descriptor */
	unsigned int changed;
};

static int lowest_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	cts_lab_require(fd >= 0, "dup");
	close(fd);
	return fd;
}

static struct before before(int iommufd)
{
	return (struct before){
		.iommufd = iommufd,
		.next = next_object_id(iommufd),
		.lowest = lowest_descriptor(),
	};
}

static void look(void *argument)
{
	struct before *before = argument;

	before->changed += next_object_id(before->iommufd) != before->next ||
			   lowest_descriptor() != before->lowest;
}

/* @call makes an object. */
#define MAKE_WITHOUT_MEMORY(call)                               \
	do {                                                    \
		struct before __before = before(self->iommufd); \
                                                                \
		WITHOUT_MEMORY(look, &__before, call);          \
		EXPECT_EQ(0U, __before.changed);                \
	} while (0)

/* Nothing holds what the fixture made. */
#define EXPECT_NO_HOLDS()                                                      \
	do {                                                                   \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));  \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->parent));  \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));    \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->mock.id)); \
	} while (0)

CTS_TEST_F(viommu, ioas_without_memory,
	   .title = "An IOAS that there was no memory for isn't there",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t ioas;

	MAKE_WITHOUT_MEMORY(__iommufd_ioas_alloc(self->iommufd, &ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, ioas));
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, tables_without_memory,
	   .title = "A page table that there was no memory for, of any kind, isn't there and holds no IOAS",
	   .requirements = { "NOMEM-001", "NOMEM-004" },
	   .needs = NEEDS)
{
	static const uint32_t kinds[] = {
		0,
		IOMMU_HWPT_ALLOC_NEST_PARENT,
		IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		HWPT_ALLOC_PASID,
	};
	uint32_t table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		MAKE_WITHOUT_MEMORY(__iommufd_hwpt_alloc_flags(self->iommufd, self->mock.device,
							       self->ioas, kinds[i], &table));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, table));
	}
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, nested_tables_without_memory,
	   .title = "A nested table that there was no memory for isn't there and holds neither parent nor vIOMMU",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t pts[] = { self->parent, self->viommu }, nested;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pts); i++) {
		MAKE_WITHOUT_MEMORY(
			__nested_alloc(self->iommufd, &self->mock, pts[i], 0, 0, &nested));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, nested));
	}
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, fault_queue_without_memory,
	   .title = "A fault queue that there was no memory for isn't there, nor its descriptor",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t queue;
	int fd;

	MAKE_WITHOUT_MEMORY(__iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, viommu_without_memory,
	   .title = "A vIOMMU that there was no memory for isn't there and holds no parent",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t viommu;

	MAKE_WITHOUT_MEMORY(__viommu_alloc(self->iommufd, self->mock.device, self->parent,
					   IOMMU_VIOMMU_TYPE_SELFTEST, NULL, 0, &viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, viommu));
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, vdevice_without_memory,
	   .title = "A vDEVICE that there was no memory for isn't there: its device can have one, its id is free",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t vdevice;

	MAKE_WITHOUT_MEMORY(
		__vdevice_alloc(self->iommufd, self->viommu, self->mock.device, 7, &vdevice));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, vdevice));
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, veventq_without_memory,
	   .title = "An event queue that there was no memory for isn't there, nor its descriptor",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint32_t queue;
	int fd;

	MAKE_WITHOUT_MEMORY(__veventq_alloc(self->iommufd, self->viommu,
					    IOMMU_VEVENTQ_TYPE_SELFTEST, 8, &queue, &fd));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_NO_HOLDS();
}

CTS_TEST_F(viommu, hw_queue_without_memory,
	   .title = "A hardware queue that there was no memory for isn't there: its memory can be unmapped",
	   .requirements = { "NOMEM-001" },
	   .needs = NEEDS)
{
	uint64_t iova = MOCK_APERTURE_START, page = page_size();
	struct buffer buffer;
	uint32_t queue;

	buffer_alloc(&buffer, BUFFER_BASE, page);
	iommufd_map(self->iommufd, self->ioas, buffer.memory, page, iova);
	MAKE_WITHOUT_MEMORY(__hw_queue_alloc(self->iommufd, self->viommu,
					     IOMMU_HW_QUEUE_TYPE_SELFTEST, 0, iova, page, &queue));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	iommufd_unmap(self->iommufd, self->ioas, iova, page);
	EXPECT_NO_HOLDS();
	buffer_free(&buffer);
}

CTS_MAIN
