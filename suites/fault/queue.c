// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault queues: page requests of devices come out of a file, whole groups at a time, and answers go
 * in. Who leaves a table answers for nothing: what is open then is answered for it.
 */
#include <fcntl.h>

#include "memory.h"
#include "queue.h"

CTS_TEST_F(queue, its_file,
	   .title = "The descriptor is closed on exec; empty, it reads nothing without waiting and can be written",
	   .requirements = { "FAULT-001" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault fault;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	EXPECT_EQ(0, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(0, write_answers(self->fd, &fault, 0));
	EXPECT_EQ(POLLOUT, ready(self->fd));
}

CTS_TEST_F(queue, described,
	   .title = "A page request is told with its device, group, permissions and address",
	   .requirements = { "FAULT-005" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault fault;

	memset(&fault, 0xa5, sizeof(fault));
	ASSERT_EQ(0,
		  __mock_page_request(self->iommufd, &self->mock, 0, 7,
				      IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE, ADDRESS));
	EXPECT_EQ(POLLIN | POLLOUT, ready(self->fd));
	ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE, fault.flags);
	EXPECT_EQ(self->mock.device, fault.dev_id);
	EXPECT_EQ(7, fault.grpid);
	EXPECT_EQ(IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE, fault.perm);
	EXPECT_EQ(ADDRESS, fault.addr);
	EXPECT_EQ(0, fault.length);
	EXPECT_EQ(0, fault.__reserved);
	EXPECT_EQ(POLLOUT, ready(self->fd));
	EXPECT_EQ(0, read_faults(self->fd, &fault, sizeof(fault)));
}

CTS_TEST_F(queue, in_order,
	   .title = "Requests are read in order, as many as fit, each with a cookie of its own",
	   .requirements = { "FAULT-005" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault faults[4];
	uint32_t i;

	for (i = 0; i < 3; i++)
		mock_page_request(self->iommufd, &self->mock, i, ADDRESS + i * 4096);
	ASSERT_EQ(2 * RECORD, read_faults(self->fd, faults, 2 * RECORD));
	ASSERT_EQ(RECORD, read_faults(self->fd, faults + 2, 2 * RECORD));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, faults[i].grpid);
		EXPECT_EQ(ADDRESS + i * 4096, faults[i].addr);
	}
	EXPECT_NE(faults[0].cookie, faults[1].cookie);
	EXPECT_NE(faults[0].cookie, faults[2].cookie);
	EXPECT_NE(faults[1].cookie, faults[2].cookie);
}

CTS_TEST_F(queue, whole_records,
	   .title = "Lengths that are no whole number of records are ESPIPE, and take nothing",
	   .requirements = { "FAULT-002" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault faults[2];

	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	EXPECT_EQ(-ESPIPE, read_faults(self->fd, faults, 1));
	EXPECT_EQ(-ESPIPE, read_faults(self->fd, faults, RECORD - 1));
	EXPECT_EQ(-ESPIPE, read_faults(self->fd, faults, RECORD + 1));
	ASSERT_EQ(RECORD, read_faults(self->fd, faults, sizeof(faults)));
	faults[1].flags = faults[0].cookie; /* an answer and some more */
	faults[1].dev_id = IOMMUFD_PAGE_RESP_SUCCESS;
	EXPECT_EQ(-ESPIPE, write_answers(self->fd, &faults[1], ANSWER - 1));
	EXPECT_EQ(-ESPIPE, write_answers(self->fd, &faults[1], ANSWER + 1));
	EXPECT_EQ(ANSWER, answer(self->fd, faults[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

CTS_TEST_F(queue, not_delivered,
	   .title = "Without room for the first request a read is EINVAL, where it can't be written EFAULT; the request stays",
	   .requirements = { "FAULT-005" },
	   .needs = CTS_NEED_MOCK)
{
	char *end = (char *)guarded_page() + page_size();
	struct iommu_hwpt_pgfault fault;

	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	mock_page_request(self->iommufd, &self->mock, 2, ADDRESS);
	EXPECT_EQ(-EINVAL, read_faults(self->fd, &fault, 0));
	EXPECT_EQ(-EFAULT, read_faults(self->fd, end, RECORD));
	EXPECT_EQ(-EFAULT, read_faults(self->fd, end - RECORD + 1, RECORD));
	/* What is read before the bad memory was delivered. */
	EXPECT_EQ(RECORD, read_faults(self->fd, end - RECORD, 2 * RECORD));
	memcpy(&fault, end - RECORD, sizeof(fault));
	EXPECT_EQ(1, fault.grpid);
	EXPECT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(2, fault.grpid);
}

CTS_TEST_F(queue, answered_once,
	   .title = "A cookie that was told is answered once, with a code that is one",
	   .requirements = { "FAULT-003", "FAULT-006" },
	   .needs = CTS_NEED_MOCK)
{
	static const uint32_t codes[] = { IOMMUFD_PAGE_RESP_SUCCESS, IOMMUFD_PAGE_RESP_INVALID };
	struct iommu_hwpt_pgfault fault;
	size_t i;

	EXPECT_EQ(-EINVAL, answer(self->fd, 1, IOMMUFD_PAGE_RESP_SUCCESS));
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
		/* Nobody was told a cookie yet. */
		EXPECT_EQ(-EINVAL, answer(self->fd, 1, codes[i]));
		ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
		EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, 2));
		EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, UINT32_MAX));
		EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie + 1, codes[i]));
		EXPECT_EQ(ANSWER, answer(self->fd, fault.cookie, codes[i]));
		EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, codes[i]));
	}
}

CTS_TEST_F(queue, answers_up_to_a_bad_one,
	   .title = "Of several answers those before a bad one are taken and counted; unreadable ones are EFAULT",
	   .requirements = { "FAULT-003" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_page_response answers[3] = { 0 };
	char *end = (char *)guarded_page() + page_size();
	struct iommu_hwpt_pgfault faults[3];
	uint32_t i;

	for (i = 0; i < 3; i++)
		mock_page_request(self->iommufd, &self->mock, i, ADDRESS);
	ASSERT_EQ(3 * RECORD, read_faults(self->fd, faults, sizeof(faults)));
	answers[0].cookie = faults[0].cookie;
	answers[1].cookie = faults[1].cookie;
	answers[1].code = 99;
	answers[2].cookie = faults[2].cookie;
	EXPECT_EQ(ANSWER, write_answers(self->fd, answers, sizeof(answers)));
	EXPECT_EQ(-EINVAL, answer(self->fd, faults[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));

	EXPECT_EQ(-EFAULT, write_answers(self->fd, end, ANSWER));
	memcpy(end - ANSWER, &answers[2], ANSWER);
	EXPECT_EQ(ANSWER, write_answers(self->fd, end - ANSWER, 2 * ANSWER));
	EXPECT_EQ(-EINVAL, answer(self->fd, faults[2].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(ANSWER, answer(self->fd, faults[1].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

CTS_TEST_F(queue, left,
	   .title = "A device that leaves the table takes its requests along, read or not, and those of another stay",
	   .requirements = { "FAULT-007" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault first, second, fault;
	struct mock other;

	mock_open(self->iommufd, self->hwpt, MOCK_PLAIN, &other);
	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	mock_page_request(self->iommufd, &other, 2, ADDRESS);
	ASSERT_EQ(RECORD, read_faults(self->fd, &first, sizeof(first)));
	ASSERT_EQ(RECORD, read_faults(self->fd, &second, sizeof(second)));
	mock_page_request(self->iommufd, &self->mock, 3, ADDRESS);
	mock_page_request(self->iommufd, &other, 4, ADDRESS);

	mock_replace(self->iommufd, &self->mock, self->home);
	EXPECT_EQ(-EINVAL, answer(self->fd, first.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(ANSWER, answer(self->fd, second.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(4, fault.grpid);
	EXPECT_EQ(other.device, fault.dev_id);
	EXPECT_EQ(0, read_faults(self->fd, &fault, sizeof(fault)));

	/* And a device that is gone. */
	mock_page_request(self->iommufd, &other, 5, ADDRESS);
	mock_close(self->iommufd, &other);
	EXPECT_EQ(POLLOUT, ready(self->fd));
	EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
}

CTS_TEST_F(queue, not_asked_for,
	   .title = "Requests of a device whose table has no queue come to none",
	   .requirements = { "FAULT-008" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_pgfault fault;

	mock_replace(self->iommufd, &self->mock, self->home);
	mock_page_request(self->iommufd, &self->mock, 1, ADDRESS);
	EXPECT_EQ(0, read_faults(self->fd, &fault, sizeof(fault)));
	mock_replace(self->iommufd, &self->mock, self->hwpt);
	mock_page_request(self->iommufd, &self->mock, 2, ADDRESS);
	ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(2, fault.grpid);
}

CTS_TEST_F(queue, of_a_pasid,
	   .title = "A request by PASID goes to the queue of that PASID's table",
	   .requirements = { "FAULT-008" },
	   .needs = CTS_NEED_MOCK)
{
	struct iommu_hwpt_alloc args = {
		.flags = IOMMU_HWPT_FAULT_ID_VALID | HWPT_ALLOC_PASID,
		.pt_id = self->ioas,
		.fault_id = self->queue,
	};
	struct iommu_hwpt_pgfault fault;
	struct mock wide;

	if (__mock_open(self->iommufd, self->home, MOCK_PASID, &wide))
		CTS_SKIP(NO_TEST_SUPPORT, "mock devices with PASIDs");
	args.dev_id = wide.device;
	ASSERT_EQ(0, __hwpt_alloc(self->iommufd, &args));
	mock_replace(self->iommufd, &wide,
		     hwpt_alloc(self->iommufd, wide.device, self->ioas, HWPT_ALLOC_PASID));
	ASSERT_EQ(0, __mock_pasid_attach(self->iommufd, &wide, 5, args.out_hwpt_id));
	EXPECT_EQ(0, __mock_page_request(self->iommufd, &wide, 5, 9, IOMMU_PGFAULT_PERM_WRITE,
					 ADDRESS));
	ASSERT_EQ(RECORD, read_faults(self->fd, &fault, sizeof(fault)));
	EXPECT_EQ(IOMMU_PGFAULT_FLAGS_LAST_PAGE | IOMMU_PGFAULT_FLAGS_PASID_VALID, fault.flags);
	EXPECT_EQ(5, fault.pasid);
	EXPECT_EQ(wide.device, fault.dev_id);

	mock_pasid_detach(self->iommufd, &wide, 5);
	EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, args.out_hwpt_id));
}

CTS_MAIN
