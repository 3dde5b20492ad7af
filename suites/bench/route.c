// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same map and unmap by each way that there is to it, in one run: VFIO's own container with its
 * type1 backend, the same calls on /dev/iommu, and the calls of /dev/iommu for a device that was
 * opened by its character device.
 */
#include "../compat/compat.h"

#include "device_fixture.h"
#include "range.h"

FIXTURE(container)
{
	struct compat compat;
};

FIXTURE_VARIANT(container)
{
	enum container_mode mode;
	const char *route;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(container, type1) { CONTAINER_VFIO, "type1" };
FIXTURE_VARIANT_ADD(container, iommufd) { CONTAINER_IOMMUFD, "compat" };
/* clang-format on */

FIXTURE_SETUP(container)
{
	CTS_CHECK_NEEDS();
	COMPAT_OPEN_OR_SKIP(&self->compat, variant->mode);
	if (variant->mode == CONTAINER_VFIO && !self->compat.native)
		CTS_SKIP(KERNEL_LACKS, "/dev/vfio/vfio is an iommufd here");
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
}

FIXTURE_TEARDOWN(container)
{
	compat_close(&self->compat);
}

/* As bench_even(), by the container's calls. */
static void even_by_container(struct compat *compat)
{
	const size_t page = page_size();
	struct buffer buffer;
	uint64_t iova;
	unsigned int i;

	if (!bench_even_begin(&buffer))
		return;
	iova = iova_alloc(&compat->space, buffer.size, page);
	container_map(compat->container, buffer.memory, buffer.size, iova);
	container_unmap(compat->container, iova, buffer.size);
	for (i = 0; i < BENCH_FILLING; i++)
		container_map(compat->container, (char *)buffer.memory + i * page, page,
			      iova + i * page);
	container_unmap(compat->container, iova, buffer.size);
	buffer_free(&buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_GROUP | CTS_NEED_HARDWARE)

CTS_TEST_F(container, map_unmap,
	   .title = "Map and unmap by VFIO's own calls",
	   .requirements = { "MEASURE-008" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	struct bench_size sizes[BENCH_SIZES], *size;

	even_by_container(&self->compat);
	bench_sizes(page_size(), sizes);
	for (size = sizes; size->size; size++) {
		const struct cts_param params[] = {
			{ .name = "size", .number = size->size },
			{ .name = "times", .number = size->times },
			{ .name = "pages", .word = buffer_kind_name(BUFFER_BASE) },
			{ .name = "route", .word = variant->route },
			{ 0 },
		};
		const size_t length = size->size * size->times;
		struct buffer buffer;

		if (__buffer_alloc_scattered(&buffer, BUFFER_BASE, length))
			break;

		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)buffer.memory,
			.size = length,
			.iova = iova_alloc(&self->compat.space, length, length),
		};
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = map.iova,
			.size = length,
		};
		const struct bench_pair pair = {
			.fd = self->compat.container,
			.put_request = VFIO_IOMMU_MAP_DMA,
			.put = &map,
			.put_name = "map",
			.take_request = VFIO_IOMMU_UNMAP_DMA,
			.take = &unmap,
			.take_name = "unmap",
		};

		ASSERT_TRUE(bench_pair_run(&pair, params));
		buffer_free(&buffer);
	}
}

FIXTURE(cdev)
{
	DEVICE_FIELDS;
};

FIXTURE_SETUP(cdev)
{
	DEVICE_SETUP_OR_SKIP(self);
	vfio_attach(self->device, self->ioas);
}

FIXTURE_TEARDOWN(cdev)
{
	DEVICE_TEARDOWN(self);
}

CTS_TEST_F(cdev, map_unmap,
	   .title = "The same map and unmap by /dev/iommu and the character device",
	   .requirements = { "MEASURE-008" },
	   .needs = NEEDS,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const struct cts_param route[] = { { .name = "route", .word = "cdev" }, { 0 } };

	ASSERT_LT(0, bench_map_unmap(self->iommufd, self->ioas, BUFFER_BASE, route));
}

CTS_MAIN
