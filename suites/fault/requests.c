// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of a device: an access to a page that isn't there waits, while a fault queue tells
 * of it, and goes on or ends as user space answers.
 *
 * The endpoint in software that makes them puts them where the IOMMU would, and finds its pages and
 * answers in memory (lib/dma.h, DMA_PRI).
 */
#include <signal.h>
#include <sys/wait.h>

#include "function.h"
#include "requests.h"

/* How long what must not happen is waited for, ms. */
#define WATCHED_MS 100

static int detach(const struct dut *dut, uint32_t pasid)
{
	return pasid == DMA_NO_PASID ? __vfio_detach(dut->device)
				     : pasid_detach(dut->device, pasid);
}

#define EXPECT_INTACT() EXPECT_TRUE(canary_intact(self->buffer.memory, self->buffer.size, 0))

/* The device works, by what is mapped. The memory is as filled before and after. */
#define EXPECT_WORKS()                                                                           \
	do {                                                                                     \
		uint8_t __wrote[LENGTH];                                                         \
                                                                                                 \
		begin_write(self, variant->pasid);                                               \
		EXPECT_EQ(0, dma_finish(self->dut.dma, __wrote));                                \
		EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 0, OFFSET, \
					      __wrote, LENGTH));                                 \
		canary_fill(self->buffer.memory, self->buffer.size, 0);                          \
	} while (0)

CTS_TEST_F(requests, told,
	   .title = "An access to a page that isn't mapped is told with what it wants, and moves nothing",
	   .requirements = { "PRI-001", "FAULT-005" },
	   .needs = NEEDS)
{
	static const uint32_t perms[] = { IOMMU_PGFAULT_PERM_WRITE, IOMMU_PGFAULT_PERM_READ };
	bool tagged = variant->pasid != DMA_NO_PASID;
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		uint64_t iova = self->iova + i * self->page + OFFSET;

		if (perms[i] == IOMMU_PGFAULT_PERM_WRITE)
			dma_start_write(self->dut.dma, variant->pasid, iova, LENGTH);
		else
			dma_start_read(self->dut.dma, variant->pasid, iova, LENGTH);
		ASSERT_EQ(1, receive(self->fd, &fault, 1));
		EXPECT_EQ(self->dut.device_id, fault.dev_id);
		EXPECT_EQ(self->iova + i * self->page, fault.addr);
		EXPECT_EQ(perms[i], fault.perm);
		EXPECT_EQ(tagged, !!(fault.flags & IOMMU_PGFAULT_FLAGS_PASID_VALID));
		EXPECT_TRUE(fault.flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		EXPECT_EQ(tagged ? variant->pasid : 0, fault.pasid);
		EXPECT_EQ(0, fault.__reserved);
		EXPECT_FALSE(comes(self->fd, WATCHED_MS));
		EXPECT_TRUE(dma_goes_on(self->dut.dma));
		EXPECT_INTACT();
		EXPECT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID));
		EXPECT_EQ(-EIO, dma_finish(self->dut.dma, bytes));
	}
}

CTS_TEST_F(requests, documented_flags,
	   .title = "A fault has no flags but those that are documented",
	   .requirements = { "FAULT-009" },
	   .needs = NEEDS)
{
	const uint32_t documented = IOMMU_PGFAULT_FLAGS_PASID_VALID | IOMMU_PGFAULT_FLAGS_LAST_PAGE;
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];

	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	EXPECT_EQ(0, fault.flags & ~documented);
	EXPECT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(-EIO, dma_finish(self->dut.dma, bytes));
}

CTS_TEST_F(requests, granted,
	   .title = "Once its page is mapped and the fault answered an access is done, to the byte",
	   .requirements = { "PRI-002", "FAULT-006" },
	   .needs = NEEDS)
{
	struct dma *dma = self->dut.dma;
	struct iommu_hwpt_pgfault fault;
	uint8_t wrote[LENGTH], saw[LENGTH];
	uint32_t other;

	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	map(self, 0, 1);
	EXPECT_FALSE(comes(self->fd, WATCHED_MS));
	EXPECT_TRUE(dma_goes_on(dma));
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, dma_finish(dma, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 0, OFFSET, wrote,
				      LENGTH));

	/* And a read, the first answer to which was too early: it asks again. */
	unmap(self, 0, 1);
	dma_start_read(dma, variant->pasid, self->iova + OFFSET, LENGTH);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	other = fault.grpid;
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	EXPECT_NE(other, fault.grpid);
	map(self, 0, 1);
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, dma_finish(dma, saw));
	EXPECT_EQ(0, memcmp(wrote, saw, LENGTH));
}

CTS_TEST_F(requests, write_to_read_only,
	   .title = "A write to a page that is mapped for reading is told; mapped for writing it is done",
	   .requirements = { "PRI-001", "PRI-002" },
	   .needs = NEEDS)
{
	struct dut *dut = &self->dut;
	struct iommu_hwpt_pgfault fault;
	uint8_t wrote[LENGTH];

	iommufd_map_access(dut->iommufd, dut->ioas, IOMMU_IOAS_MAP_READABLE, self->buffer.memory,
			   self->page, self->iova);
	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	EXPECT_EQ(IOMMU_PGFAULT_PERM_WRITE, fault.perm);
	EXPECT_INTACT();
	unmap(self, 0, 1);
	map(self, 0, 1);
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, dma_finish(dut->dma, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 0, OFFSET, wrote,
				      LENGTH));
}

CTS_TEST_F(requests, refused,
	   .title = "An access whose fault is answered with INVALID ends without a byte moved, also if its page is there by then; the next is done",
	   .requirements = { "PRI-003", "FAULT-006" },
	   .needs = NEEDS)
{
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];

	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	map(self, 0, 1);
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(-EIO, dma_finish(self->dut.dma, bytes));
	EXPECT_INTACT();
	EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_WORKS();
}

CTS_TEST_F(requests, group,
	   .title = "The pages of an access are told together and answered by one answer",
	   .requirements = { "PRI-002", "FAULT-005" },
	   .needs = NEEDS)
{
	struct iommu_hwpt_pgfault faults[PAGES + 1];
	size_t length = (PAGES - 1) * self->page;
	uint8_t *wrote = malloc(length);
	unsigned int i;

	ASSERT_NE(NULL, wrote);
	map(self, 1, 1);
	dma_start_write(self->dut.dma, variant->pasid, self->iova + OFFSET, length);
	ASSERT_TRUE(comes(self->fd, PATIENCE_MS));
	/* All of it or nothing. */
	EXPECT_EQ(-EINVAL, read_faults(self->fd, faults, (PAGES - 2) * RECORD));
	ASSERT_EQ(PAGES - 1, receive(self->fd, faults, PAGES + 1));
	for (i = 0; i < PAGES - 1; i++) {
		EXPECT_EQ(self->iova + (i + !!i) * self->page, faults[i].addr);
		EXPECT_EQ(i == PAGES - 2, !!(faults[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE));
		EXPECT_EQ(faults[0].grpid, faults[i].grpid);
		EXPECT_EQ(faults[0].cookie, faults[i].cookie);
	}
	map(self, 0, 1);
	map(self, 2, PAGES - 2);
	EXPECT_TRUE(dma_goes_on(self->dut.dma));
	ASSERT_EQ(ANSWER, answer(self->fd, faults[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(0, dma_finish(self->dut.dma, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 0, OFFSET, wrote,
				      length));
	free(wrote);
}

/* Starts a write to all pages, none of which is there, and reads the fault that each of them is. */
static bool ask_for_each(FIXTURE_DATA(requests) * self, uint32_t pasid,
			 struct iommu_hwpt_pgfault faults[PAGES])
{
	unsigned int n = 0, more;

	dma_ask_apart(self->dut.dma);
	dma_start_write(self->dut.dma, pasid, self->iova, PAGES * self->page);
	do {
		more = receive(self->fd, faults + n, PAGES - n);
		n += more;
	} while (more && n < PAGES);
	return n == PAGES;
}

CTS_TEST_F(requests, several_groups,
	   .title = "Several groups that are under way at once are told each by itself, and answered in any order",
	   .requirements = { "PRI-002", "FAULT-005", "FAULT-006" },
	   .needs = NEEDS)
{
	static const unsigned int order[PAGES] = { 2, 0, 3, 1 };
	struct iommu_hwpt_pgfault faults[PAGES];
	uint8_t *wrote = malloc(self->buffer.size);
	unsigned int i, j;

	ASSERT_NE(NULL, wrote);
	ASSERT_TRUE(ask_for_each(self, variant->pasid, faults));
	EXPECT_FALSE(comes(self->fd, WATCHED_MS));
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(self->iova + i * self->page, faults[i].addr);
		EXPECT_TRUE(faults[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE);
		for (j = 0; j < i; j++) {
			EXPECT_NE(faults[j].grpid, faults[i].grpid);
			EXPECT_NE(faults[j].cookie, faults[i].cookie);
		}
	}
	for (i = 0; i < PAGES; i++) {
		EXPECT_TRUE(dma_goes_on(self->dut.dma));
		map(self, order[i], 1);
		ASSERT_EQ(ANSWER,
			  answer(self->fd, faults[order[i]].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
		EXPECT_EQ(-EINVAL,
			  answer(self->fd, faults[order[i]].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	}
	ASSERT_EQ(0, dma_finish(self->dut.dma, wrote));
	EXPECT_EQ(0, memcmp(wrote, self->buffer.memory, self->buffer.size));
	free(wrote);
}

CTS_TEST_F(requests, several_groups_end,
	   .title = "Of several groups some are answered and others are not when the device's attachment ends: none is left waiting, and nothing is moved",
	   .requirements = { "PRI-003", "PRI-004" },
	   .needs = NEEDS)
{
	struct iommu_hwpt_pgfault faults[PAGES];
	uint8_t *wrote = malloc(self->buffer.size);

	ASSERT_NE(NULL, wrote);
	ASSERT_TRUE(ask_for_each(self, variant->pasid, faults));
	map(self, 0, 1);
	ASSERT_EQ(ANSWER, answer(self->fd, faults[0].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	ASSERT_EQ(ANSWER, answer(self->fd, faults[2].cookie, IOMMUFD_PAGE_RESP_INVALID));
	ASSERT_EQ(0, detach(&self->dut, variant->pasid));
	EXPECT_EQ(-EIO, dma_finish(self->dut.dma, wrote));
	EXPECT_INTACT();
	EXPECT_EQ(-EINVAL, answer(self->fd, faults[1].cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	free(wrote);
}

/* How the requests of a table lose it. */
static int move_away(FIXTURE_DATA(requests) * self, uint32_t pasid)
{
	return attach(&self->dut, pasid, make_table(&self->dut, self->queue));
}

static int leave(FIXTURE_DATA(requests) * self, uint32_t pasid)
{
	return detach(&self->dut, pasid);
}

CTS_TEST_F(requests, left_behind,
	   .title = "Detach and replace end accesses that wait, told or not, as refused; the device works on",
	   .requirements = { "PRI-004", "FAULT-007" },
	   .needs = NEEDS)
{
	int (*const ways[])(FIXTURE_DATA(requests) *, uint32_t) = { leave, move_away };
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		bool told = i % 2;

		begin_write(self, variant->pasid);
		ASSERT_TRUE(comes(self->fd, PATIENCE_MS));
		if (told) {
			ASSERT_EQ(1, receive(self->fd, &fault, 1));
		}
		ASSERT_EQ(0, ways[i / 2](self, variant->pasid));
		EXPECT_EQ(-EIO, dma_finish(self->dut.dma, bytes)) TH_LOG("way %zu", i);
		EXPECT_FALSE(comes(self->fd, 0));
		if (told) {
			EXPECT_EQ(-EINVAL,
				  answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
		}
		EXPECT_INTACT();
		ASSERT_EQ(0, attach(&self->dut, variant->pasid, self->table));
	}
	map(self, 0, 1);
	EXPECT_WORKS();
}

CTS_TEST_F(requests, file_closed,
	   .title = "An access that waits when the queue's file is closed ends as refused when the device leaves the table",
	   .requirements = { "PRI-004" },
	   .needs = NEEDS)
{
	uint8_t bytes[LENGTH];

	begin_write(self, variant->pasid);
	ASSERT_TRUE(comes(self->fd, PATIENCE_MS));
	cts_close(&self->fd);
	EXPECT_EQ(0, detach(&self->dut, variant->pasid));
	EXPECT_EQ(-EIO, dma_finish(self->dut.dma, bytes));
	EXPECT_INTACT();
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->table));
	EXPECT_EQ(0, __iommufd_destroy(self->dut.iommufd, self->queue));
}

CTS_TEST_F(requests, reset,
	   .title = "A reset of the function ends an access that waits; what is answered later does no harm, and the device works",
	   .requirements = { "PRI-004" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	struct iommu_hwpt_pgfault fault;
	struct function function;

	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	function_init(&function, self->dut.device);
	function_reset(&function);
	function_set_master(&function, true);
	map(self, 0, 1);
	EXPECT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_INTACT();
	EXPECT_WORKS();
	function_exit(&function);
}

/* Begins anew with the device, which the test has closed together with all that was made for it. */
static void return_to(FIXTURE_DATA(requests) * self, uint32_t pasid)
{
	struct dut *dut = &self->dut;

	iova_exit(&dut->space);
	dut_open(dut);
	self->iova = iova_alloc(&dut->space, PAGES * self->page, self->page);
	map(self, 0, 1);
	self->table = hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, HWPT_ALLOC_PASID);
	cts_require(!attach(dut, DMA_NO_PASID, self->table), "attach");
	if (pasid != DMA_NO_PASID)
		cts_require(!attach(dut, pasid, self->table), "attach of a PASID");
}

CTS_TEST_F(requests, device_closed,
	   .title = "A device that is closed while an access waits takes its fault along, and works for its next user",
	   .requirements = { "PRI-004", "FAULT-007" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	struct iommu_hwpt_pgfault fault;
	struct dut *dut = &self->dut;

	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	dut_close_device(dut);
	EXPECT_EQ(-EINVAL, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_SUCCESS));
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, self->table));
	EXPECT_INTACT();
	cts_close(&dut->iommufd);
	return_to(self, variant->pasid);
	EXPECT_WORKS();
}

CTS_TEST_F(requests, user_killed,
	   .title = "A user who is killed while an access waits leaves a device that works for the next one",
	   .requirements = { "PRI-004" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	struct dut *dut = &self->dut;
	pid_t user = fork();
	int status;

	ASSERT_LE(0, user);
	if (!user) {
		for (;;)
			pause();
	}
	begin_write(self, variant->pasid);
	EXPECT_TRUE(comes(self->fd, PATIENCE_MS));
	/* Now it is the child who has all of it open. */
	dut_close_device(dut);
	cts_close(&dut->iommufd);
	cts_close(&self->fd);
	EXPECT_EQ(0, kill(user, SIGKILL));
	ASSERT_EQ(user, waitpid(user, &status, 0));
	EXPECT_INTACT();
	return_to(self, variant->pasid);
	EXPECT_WORKS();
}

CTS_TEST_F(requests, by_their_table,
	   .title = "A request goes to the queue of the table that it came by, and by a table without one to none",
	   .requirements = { "FAULT-008" },
	   .needs = NEEDS)
{
	uint32_t others = PASID + 1;
	struct dut *dut = &self->dut;
	struct iommu_hwpt_pgfault fault;
	uint8_t bytes[LENGTH];
	uint32_t queue = 0, plain;
	int fd = -1;

	FAULT_QUEUE_OR_SKIP(dut->iommufd, &queue, &fd);
	ASSERT_EQ(0, attach(dut, others, make_table(dut, queue)));
	begin_write(self, others);
	ASSERT_EQ(1, receive(fd, &fault, 1));
	EXPECT_FALSE(comes(self->fd, WATCHED_MS));
	ASSERT_EQ(ANSWER, answer(fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(-EIO, dma_finish(dut->dma, bytes));
	begin_write(self, variant->pasid);
	ASSERT_EQ(1, receive(self->fd, &fault, 1));
	EXPECT_FALSE(comes(fd, WATCHED_MS));
	ASSERT_EQ(ANSWER, answer(self->fd, fault.cookie, IOMMUFD_PAGE_RESP_INVALID));
	EXPECT_EQ(-EIO, dma_finish(dut->dma, bytes));

	plain = hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, HWPT_ALLOC_PASID);
	ASSERT_EQ(0, attach(dut, others, plain));
	begin_write(self, others);
	EXPECT_EQ(-EIO, dma_finish(dut->dma, bytes));
	EXPECT_FALSE(comes(self->fd, WATCHED_MS));
	EXPECT_FALSE(comes(fd, 0));
	EXPECT_INTACT();
	cts_close(&fd);
}

CTS_MAIN
