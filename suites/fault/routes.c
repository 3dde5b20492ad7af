// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queue a page request goes to and how long it stays there, where one device has several
 * tables: its own and those of its PASIDs, nested ones, one after the other. And who waits for a
 * queue is woken.
 */
#include "queue.h"
#include "viommu.h"
#include "watch.h"

#define IOTLB 1 /* data of a nested table */
#define PASID 5

/* A table on @pt with page requests to @queue; nested if @pt is a nesting parent or a vIOMMU. */
static int table_with_queue(int iommufd, const struct mock *mock, uint32_t pt, uint32_t queue,
			    bool nested, uint32_t flags, uint32_t *hwpt)
{
	const struct iommu_hwpt_selftest data = { .iotlb = IOTLB };
	struct iommu_hwpt_alloc args = {
		.flags = IOMMU_HWPT_FAULT_ID_VALID | flags,
		.dev_id = mock->device,
		.pt_id = pt,
		.fault_id = queue,
		.data_type = nested ? IOMMU_HWPT_DATA_SELFTEST : IOMMU_HWPT_DATA_NONE,
		.data_len = nested ? sizeof(data) : 0,
		.data_uptr = nested ? (uintptr_t)&data : 0,
	};
	int rc = __hwpt_alloc(iommufd, &args);

	*hwpt = args.out_hwpt_id;
	return rc;
}

/* Reads one request that has to be that of @group by @mock, and tells its cookie. */
#define EXPECT_REQUEST(fd, mock, group, cookie_of)                             \
	do {                                                                   \
		struct iommu_hwpt_pgfault __fault = { 0 };                     \
                                                                               \
		EXPECT_EQ(RECORD, read_faults(fd, &__fault, sizeof(__fault))); \
		EXPECT_EQ((mock)->device, __fault.dev_id);                     \
		EXPECT_EQ(group, __fault.grpid);                               \
		*(cookie_of) = __fault.cookie;                                 \
	} while (0)

#define EXPECT_NO_REQUEST(fd)                                             \
	do {                                                              \
		struct iommu_hwpt_pgfault __fault;                        \
                                                                          \
		EXPECT_EQ(0, read_faults(fd, &__fault, sizeof(__fault))); \
	} while (0)

CTS_TEST_F(queue, wakes,
	   .title = "A request wakes who waits for the queue, the first one and any later one",
	   .requirements = { "FAULT-005" },
	   .needs = CTS_NEED_MOCK)
{
	int watcher = watch(self->fd);
	uint32_t cookie, i;

	for (i = 1; i < 4; i++) {
		EXPECT_FALSE(woken(watcher));
		mock_page_request(self->iommufd, &self->mock, i, ADDRESS);
		EXPECT_TRUE(woken(watcher));
		EXPECT_REQUEST(self->fd, &self->mock, i, &cookie);
	}
	cts_close(&watcher);
}

CTS_TEST_F(queue, attached_again,
	   .title = "Attached to the table that it is attached to, a device loses no request",
	   .requirements = { "FAULT-007" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t first, second;

	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	EXPECT_REQUEST(self->fd, &self->mock, 1, &first);
	mock_page_request(self->iommufd, &self->mock, 2, ADDRESS);
	mock_replace(self->iommufd, &self->mock, self->hwpt);
	EXPECT_REQUEST(self->fd, &self->mock, 2, &second);
	EXPECT_EQ(ANSWER, answer(self->fd, first, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(ANSWER, answer(self->fd, second, IOMMUFD_PAGE_RESP_SUCCESS));
}

/* To a table without a queue it can be moved, see queue.c. Here each has one. */
CTS_TEST_F(queue, from_queue_to_queue,
	   .title = "A device that moves to a table with another queue is answered in the old one and asks in the new one",
	   .requirements = { "FAULT-007", "FAULT-008" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t queue, hwpt, first, second;
	int fd;

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	ASSERT_EQ(0,
		  table_with_queue(self->iommufd, &self->mock, self->ioas, queue, false, 0, &hwpt));
	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	EXPECT_REQUEST(self->fd, &self->mock, 1, &first);
	mock_page_request(self->iommufd, &self->mock, 2, ADDRESS);
	mock_replace(self->iommufd, &self->mock, hwpt);
	EXPECT_NO_REQUEST(self->fd);
	EXPECT_EQ(-EINVAL, answer(self->fd, first, IOMMUFD_PAGE_RESP_SUCCESS));

	mock_page_request(self->iommufd, &self->mock, 3, ADDRESS);
	EXPECT_NO_REQUEST(self->fd);
	EXPECT_REQUEST(fd, &self->mock, 3, &second);
	EXPECT_EQ(-EINVAL, answer(self->fd, second, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(ANSWER, answer(fd, second, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->hwpt));
	cts_close(&self->fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->queue));
	self->queue = queue;
	self->fd = fd;
}

CTS_TEST_F(queue, of_a_nested_table,
	   .title = "A nested table, on its parent or of a vIOMMU, has page requests as any other, and holds its queue",
	   .requirements = { "FAULT-004", "FAULT-005", "FAULT-008" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t parents[2], nested, cookie, vdevice;
	size_t i;

	parents[0] = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				IOMMU_HWPT_ALLOC_NEST_PARENT);
	if (__viommu_alloc(self->iommufd, self->mock.device, parents[0], IOMMU_VIOMMU_TYPE_SELFTEST,
			   NULL, 0, &parents[1]))
		CTS_SKIP(KERNEL_LACKS, "IOMMU_VIOMMU_ALLOC");
	ASSERT_EQ(0, __vdevice_alloc(self->iommufd, parents[1], self->mock.device, 7, &vdevice));
	mock_replace(self->iommufd, &self->mock, self->home);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->hwpt));
	for (i = 0; i < ARRAY_SIZE(parents); i++) {
		ASSERT_EQ(0, table_with_queue(self->iommufd, &self->mock, parents[i], self->queue,
					      true, 0, &nested))
		TH_LOG("parent %zu", i);
		mock_replace(self->iommufd, &self->mock, nested);
		mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
		EXPECT_REQUEST(self->fd, &self->mock, 1, &cookie);
		EXPECT_EQ(ANSWER, answer(self->fd, cookie, IOMMUFD_PAGE_RESP_INVALID));
		mock_page_request(self->iommufd, &self->mock, 2, ADDRESS);
		mock_replace(self->iommufd, &self->mock, self->home);
		EXPECT_NO_REQUEST(self->fd);
		if (i) {
			cts_close(&self->fd);
		}
		EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->queue));
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, nested));
	}
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->queue));
	self->queue = 0;
}

/* The device's own table and that of its PASID have one queue. */
CTS_TEST_F(queue, pasid_leaves,
	   .title = "A PASID that leaves its table takes its own requests along, not those of the device, nor the other way round",
	   .requirements = { "FAULT-007" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t own, of_pasid, spare, cookie, last;
	struct mock wide;

	if (__mock_open(self->iommufd, self->home, MOCK_PASID, &wide))
		CTS_SKIP(NO_TEST_SUPPORT, "mock devices with PASIDs");
	ASSERT_EQ(0, table_with_queue(self->iommufd, &wide, self->ioas, self->queue, false,
				      HWPT_ALLOC_PASID, &own));
	ASSERT_EQ(0, table_with_queue(self->iommufd, &wide, self->ioas, self->queue, false,
				      HWPT_ALLOC_PASID, &of_pasid));
	spare = hwpt_alloc(self->iommufd, wide.device, self->ioas, HWPT_ALLOC_PASID);
	mock_replace(self->iommufd, &wide, own);
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &wide, PASID, of_pasid));
	mock_page_request(self->iommufd, &wide, 1, ADDRESS);
	EXPECT_EQ(0, __mock_page_request(self->iommufd, &wide, PASID, 2, IOMMU_PGFAULT_PERM_READ,
					 ADDRESS));
	EXPECT_REQUEST(self->fd, &wide, 1, &cookie);
	EXPECT_REQUEST(self->fd, &wide, 2, &last);
	mock_page_request(self->iommufd, &wide, 3, ADDRESS);
	EXPECT_EQ(0, __mock_page_request(self->iommufd, &wide, PASID, 4, IOMMU_PGFAULT_PERM_READ,
					 ADDRESS));

	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &wide, PASID, spare));
	EXPECT_EQ(-EINVAL, answer(self->fd, last, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(ANSWER, answer(self->fd, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_REQUEST(self->fd, &wide, 3, &cookie);
	EXPECT_NO_REQUEST(self->fd);

	EXPECT_EQ(0, __mock_pasid_replace(self->iommufd, &wide, PASID, of_pasid));
	EXPECT_EQ(0, __mock_page_request(self->iommufd, &wide, PASID, 5, IOMMU_PGFAULT_PERM_READ,
					 ADDRESS));
	mock_replace(self->iommufd, &wide, spare);
	EXPECT_EQ(-EINVAL, answer(self->fd, cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_REQUEST(self->fd, &wide, 5, &last);
	EXPECT_EQ(ANSWER, answer(self->fd, last, IOMMUFD_PAGE_RESP_SUCCESS));
	mock_pasid_detach(self->iommufd, &wide, PASID);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, of_pasid));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, own));
}

CTS_MAIN
