// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to ask which pages a device has written to, by the size of the range: where none is
 * dirty, and where all are, since the device wrote to each; with and without making them clean. And
 * what it costs to switch the tracking on and off where so much is mapped.
 */
#include <stdlib.h>
#include <string.h>

#include "device_fixture.h"
#include "dut.h"
#include "range.h"
#include "table.h"

#define SMALLEST ((size_t)2 << 20)
/* The most that the device writes before each question, IO pages: it can take a while. */
#define WRITES_MAX 4096U

/* A question about a range that is mapped in a table which tracks. */
struct range {
	struct buffer buffer, bitmap;
	struct iommu_hwpt_get_dirty_bitmap question;
	uint64_t iova;
};

/* Takes @size bytes of @kind; -ENOMEM if there is not so much. */
static int range_alloc(struct range *range, enum buffer_kind kind, size_t size)
{
	const size_t bitmap = size / page_size() / 8;
	int error = __buffer_alloc_scattered(&range->buffer, kind, size);

	if (error)
		return error;
	/* Whole pages of it, and not shared with anything else: the kernel pins them. */
	buffer_alloc(&range->bitmap, BUFFER_BASE, bitmap > page_size() ? bitmap : page_size());
	return 0;
}

/* Maps it at @iova of @ioas, and asks @hwpt. */
static void range_map(struct range *range, int iommufd, uint32_t ioas, uint32_t hwpt, uint64_t iova)
{
	range->iova = iova;
	range->question = (struct iommu_hwpt_get_dirty_bitmap){
		.size = sizeof(range->question),
		.hwpt_id = hwpt,
		.iova = iova,
		.length = range->buffer.size,
		.page_size = page_size(),
		.data = (uintptr_t)range->bitmap.memory,
	};
	iommufd_map(iommufd, ioas, range->buffer.memory, range->buffer.size, iova);
}

static void range_free(struct range *range, int iommufd, uint32_t ioas)
{
	iommufd_unmap(iommufd, ioas, range->iova, range->buffer.size);
	buffer_free(&range->buffer);
	buffer_free(&range->bitmap);
}

/* How many pages the bitmap has as dirty. */
static size_t pages_told(const struct range *range)
{
	const uint64_t *words = range->bitmap.memory;
	size_t i, count = 0;

	for (i = 0; i < range->bitmap.size / sizeof(*words); i++)
		count += (size_t)__builtin_popcountll(words[i]);
	return count;
}

/* Asks once, into an empty bitmap: how many pages are told, or -errno. */
static long ask(struct range *range, int iommufd, uint32_t flags, struct measure_series *series)
{
	int error;

	memset(range->bitmap.memory, 0, range->bitmap.size);
	range->question.flags = flags;
	measure_begin(series);
	error = measure_ioctl(iommufd, IOMMU_HWPT_GET_DIRTY_BITMAP, &range->question);
	measure_end(series);
	return error ? error : (long)pages_told(range);
}

static void record_question(const struct range *range, enum buffer_kind kind, uint32_t flags,
			    const char *dirty, const struct measure_series *series)
{
	const bool keeps = flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR;
	const struct cts_param params[] = {
		{ .name = "size", .number = range->buffer.size },
		{ .name = "pages", .word = buffer_kind_name(kind) },
		{ .name = "dirty", .word = dirty },
		{ .name = "clear", .word = keeps ? "no" : "yes" },
		{ 0 },
	};

	measure_record(series, "dirty-bitmap", params);
}

static const uint32_t ways[] = { 0, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR };

FIXTURE(tracked)
{
	DEVICE_FIELDS;
	uint32_t hwpt;
};

FIXTURE_VARIANT(tracked)
{
	enum buffer_kind pages;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(tracked, base) { BUFFER_BASE };
FIXTURE_VARIANT_ADD(tracked, thp) { BUFFER_THP };
/* clang-format on */

FIXTURE_SETUP(tracked)
{
	DEVICE_SETUP_OR_SKIP(self);
	BENCH_TABLE_OR_SKIP(self->device, self->iommufd, self->id, self->ioas,
			    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &self->hwpt, "dirty-tracking");
	if (!buffer_page(variant->pages))
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->pages));
	bench_even(self->iommufd, self->ioas);
}

FIXTURE_TEARDOWN(tracked)
{
	DEVICE_TEARDOWN(self);
}

/* The next of the sizes to be measured, of one piece; NULL after the last. */
static const struct bench_size *next_size(const struct bench_size *size)
{
	while (size->size && size->times > 1)
		size++;
	return size->size ? size : NULL;
}

CTS_TEST_F(tracked, clean,
	   .title = "Asking for dirty pages where there are none",
	   .requirements = { "MEASURE-013" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	const struct bench_size *size;
	struct bench_size sizes[BENCH_SIZES];
	struct range range;
	size_t i;

	dirty_tracking(self->iommufd, self->hwpt, true);
	bench_sizes(SMALLEST, sizes);
	for (size = sizes; (size = next_size(size)); size++) {
		if (range_alloc(&range, variant->pages, size->size))
			break;
		range_map(&range, self->iommufd, self->ioas, self->hwpt,
			  iommufd_usable_iova(self->iommufd, self->ioas, size->size, size->size));
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			struct measure_series series = { 0 };

			while (measure_wants(&series)) {
				ASSERT_EQ(0, ask(&range, self->iommufd, ways[i], &series));
			}
			record_question(&range, variant->pages, ways[i], "none", &series);
		}
		range_free(&range, self->iommufd, self->ioas);
	}
	if (size == sizes)
		CTS_SKIP(TOO_LITTLE_MEMORY, "%zu bytes are not free", SMALLEST);
}

CTS_TEST_F(tracked, switched,
	   .title = "Switching dirty tracking on and off where memory is mapped",
	   .requirements = { "MEASURE-014" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 120)
{
	struct iommu_hwpt_set_dirty_tracking enable = {
		.size = sizeof(enable),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
		.hwpt_id = self->hwpt,
	};
	struct iommu_hwpt_set_dirty_tracking disable = {
		.size = sizeof(disable),
		.hwpt_id = self->hwpt,
	};
	const struct bench_pair pair = {
		.fd = self->iommufd,
		.put_request = IOMMU_HWPT_SET_DIRTY_TRACKING,
		.put = &enable,
		.put_name = "dirty-tracking-on",
		.take_request = IOMMU_HWPT_SET_DIRTY_TRACKING,
		.take = &disable,
		.take_name = "dirty-tracking-off",
	};
	const struct bench_size *size;
	struct bench_size sizes[BENCH_SIZES];
	struct range range;

	bench_sizes(SMALLEST, sizes);
	for (size = sizes; (size = next_size(size)); size++) {
		const struct cts_param params[] = {
			{ .name = "size", .number = size->size },
			{ .name = "pages", .word = buffer_kind_name(variant->pages) },
			{ 0 },
		};

		if (range_alloc(&range, variant->pages, size->size))
			break;
		range_map(&range, self->iommufd, self->ioas, self->hwpt,
			  iommufd_usable_iova(self->iommufd, self->ioas, size->size, size->size));
		ASSERT_TRUE(bench_pair_run(&pair, params));
		range_free(&range, self->iommufd, self->ioas);
	}
	if (size == sizes)
		CTS_SKIP(TOO_LITTLE_MEMORY, "%zu bytes are not free", SMALLEST);
}

FIXTURE(written)
{
	struct dut dut;
	uint32_t ioas, hwpt;
};

FIXTURE_VARIANT(written)
{
	enum buffer_kind pages;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(written, base) { BUFFER_BASE };
FIXTURE_VARIANT_ADD(written, thp) { BUFFER_THP };
/* clang-format on */

FIXTURE_SETUP(written)
{
	struct dut *dut = &self->dut;

	CTS_CHECK_NEEDS();
	DUT_OPEN_DETACHED_OR_SKIP(dut);
	self->ioas = iommufd_ioas_alloc(dut->iommufd);
	BENCH_TABLE_OR_SKIP(dut->device, dut->iommufd, dut->device_id, self->ioas,
			    IOMMU_HWPT_ALLOC_DIRTY_TRACKING, &self->hwpt, "dirty-tracking");
	if (!buffer_page(variant->pages))
		CTS_SKIP(KERNEL_LACKS, "no pages of kind %s", buffer_kind_name(variant->pages));
	bench_even(dut->iommufd, self->ioas);
	dma_map_rings(dut->dma, dut->iommufd, self->ioas);
	dirty_tracking(dut->iommufd, self->hwpt, true);
}

FIXTURE_TEARDOWN(written)
{
	dut_close(&self->dut);
}

/* Has the device write to each page that the range is made of. 0 or -errno of the first refusal. */
static int write_all(struct dma *dma, const struct range *range)
{
	const size_t length = dma_write_limits(dma)->smallest;
	uint8_t *wrote = malloc(length);
	int error = wrote ? 0 : -ENOMEM;
	size_t at;

	for (at = 0; !error && at < range->buffer.size; at += range->buffer.page)
		error = dma_write(dma, range->iova + at, length, wrote);
	free(wrote);
	return error;
}

CTS_TEST_F(written, all,
	   .title = "Asking for dirty pages where the device has written to each",
	   .requirements = { "MEASURE-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const size_t most = WRITES_MAX * buffer_page(variant->pages);
	struct dut *dut = &self->dut;
	const struct bench_size *size;
	struct bench_size sizes[BENCH_SIZES];
	struct range range;
	size_t i;

	bench_sizes(SMALLEST, sizes);
	for (size = sizes; (size = next_size(size)); size++) {
		if (size->size > most)
			continue;
		if (range_alloc(&range, variant->pages, size->size))
			break;
		range_map(&range, dut->iommufd, self->ioas, self->hwpt,
			  iova_alloc(&dut->space, size->size, size->size));
		for (i = 0; i < ARRAY_SIZE(ways); i++) {
			struct measure_series series = { 0 };

			/* What is not made clean is dirty the next time, too. */
			ASSERT_EQ(0, write_all(dut->dma, &range));
			while (measure_wants(&series)) {
				ASSERT_EQ((long)(size->size / page_size()),
					  ask(&range, dut->iommufd, ways[i], &series));
				if (!ways[i]) {
					ASSERT_EQ(0, write_all(dut->dma, &range));
				}
			}
			record_question(&range, variant->pages, ways[i], "all", &series);
		}
		range_free(&range, dut->iommufd, self->ioas);
	}
	if (size == sizes)
		CTS_SKIP(TOO_LITTLE_MEMORY, "%zu bytes are not free", SMALLEST);
}

CTS_MAIN
