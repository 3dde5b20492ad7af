/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests with page requests of a device: it is attached to a table whose page
 * requests go to the queue `queue`, the file of which is `fd`.
 */
#ifndef FAULT_REQUESTS_H
#define FAULT_REQUESTS_H

#include "../pasid/calls.h"
#include "buffer.h"
#include "calls.h"
#include "canary.h"
#include "dut.h"
#include "hwpt.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

#define PASID 77U
#define OFFSET 24 /* of accesses in a page */
#define LENGTH 64
#define PAGES 4

/* How long a request may take at most on its way, ms; nothing is judged by it. */
#define PATIENCE_MS 10000

FIXTURE(requests)
{
	struct dut dut; /* its IOAS has nothing mapped */
	uint32_t queue, table;
	int fd;
	struct buffer buffer; /* PAGES pages, to be mapped at `iova` */
	uint64_t iova;
	size_t page;
};

FIXTURE_VARIANT(requests)
{
	uint32_t pasid;
};

FIXTURE_VARIANT_ADD(requests, own)
{
	.pasid = DMA_NO_PASID,
};
FIXTURE_VARIANT_ADD(requests, pasid)
{
	.pasid = PASID,
};

/* A table of the device's IOAS whose faults go to @queue. */
static inline uint32_t make_table(const struct dut *dut, uint32_t queue)
{
	struct iommu_hwpt_alloc args = {
		.dev_id = dut->device_id,
		.pt_id = dut->ioas,
		.flags = HWPT_ALLOC_PASID | IOMMU_HWPT_FAULT_ID_VALID,
		.fault_id = queue,
	};

	cts_require(!__hwpt_alloc(dut->iommufd, &args), "a table with a fault queue");
	return args.out_hwpt_id;
}

/* Attaches what makes the requests of @pasid. */
static inline int attach(const struct dut *dut, uint32_t pasid, uint32_t table)
{
	if (pasid != DMA_NO_PASID)
		return pasid_attach(dut->device, pasid, table);
	return __vfio_attach(dut->device, &table);
}

FIXTURE_SETUP(requests)
{
	struct dut *dut = &self->dut;
	uint32_t plain;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(dut);
	self->page = page_size();
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * self->page);
	self->iova = iova_alloc(&dut->space, PAGES * self->page, self->page);
	/* A PASID is attached only beside a table for PASIDs. */
	plain = hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, HWPT_ALLOC_PASID);
	ASSERT_EQ(0, attach(dut, DMA_NO_PASID, plain));
	FAULT_QUEUE_OR_SKIP(dut->iommufd, &self->queue, &self->fd);
	self->table = make_table(dut, self->queue);
	ASSERT_EQ(0, attach(dut, variant->pasid, self->table));
	canary_fill(self->buffer.memory, self->buffer.size, 0);
}

FIXTURE_TEARDOWN(requests)
{
	dut_close(&self->dut);
	if (self->fd > 0)
		cts_close(&self->fd);
	buffer_free(&self->buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_PASID | CTS_NEED_DMA_PRI)

/* Maps @pages pages of the buffer from number @first on. */
static inline void map(FIXTURE_DATA(requests) * self, size_t first, size_t pages)
{
	iommufd_map(self->dut.iommufd, self->dut.ioas,
		    (char *)self->buffer.memory + first * self->page, pages * self->page,
		    self->iova + first * self->page);
}

static inline void unmap(FIXTURE_DATA(requests) * self, size_t first, size_t pages)
{
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova + first * self->page,
		      pages * self->page);
}

static inline bool comes(int fd, int ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return poll(&poller, 1, ms) == 1 && poller.revents == POLLIN;
}

/* Waits for faults and reads up to @count of them: how many there were. */
static inline unsigned int receive(int fd, struct iommu_hwpt_pgfault *faults, unsigned int count)
{
	ssize_t length = comes(fd, PATIENCE_MS) ? read_faults(fd, faults, count * RECORD) : 0;

	return length < 0 ? 0 : (unsigned int)(length / (ssize_t)RECORD);
}

static inline void begin_write(FIXTURE_DATA(requests) * self, uint32_t pasid)
{
	dma_start_write(self->dut.dma, pasid, self->iova + OFFSET, LENGTH);
}

#endif
