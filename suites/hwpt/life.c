// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a table lives. What is in use can't be destroyed and goes on working; what the kernel
 * made by itself goes with its last user; and the end of the file is the end of all, whatever hangs
 * on what.
 */
#include <poll.h>
#include <unistd.h>

#include "mocked.h"
#include "viommu.h"

/* Memory at IOVA in @ioas; the test ends before it is freed. */
static char *mapped_page(int iommufd, uint32_t ioas)
{
	struct buffer buffer;

	buffer_alloc(&buffer, BUFFER_BASE, page_size());
	iommufd_map(iommufd, ioas, buffer.memory, page_size(), IOVA);
	return buffer.memory;
}

CTS_TEST_F(mocked, ioas_with_table,
	   .title = "An IOAS with a table is EBUSY, and can be destroyed when the table is gone",
	   .requirements = { "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	char *memory = mapped_page(self->iommufd, self->ioas);

	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA, memory, page_size()));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_TRUE(mock_pinned(self->iommufd, memory, page_size(), 0));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mocked, attached_table,
	   .title = "A table that a device is attached to is EBUSY and stays as it is",
	   .requirements = { "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	char *memory = mapped_page(self->iommufd, self->ioas);

	mock_replace(self->iommufd, &self->mock, hwpt);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA, memory, page_size()));
	mock_replace(self->iommufd, &self->mock, self->home);
	/* A table of the user's stays when its last device leaves. */
	EXPECT_TRUE(mock_reaches(self->iommufd, hwpt, IOVA, memory, page_size()));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mocked, bound_device,
	   .title = "A bound device is EBUSY and stays bound",
	   .requirements = { "OBJ-004" },
	   .needs = CTS_NEED_MOCK)
{
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->mock.device));
	EXPECT_EQ(0, __iommufd_hw_info(self->iommufd, self->mock.device));
	mock_close(self->iommufd, &self->mock);
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, self->mock.device));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, self->mock.device));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->home));
}

CTS_TEST_F(mocked, automatic_table,
	   .title = "A table that the kernel made goes when the last of its devices does, not before",
	   .requirements = { "OBJ-009", "HWPT-009" },
	   .needs = CTS_NEED_MOCK)
{
	struct mock second;

	mock_open(self->iommufd, self->home, MOCK_PLAIN, &second);
	EXPECT_EQ(self->mock.hwpt, second.hwpt);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->mock.hwpt));

	mock_replace(self->iommufd, &self->mock, self->ioas);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, second.hwpt));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->home));

	mock_close(self->iommufd, &second);
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, second.hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->home));
}

CTS_TEST_F(mocked, user_table_not_chosen,
	   .title = "A device that is attached to an IOAS gets no table that the user made on it",
	   .requirements = { "HWPT-009" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas, 0);
	uint32_t used = 0;

	EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, self->ioas, &used));
	EXPECT_NE(hwpt, used);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, used));
}

CTS_TEST_F(mocked, refused_replace,
	   .title = "A device stays attached to what it had when something else is refused",
	   .requirements = { "HWPT-011" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t hwpt = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				   IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	struct mock poor;

	mock_open(self->iommufd, self->home, MOCK_NO_DIRTY, &poor);
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &poor, hwpt, NULL));
	EXPECT_EQ(-ENOENT, __mock_replace(self->iommufd, &poor, 0x7ffffff0, NULL));
	EXPECT_EQ(-EINVAL, __mock_replace(self->iommufd, &poor, self->mock.device, NULL));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	mock_replace(self->iommufd, &self->mock, self->ioas);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->home));
	mock_close(self->iommufd, &poor);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->home));
}

CTS_TEST_F(mocked, fault_queue_of_table,
	   .title = "A fault queue is EBUSY while its file is open or a table uses it",
	   .requirements = { "FAULT-004" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t queue, hwpt;
	int fd;

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	ASSERT_EQ(0, __iommufd_hwpt_alloc_fault(self->iommufd, self->mock.device, self->ioas, queue,
						&hwpt));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, queue));
	cts_close(&fd);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, queue));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, queue));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
}

/* One of everything, each hanging on others. */
CTS_TEST_F(mocked, end_of_file,
	   .title = "Closing the file takes everything with it: no page stays pinned",
	   .requirements = { "OBJ-007" },
	   .needs = CTS_NEED_MOCK)
{
	const struct iommu_hwpt_selftest data = { .iotlb = 1 };
	uint32_t parent = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				     IOMMU_HWPT_ALLOC_NEST_PARENT);
	char *memory = mapped_page(self->iommufd, self->ioas);
	uint32_t queue, hwpt, nested, viommu, vdevice;
	int fd, other = iommufd_open();

	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	ASSERT_EQ(0, __iommufd_hwpt_alloc_fault(self->iommufd, self->mock.device, self->ioas, queue,
						&hwpt));
	ASSERT_EQ(0, __hwpt_alloc_data(self->iommufd, self->mock.device, parent, 0,
				       IOMMU_HWPT_DATA_SELFTEST, &data, sizeof(data), &nested));
	if (!__viommu_alloc(self->iommufd, self->mock.device, parent, IOMMU_VIOMMU_TYPE_SELFTEST,
			    NULL, 0, &viommu)) {
		ASSERT_EQ(0,
			  __vdevice_alloc(self->iommufd, viommu, self->mock.device, 1, &vdevice));
	}
	mock_replace(self->iommufd, &self->mock, hwpt);
	EXPECT_TRUE(mock_pinned(self->iommufd, memory, page_size(), 1));
	cts_close(&fd);
	cts_close(&self->iommufd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 0));
	cts_close(&other);
}

CTS_TEST_F(mocked, queue_outlives_file,
	   .title = "An open fault queue keeps everything that hangs on its file",
	   .requirements = { "OBJ-008" },
	   .needs = CTS_NEED_MOCK)
{
	char *memory = mapped_page(self->iommufd, self->ioas);
	int fd, other = iommufd_open();
	struct pollfd poller;
	uint32_t queue;

	mock_replace(self->iommufd, &self->mock, self->ioas);
	ASSERT_EQ(0, __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd));
	cts_close(&self->iommufd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 1));
	poller = (struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT };
	EXPECT_EQ(1, poll(&poller, 1, 0));
	EXPECT_EQ(POLLOUT, poller.revents);
	cts_close(&fd);
	EXPECT_TRUE(mock_pinned(other, memory, page_size(), 0));
	cts_close(&other);
}

CTS_MAIN
