// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware queues of a vIOMMU: their memory is the guest's, mapped in the parent's IOAS, readable
 * and in one piece for the hardware; it can't be unmapped under the queue.
 */
#include <sys/ioctl.h>

#include "buffer.h"
#include "viommu_fixture.h"

/* The lowest IOVA that a mock table has. */
#define IOVA ((uint64_t)MOCK_APERTURE_START)
#define TYPE IOMMU_HW_QUEUE_TYPE_SELFTEST

/* A page at IOVA for queues; the test ends before its memory is freed. */
static char *mapped_page(int iommufd, uint32_t ioas)
{
	struct buffer buffer;

	buffer_alloc(&buffer, BUFFER_BASE, page_size());
	iommufd_map(iommufd, ioas, buffer.memory, page_size(), IOVA);
	return buffer.memory;
}

#define QUEUES_OR_SKIP()                                                                        \
	do {                                                                                    \
		uint32_t __none;                                                                \
                                                                                                \
		if (__hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA, 0, &__none) == \
		    -ENOTTY)                                                                    \
			CTS_SKIP(KERNEL_LACKS, "IOMMU_HW_QUEUE_ALLOC");                         \
	} while (0)

CTS_TEST_F(viommu, wrong_queue,
	   .title = "A queue of no length or beyond the last address, of another type or of what is no vIOMMU is refused, each with its errno",
	   .requirements = { "HWQ-001" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t viommu = self->viommu, none, next;
	int iommufd = self->iommufd;
	uint64_t page = page_size();

	QUEUES_OR_SKIP();
	mapped_page(iommufd, self->ioas);
	next = next_object_id(iommufd);
	EXPECT_EQ(-EOPNOTSUPP, __hw_queue_alloc(iommufd, NOBODY, 0, 0, IOVA, page, &none));
	EXPECT_EQ(-EINVAL, __hw_queue_alloc(iommufd, NOBODY, TYPE, 0, IOVA, 0, &none));
	EXPECT_EQ(-EOVERFLOW, __hw_queue_alloc(iommufd, NOBODY, TYPE, 0, -page, page + 1, &none));
	EXPECT_EQ(-ENOENT, __hw_queue_alloc(iommufd, NOBODY, TYPE, 0, IOVA, page, &none));
	EXPECT_EQ(-ENOENT, __hw_queue_alloc(iommufd, self->ioas, TYPE, 0, IOVA, page, &none));
	EXPECT_EQ(-EOPNOTSUPP, __hw_queue_alloc(iommufd, viommu, 1, 0, IOVA, page, &none));
	EXPECT_EQ(next, next_object_id(iommufd));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, viommu));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, self->parent));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, self->ioas));
}

/* One page of memory twice side by side is not in one piece. */
CTS_TEST_F(viommu, queue_memory,
	   .title = "Memory that isn't mapped is ENOENT, not readable EPERM, not in one piece EFAULT; then nothing holds it",
	   .requirements = { "HWQ-002" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t viommu = self->viommu, none, next;
	int iommufd = self->iommufd;
	uint64_t page = page_size();
	char *memory;

	QUEUES_OR_SKIP();
	memory = mapped_page(iommufd, self->ioas);
	iommufd_map(iommufd, self->ioas, memory, page, IOVA + page);
	iommufd_map_access(iommufd, self->ioas, IOMMU_IOAS_MAP_WRITEABLE, memory, page,
			   IOVA + 4 * page);
	next = next_object_id(iommufd);
	EXPECT_EQ(-EFAULT, __hw_queue_alloc(iommufd, viommu, TYPE, 0, IOVA, 2 * page, &none));
	EXPECT_EQ(-EFAULT, __hw_queue_alloc(iommufd, viommu, TYPE, 0, IOVA + page - 1, 2, &none));
	EXPECT_EQ(-ENOENT,
		  __hw_queue_alloc(iommufd, viommu, TYPE, 0, IOVA + 2 * page, page, &none));
	EXPECT_EQ(-ENOENT,
		  __hw_queue_alloc(iommufd, viommu, TYPE, 0, IOVA + page, page + 1, &none));
	EXPECT_EQ(-EPERM, __hw_queue_alloc(iommufd, viommu, TYPE, 0, IOVA + 4 * page, page, &none));
	EXPECT_EQ(next, next_object_id(iommufd));
	EXPECT_EQ(3 * page, iommufd_unmap_all(iommufd, self->ioas));
	EXPECT_TRUE(mock_pinned(iommufd, memory, page, 0));
	EXPECT_EQ(0, __iommufd_destroy(iommufd, viommu));
}

CTS_TEST_F(viommu, queue_holds,
	   .title = "While there is a queue its memory can't be unmapped and its vIOMMU is EBUSY",
	   .requirements = { "HWQ-004", "UNMAP-008", "VIOMMU-003" },
	   .needs = CTS_NEED_MOCK)
{
	uint64_t length = page_size();
	uint32_t queue;
	char *memory;

	QUEUES_OR_SKIP();
	memory = mapped_page(self->iommufd, self->ioas);
	ASSERT_EQ(0,
		  __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA + 64, 256, &queue));
	EXPECT_EQ(-EBUSY, __iommufd_unmap(self->iommufd, self->ioas, IOVA, &length));
	EXPECT_EQ(-EBUSY, __iommufd_unmap_all(self->iommufd, self->ioas, &length));
	EXPECT_TRUE(mock_reaches(self->iommufd, self->parent, IOVA, memory, page_size()));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_EQ(page_size(), iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_TRUE(mock_pinned(self->iommufd, memory, page_size(), 0));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

/* The queue begins in the first page and ends in the second, and each is a mapping of its own. */
CTS_TEST_F(viommu, queue_holds_each_page,
	   .title = "Of a queue across pages each is held while it is there, and none afterwards",
	   .requirements = { "HWQ-004", "UNMAP-008" },
	   .needs = CTS_NEED_MOCK)
{
	const uint64_t page = page_size(), at = IOVA + page - 64;
	struct buffer buffer;
	uint32_t queue;
	size_t i;

	QUEUES_OR_SKIP();
	if (!buffer_page(BUFFER_THP))
		CTS_SKIP(KERNEL_LACKS, "transparent huge pages, which are in one piece");
	if (__buffer_alloc(&buffer, BUFFER_THP, buffer_page(BUFFER_THP)))
		CTS_SKIP(TOO_LITTLE_MEMORY, "a transparent huge page, which is in one piece");
	for (i = 0; i < 3; i++)
		iommufd_map(self->iommufd, self->ioas, (char *)buffer.memory + i * page, page,
			    IOVA + i * page);
	ASSERT_EQ(0, __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, at, 128, &queue));
	for (i = 0; i < 2; i++) {
		uint64_t length = page;

		EXPECT_EQ(-EBUSY,
			  __iommufd_unmap(self->iommufd, self->ioas, IOVA + i * page, &length))
		TH_LOG("page %zu", i);
	}
	/* The one behind is not the queue's. */
	iommufd_unmap(self->iommufd, self->ioas, IOVA + 2 * page, page);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	for (i = 0; i < 2; i++) {
		uint64_t length = page;

		EXPECT_EQ(0, __iommufd_unmap(self->iommufd, self->ioas, IOVA + i * page, &length))
		TH_LOG("page %zu", i);
	}
}

CTS_TEST_F(viommu, queue_answer_lost,
	   .title = "A queue whose id can't be stored is EFAULT: its index is free, and nothing holds its memory",
	   .requirements = { "ABI-011", "HWQ-004" },
	   .needs = CTS_NEED_MOCK)
{
#ifdef IOMMU_HW_QUEUE_ALLOC
	const struct iommu_hw_queue_alloc args = {
		.size = sizeof(args),
		.viommu_id = self->viommu,
		.type = TYPE,
		.nesting_parent_iova = IOVA,
		.length = 256,
	};
	uint32_t next, queue;
	char *memory;

	QUEUES_OR_SKIP();
	memory = mapped_page(self->iommufd, self->ioas);
	next = next_object_id(self->iommufd);
	EXPECT_EQ(-1,
		  ioctl(self->iommufd, IOMMU_HW_QUEUE_ALLOC, read_only_page(&args, sizeof(args))));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(next, next_object_id(self->iommufd));
	ASSERT_EQ(0, __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA, 256, &queue));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_EQ(page_size(), iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_TRUE(mock_pinned(self->iommufd, memory, page_size(), 0));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_HW_QUEUE_ALLOC");
#endif
}

CTS_TEST_F(viommu, queue_at_end_of_file,
	   .title = "Closing the file takes queues along, those that others depend on too, and unpins their memory",
	   .requirements = { "OBJ-007" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t queues[2];
	int other = iommufd_open();
	char *memory;

	QUEUES_OR_SKIP();
	memory = mapped_page(self->iommufd, self->ioas);
	ASSERT_EQ(0, __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA, 256, &queues[0]));
	ASSERT_EQ(0, __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 1, IOVA + 256, 256,
				      &queues[1]));
	cts_close(&self->iommufd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 0));
	cts_close(&other);
}

CTS_TEST_F(viommu, queue_order,
	   .title = "Queues come in the order of their index and go in the other",
	   .requirements = { "HWQ-003" },
	   .needs = CTS_NEED_MOCK)
{
	const uint64_t length = 256;
	uint32_t queues[2], none;

	QUEUES_OR_SKIP();
	mapped_page(self->iommufd, self->ioas);
	EXPECT_EQ(-EIO,
		  __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 1, IOVA, length, &none));
	ASSERT_EQ(0,
		  __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA, length, &queues[0]));
	EXPECT_EQ(-EEXIST,
		  __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 0, IOVA, length, &none));
	ASSERT_EQ(0, __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 1, IOVA + length, length,
				      &queues[1]));
	EXPECT_EQ(-EINVAL,
		  __hw_queue_alloc(self->iommufd, self->viommu, TYPE, 2, IOVA, length, &none));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, queues[0]));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queues[1]));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queues[0]));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
}

CTS_MAIN
