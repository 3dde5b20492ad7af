// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA of a device doesn't depend on a VM: not on one that there is, not on one that it belongs to,
 * and not on one that goes while it is in use.
 */
#include <stdlib.h>

#include "../lifecycle/child.h"
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "iommufd.h"
#include "kvm.h"
#include "memory.h"
#include "test.h"

#define PAGES 4

FIXTURE(dma)
{
	struct vfio_layout layout;
	struct buffer buffer;
	unsigned int distrusted;
	struct dut dut;
	struct vm vm;
	uint64_t iova;
	uint8_t *wrote;
};

FIXTURE_SETUP(dma)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->distrusted = dut_distrusted();
	self->vm = (struct vm){ .fd = -1, .files = -1 };
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
	self->dut.iommufd = iommufd_open();
	self->dut.device = vfio_open();
}

FIXTURE_TEARDOWN(dma)
{
	dut_close(&self->dut);
	vm_close(&self->vm);
	buffer_free(&self->buffer);
	free(self->wrote);
}

#define DMA_NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)

/* Binds and attaches the parked file, maps the buffer, and makes the device ready. */
static void bring_up(FIXTURE_DATA(dma) * self)
{
	struct dut *dut = &self->dut;
	size_t rings = dma_rings_size();

	dut->device_id = vfio_bind(dut->device, dut->iommufd);
	dut->ioas = iommufd_ioas_alloc(dut->iommufd);
	vfio_attach(dut->device, dut->ioas);
	iova_init(&dut->space, dut->iommufd, dut->ioas, dma_highest_iova());
	self->iova = iova_alloc(&dut->space, self->buffer.size, page_size());
	iommufd_map(dut->iommufd, dut->ioas, self->buffer.memory, self->buffer.size, self->iova);
	dut->dma = dma_open(dut->device, rings ? iova_alloc(&dut->space, rings, page_size()) : 0);
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	dma_distrust(dut->dma, self->distrusted);
	self->wrote = malloc(dma_write_limits(dut->dma)->smallest);
	cts_lab_require(self->wrote, "memory");
}

/* Does a write by the device reach the buffer's page @page, and nothing else of it? */
static bool reaches(FIXTURE_DATA(dma) * self, size_t page)
{
	size_t length = dma_write_limits(self->dut.dma)->smallest, at = page * page_size();

	canary_fill(self->buffer.memory, self->buffer.size, (uint8_t)page);
	return !dma_write(self->dut.dma, self->iova + at, length, self->wrote) &&
	       canary_holds_only(self->buffer.memory, self->buffer.size, (uint8_t)page, at,
				 self->wrote, length);
}

CTS_TEST_F(dma, without,
	   .title = "A device of which no VM was told is bound, attached and does DMA",
	   .requirements = { "BIND-023" },
	   .needs = DMA_NEEDS)
{
	bring_up(self);
	EXPECT_TRUE(reaches(self, 1));
}

CTS_TEST_F(dma, beside,
	   .title = "A device of which no VM was told is bound, attached and does DMA beside one, and after that",
	   .requirements = { "BIND-023" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	vm_create(&self->vm);
	bring_up(self);
	EXPECT_TRUE(reaches(self, 1));
	vm_close(&self->vm);
	EXPECT_TRUE(reaches(self, 2));
}

CTS_TEST_F(dma, told,
	   .title = "DMA goes on while the device is added to a VM, taken away, and added again",
	   .requirements = { "KVM-013" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	vm_create(&self->vm);
	bring_up(self);
	EXPECT_TRUE(reaches(self, 0));
	vm_add(&self->vm, self->dut.device);
	EXPECT_TRUE(reaches(self, 1));
	vm_del(&self->vm, self->dut.device);
	EXPECT_TRUE(reaches(self, 2));
	vm_add(&self->vm, self->dut.device);
	EXPECT_TRUE(reaches(self, 3));
}

CTS_TEST_F(dma, vm_first,
	   .title = "DMA goes on when the device's VM is closed, and then what it was added by",
	   .requirements = { "KVM-013" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	vm_create(&self->vm);
	vm_add(&self->vm, self->dut.device);
	bring_up(self);
	EXPECT_TRUE(reaches(self, 0));
	cts_close(&self->vm.fd);
	EXPECT_TRUE(reaches(self, 1));
	cts_close(&self->vm.files);
	EXPECT_TRUE(reaches(self, 2));
}

CTS_TEST_F(dma, files_first,
	   .title = "DMA goes on when what the device was added by is closed, and then its VM",
	   .requirements = { "KVM-013" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	vm_create(&self->vm);
	vm_add(&self->vm, self->dut.device);
	bring_up(self);
	EXPECT_TRUE(reaches(self, 0));
	cts_close(&self->vm.files);
	EXPECT_TRUE(reaches(self, 1));
	cts_close(&self->vm.fd);
	EXPECT_TRUE(reaches(self, 2));
}

CTS_TEST_F(dma, mapped_anew,
	   .title = "A device whose VM is gone is mapped for, detached and attached as ever",
	   .requirements = { "KVM-013" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	uint32_t pt = 0;

	vm_create(&self->vm);
	vm_add(&self->vm, self->dut.device);
	bring_up(self);
	vm_close(&self->vm);
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, self->iova, self->buffer.size);
	iommufd_map(self->dut.iommufd, self->dut.ioas, self->buffer.memory, self->buffer.size,
		    self->iova);
	EXPECT_TRUE(reaches(self, 1));
	vfio_detach(self->dut.device);
	pt = self->dut.ioas;
	EXPECT_EQ(0, __vfio_attach(self->dut.device, &pt));
	EXPECT_TRUE(reaches(self, 2));
}

/* What a child tells its parent. */
struct shared {
	int device;
	volatile bool done;
};

static void add_and_wait(void *argument)
{
	struct shared *shared = argument;
	struct vm vm;

	vm_create(&vm);
	vm_add(&vm, shared->device);
	shared->done = true;
	for (;;)
		pause();
}

CTS_TEST_F(dma, vm_killed,
	   .title = "DMA goes on when the process of the device's VM is killed",
	   .requirements = { "KVM-013" },
	   .needs = DMA_NEEDS | CTS_NEED_KVM)
{
	struct shared *shared = child_share(sizeof(*shared));
	pid_t child;

	shared->device = self->dut.device;
	child = child_start(add_and_wait, shared);
	child_await(child, &shared->done);
	bring_up(self);
	EXPECT_TRUE(reaches(self, 1));
	child_kill(child);
	EXPECT_TRUE(reaches(self, 2));
}

CTS_MAIN
