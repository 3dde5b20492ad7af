// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is taken from its bus, or from its driver, while it is in full use: that waits for
 * the user, whose calls go on to be answered. What was made for the device in the iommufd outlives
 * it, and the device that comes back is a new one.
 */
#include "../attach/calls.h"
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "removal.h"
#include "revived.h"
#include "test.h"
#include "vfio.h"

FIXTURE(remove)
{
	struct vfio_layout layout;
	struct removal_before before;
	struct removal removal;
	struct buffer buffer; /* one page, mapped at `iova` */
	uint64_t iova;
	int iommufd;
	int device;
	uint32_t id;
	uint32_t ioas;
};

FIXTURE_VARIANT(remove)
{
	void (*start)(struct removal *removal);
	bool from_bus;
};

FIXTURE_VARIANT_ADD(remove, from_driver)
{
	.start = removal_start_unbind,
};
FIXTURE_VARIANT_ADD(remove, from_bus)
{
	.start = removal_start_remove,
	.from_bus = true,
};

FIXTURE_SETUP(remove)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	removal_remember(&self->before);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(remove)
{
	removal_undo(&self->before);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* Brings the device into use, without DMA. */
static void use_device(FIXTURE_DATA(remove) * self)
{
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	vfio_attach(self->device, self->ioas);
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, 2 * page_size(), page_size());
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, page_size(), self->iova);
}

CTS_TEST_F(remove, waits_for_the_user,
	   .title = "A device that is removed in use answers every call, and is gone after the last close",
	   .requirements = { "LIFE-012", "PARK-027" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	uint64_t next;

	use_device(self);
	next = self->iova + page_size();
	variant->start(&self->removal);
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	EXPECT_EQ(0,
		  __iommufd_map(self->iommufd, self->ioas, self->buffer.memory, page_size(), next));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_TRUE(removal_waits(&self->removal));

	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
	EXPECT_EQ(!variant->from_bus, sysfs_device_exists());
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, self->id));
	EXPECT_EQ(2 * page_size(), iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(remove, comes_back,
	   .title = "A device that was removed and came back is a new one, and does what the old one did",
	   .requirements = { "LIFE-013" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	uint32_t old;

	use_device(self);
	old = self->id;
	variant->start(&self->removal);
	cts_close(&self->device);
	ASSERT_EQ(0, removal_finish(&self->removal));
	removal_undo(&self->before);

	self->device = vfio_open();
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	/* Nothing stands for the old one. */
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, old));
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, &self->id));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	/* What was mapped for the old one is there for the new one. */
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(page_size(), iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	cts_close(&self->device);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(remove, in_a_storm,
	   .title = "Removed while it writes, a device writes on until it is closed, then no more; and works when it is back",
	   .requirements = { "LIFE-012", "LIFE-013" },
	   .needs = NEEDS | CTS_NEED_DMA_STORM | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	unsigned int distrusted = dut_distrusted();
	size_t page = page_size(), length;
	uint8_t *wrote;
	struct dut dut;
	char *memory = self->buffer.memory;

	dut_open(&dut);
	length = dma_write_limits(dut.dma)->smallest;
	wrote = malloc(length);
	ASSERT_NE(NULL, wrote);
	self->iova = iova_alloc(&dut.space, page, page);
	iommufd_map(dut.iommufd, dut.ioas, memory, page, self->iova);
	canary_fill(memory, page, 0);
	dma_storm_start(dut.dma, self->iova, length);
	ASSERT_TRUE(dma_storm_reaches(dut.dma, memory, page, 0));

	variant->start(&self->removal);
	canary_fill(memory, page, 0);
	EXPECT_TRUE(dma_storm_reaches(dut.dma, memory, page, 0));
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_EQ(0, dma_storm_stop(dut.dma));
	EXPECT_EQ(page, canary_changed(memory, page, 0, length));
	dut_close_device(&dut);
	ASSERT_EQ(0, removal_finish(&self->removal));
	canary_fill(memory, page, 1);
	removal_undo(&self->before);
	EXPECT_TRUE(canary_intact(memory, page, 1));

	iommufd_unmap_all(dut.iommufd, dut.ioas);
	dut_revive(&dut, distrusted);
	iommufd_map(dut.iommufd, dut.ioas, memory, page, self->iova);
	EXPECT_EQ(0, dma_write(dut.dma, self->iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(memory, page, 1, 0, wrote, length));
	dut_close(&dut);
	free(wrote);
}

CTS_MAIN
