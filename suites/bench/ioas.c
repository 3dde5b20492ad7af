// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layers of IOMMU_IOAS_MAP, apart: for an address space without any table it is what the IOAS
 * itself does, and IOMMU_IOAS_COPY of memory that is pinned already is what the page table does.
 * Both together are less than suites/bench/map_unmap.c has: pinning is in there alone.
 */
#include "device_fixture.h"
#include "range.h"

FIXTURE(no_table)
{
	int iommufd;
	uint32_t ioas;
};

FIXTURE_SETUP(no_table)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
}

FIXTURE_TEARDOWN(no_table)
{
	cts_close(&self->iommufd);
}

CTS_TEST_F(no_table, map_unmap,
	   .title = "Map and unmap of one range, in an address space without a table",
	   .requirements = { "MEASURE-004" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const struct cts_param table[] = { { .name = "table", .word = "none" }, { 0 } };

	ASSERT_LT(0, bench_map_unmap(self->iommufd, self->ioas, BUFFER_BASE, table));
}

FIXTURE(pinned)
{
	DEVICE_FIELDS;
	uint32_t source;
};

FIXTURE_VARIANT(pinned)
{
	enum buffer_kind pages;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(pinned, base) { BUFFER_BASE };
FIXTURE_VARIANT_ADD(pinned, thp) { BUFFER_THP };
/* clang-format on */

/* The device is attached to one address space, so that what is mapped there is pinned. */
FIXTURE_SETUP(pinned)
{
	DEVICE_SETUP_OR_SKIP(self);
	self->source = iommufd_ioas_alloc(self->iommufd);
	vfio_attach(self->device, self->source);
}

FIXTURE_TEARDOWN(pinned)
{
	DEVICE_TEARDOWN(self);
}

/* Copies one range to and fro; false if a call was refused. */
static bool measure_copy(int iommufd, uint32_t from, uint32_t to, const struct buffer *buffer,
			 const struct cts_param *params)
{
	const uint64_t length = buffer->size;
	const uint64_t iova = iommufd_usable_iova(iommufd, from, length, length);
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.dst_ioas_id = to,
		.src_ioas_id = from,
		.length = length,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_iova = iova,
		.src_iova = iova,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = to,
		.iova = iova,
		.length = length,
	};
	const struct bench_pair pair = {
		.fd = iommufd,
		.put_request = IOMMU_IOAS_COPY,
		.put = &copy,
		.put_name = "copy",
		.take_request = IOMMU_IOAS_UNMAP,
		.take = &unmap,
		.take_name = "unmap-copy",
	};
	bool ok;

	iommufd_map(iommufd, from, buffer->memory, length, iova);
	ok = bench_pair_run(&pair, params);
	iommufd_unmap(iommufd, from, iova, length);
	return ok;
}

CTS_TEST_F(pinned, copy,
	   .title = "Copy of one range that is pinned, into an address space with a table of its own",
	   .requirements = { "MEASURE-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	struct bench_size sizes[BENCH_SIZES], *size;

	if (!buffer_page(variant->pages))
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->pages));
	iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);
	bench_even(self->iommufd, self->ioas);
	bench_sizes(buffer_page(variant->pages), sizes);
	for (size = sizes; size->size; size++) {
		const struct cts_param params[] = {
			{ .name = "size", .number = size->size },
			{ .name = "times", .number = size->times },
			{ .name = "pages", .word = buffer_kind_name(variant->pages) },
			{ 0 },
		};
		struct buffer buffer;

		if (__buffer_alloc_scattered(&buffer, variant->pages, size->size * size->times))
			break;
		ASSERT_TRUE(measure_copy(self->iommufd, self->source, self->ioas, &buffer, params));
		buffer_free(&buffer);
	}
	if (size == sizes)
		CTS_SKIP(TOO_LITTLE_MEMORY, "no page of kind %s is free",
			 buffer_kind_name(variant->pages));
}

CTS_MAIN
