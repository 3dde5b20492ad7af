// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device's way costs, step by step: a table for it, to be attached, moved to another table
 * and detached, with memory mapped; and from a closed device to the first byte that it wrote.
 */
#include <inttypes.h>
#include <string.h>

#include "device_fixture.h"
#include "dut.h"
#include "hwpt.h"
#include "range.h"

/* How often the device is opened: each time it is reset, and may wait for a link. */
#define OPENINGS 10

/* Memory in each address space, bytes. */
#define MAPPED ((size_t)2 << 20)

FIXTURE(steps)
{
	DEVICE_FIELDS;
	uint32_t other; /* a second address space with the same memory */
	struct buffer memory;
};

FIXTURE_SETUP(steps)
{
	uint64_t iova;

	DEVICE_SETUP_OR_SKIP(self);
	self->other = iommufd_ioas_alloc(self->iommufd);
	ASSERT_EQ(0, __buffer_alloc_scattered(&self->memory, BUFFER_BASE, MAPPED));
	vfio_attach(self->device, self->ioas);
	bench_even(self->iommufd, self->ioas);
	iova = iommufd_usable_iova(self->iommufd, self->ioas, MAPPED, MAPPED);
	vfio_detach(self->device);
	iommufd_map(self->iommufd, self->ioas, self->memory.memory, MAPPED, iova);
	iommufd_map(self->iommufd, self->other, self->memory.memory, MAPPED, iova);
}

FIXTURE_TEARDOWN(steps)
{
	DEVICE_TEARDOWN(self);
	buffer_free(&self->memory);
}

/* Where the tables are made beforehand: what is left is the step itself. */
CTS_TEST_F(steps, attach,
	   .title = "Attach to, replacement of and detach from a table that is there",
	   .requirements = { "MEASURE-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const uint32_t a = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);
	const uint32_t b = iommufd_hwpt_alloc(self->iommufd, self->id, self->other);
	struct vfio_device_attach_iommufd_pt to_a = { .argsz = sizeof(to_a) };
	struct vfio_device_attach_iommufd_pt to_b = { .argsz = sizeof(to_b) };
	struct vfio_device_detach_iommufd_pt off = { .argsz = sizeof(off) };
	struct measure_series attach = { 0 }, replace = { 0 }, detach = { 0 };
	const struct cts_param params[] = { { 0 } };

	while (measure_wants(&attach) || measure_wants(&replace) || measure_wants(&detach)) {
		int attached, replaced, detached;

		to_a.pt_id = a;
		to_b.pt_id = b;
		measure_begin(&attach);
		attached = measure_ioctl(self->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &to_a);
		measure_end(&attach);
		measure_begin(&replace);
		replaced = measure_ioctl(self->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &to_b);
		measure_end(&replace);
		measure_begin(&detach);
		detached = measure_ioctl(self->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &off);
		measure_end(&detach);
		ASSERT_EQ(0, attached);
		ASSERT_EQ(0, replaced);
		ASSERT_EQ(0, detached);
	}
	measure_record(&attach, "attach", params);
	measure_record(&replace, "replace", params);
	measure_record(&detach, "detach", params);
}

CTS_TEST_F(steps, table,
	   .title = "Making a table for an address space with memory in it, and destroying it",
	   .requirements = { "MEASURE-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	struct iommu_hwpt_alloc make = { .size = sizeof(make),
					 .dev_id = self->id,
					 .pt_id = self->ioas };
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	const struct cts_param params[] = { { .name = "mapped", .number = MAPPED }, { 0 } };
	struct measure_series made = { 0 }, destroyed = { 0 };

	while (measure_wants(&made) || measure_wants(&destroyed)) {
		int error;

		measure_begin(&made);
		error = measure_ioctl(self->iommufd, IOMMU_HWPT_ALLOC, &make);
		measure_end(&made);
		ASSERT_EQ(0, error);
		destroy.id = make.out_hwpt_id;
		measure_begin(&destroyed);
		error = measure_ioctl(self->iommufd, IOMMU_DESTROY, &destroy);
		measure_end(&destroyed);
		ASSERT_EQ(0, error);
	}
	measure_record(&made, "hwpt-alloc", params);
	measure_record(&destroyed, "hwpt-destroy", params);
}

/* Opens the device, maps @page for it and has it write there. */
static void write_once(struct dut *dut, const struct buffer *page)
{
	uint8_t wrote[4096];
	size_t length;
	uint64_t iova;

	dut_open(dut);
	length = dma_write_limits(dut->dma)->smallest;
	cts_lab_require(length <= sizeof(wrote), "a write of %zu bytes", length);
	iova = iova_alloc(&dut->space, page->size, page->size);
	iommufd_map(dut->iommufd, dut->ioas, page->memory, page->size, iova);
	cts_require(!dma_write(dut->dma, iova, length, wrote), "a write to 0x%" PRIx64, iova);
	cts_require(!memcmp(page->memory, wrote, length), "the bytes that were written");
}

CTS_TEST(first_dma,
	 .title = "From a device that is closed to one that is bound, and to the first bytes that it wrote",
	 .requirements = { "MEASURE-010" },
	 .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_TIME,
	 .kind = CTS_MEASUREMENT,
	 .timeout_s = 300)
{
	const struct cts_param params[] = { { 0 } };
	struct measure_series bind = { 0 }, write = { 0 };
	struct vfio_layout layout;
	struct buffer page;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&layout);
	buffer_alloc(&page, BUFFER_BASE, page_size());
	while (bind.count < OPENINGS) {
		int iommufd = iommufd_open(), device;

		measure_begin(&bind);
		device = vfio_open();
		vfio_bind(device, iommufd);
		measure_end(&bind);
		cts_close(&device);
		cts_close(&iommufd);
	}
	while (write.count < OPENINGS) {
		struct dut dut;

		measure_begin(&write);
		write_once(&dut, &page);
		measure_end(&write);
		dut_close(&dut);
	}
	buffer_free(&page);
	measure_record(&bind, "open-to-bound", params);
	measure_record(&write, "open-to-dma", params);
}

CTS_MAIN
