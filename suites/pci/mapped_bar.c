// SPDX-License-Identifier: GPL-2.0-only
/* BARs by mmap: what can be mapped, and what a mapping gives. */
#include <sys/mman.h>

#include "bar.h"

FIXTURE(mapped_bar)
{
	struct bound bound;
	uint32_t bar;
	const volatile void *memory; /* all of it, mapped */
	uint32_t first;		     /* its first bytes, by the file */
};

FIXTURE_SETUP(mapped_bar)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	BAR_OR_SKIP(&self->bound.function, &self->bar);
	self->memory = function_map_bar(&self->bound.function, self->bar);
	ASSERT_EQ(0, bar_read(&self->bound.function, self->bar, &self->first));
}

FIXTURE_TEARDOWN(mapped_bar)
{
	bound_close(&self->bound);
}

/* mmap of @size bytes at @offset of region @index: 0, or -errno. Nothing stays mapped. */
static int map(const struct function *function, uint32_t index, uint64_t offset, size_t size,
	       int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, function->fd,
			    (off_t)(function->region[index].offset + offset));

	return memory == MAP_FAILED ? -errno : munmap(memory, size);
}

static uint64_t whole_pages(uint64_t size)
{
	return (size + page_size() - 1) & ~((uint64_t)page_size() - 1);
}

CTS_TEST_F(mapped_bar, shows_the_registers,
	   .title = "What is read through a mapping is what is read by the file",
	   .requirements = { "REG-005" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t bar, by_file, value;

	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(self->first, value);
	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		if (!(function->region[bar].flags & VFIO_REGION_INFO_FLAG_MMAP))
			continue;
		/* Of a table of MSI-X the file shows nothing: msix_table.c. */
		if (bar_read(function, bar, &by_file) || by_file == UINT32_MAX)
			continue;
		EXPECT_EQ(0, mapping_read(function_map_bar(&self->bound.function, bar), &value));
		EXPECT_EQ(by_file, value) TH_LOG("BAR %u", bar);
	}
}

CTS_TEST_F(mapped_bar, private,
	   .title = "A private mapping of a BAR is EINVAL",
	   .requirements = { "REG-005" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EINVAL, map(&self->bound.function, self->bar, 0, page_size(), MAP_PRIVATE));
	EXPECT_EQ(0, map(&self->bound.function, self->bar, 0, page_size(), MAP_SHARED));
}

CTS_TEST_F(mapped_bar, beyond_the_end,
	   .title = "A mapping that begins or ends behind a BAR is EINVAL",
	   .requirements = { "REG-005" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint64_t size = whole_pages(function->region[self->bar].size);
	size_t page = page_size();

	EXPECT_EQ(0, map(function, self->bar, 0, size, MAP_SHARED));
	EXPECT_EQ(0, map(function, self->bar, size - page, page, MAP_SHARED));
	EXPECT_EQ(-EINVAL, map(function, self->bar, 0, size + page, MAP_SHARED));
	EXPECT_EQ(-EINVAL, map(function, self->bar, size - page, 2 * page, MAP_SHARED));
	EXPECT_EQ(-EINVAL, map(function, self->bar, size, page, MAP_SHARED));
}

CTS_TEST_F(mapped_bar, other_regions,
	   .title = "Regions that don't say that they can be mapped can't: EINVAL",
	   .requirements = { "REG-005" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t i;

	for (i = 0; i < VFIO_PCI_VGA_REGION_INDEX; i++) {
		int expected = function->region[i].flags & VFIO_REGION_INFO_FLAG_MMAP ? 0 : -EINVAL;

		EXPECT_EQ(expected, map(function, i, 0, page_size(), MAP_SHARED))
		TH_LOG("region %u", i);
	}
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_READ, MAP_SHARED, function->fd,
				   (off_t)((uint64_t)INT64_MAX & ~0xfffffULL)));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(mapped_bar, not_decoded,
	   .title = "A mapping is SIGBUS while memory decoding is off, and works again after it",
	   .requirements = { "REG-012" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value = 0;
	int round;

	for (round = 0; round < 2; round++) {
		/* The page has been touched. */
		ASSERT_EQ(0, mapping_read(self->memory, &value));
		set_decoding(function, false);
		EXPECT_EQ(-EIO, mapping_read(self->memory, &value));
		EXPECT_EQ(-EIO, mapping_read(self->memory, &value));
		set_decoding(function, true);
		EXPECT_EQ(0, mapping_read(self->memory, &value));
		EXPECT_EQ(self->first, value);
	}
}

CTS_TEST_F(mapped_bar, begins_within,
	   .title = "A mapping that begins within a BAR gives the registers from there on",
	   .requirements = { "REG-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct function *function = &self->bound.function;
	uint32_t bar, first, whole, part, told = 0;
	const size_t page = page_size();

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		const struct vfio_region_info *region = &function->region[bar];
		uint64_t last = whole_pages(region->size) - page;
		const volatile char *memory;
		void *page_of;

		if (!(region->flags & VFIO_REGION_INFO_FLAG_MMAP) || !last)
			continue;
		memory = function_map_bar(function, bar);
		ASSERT_EQ(0, mapping_read(memory, &first));
		ASSERT_EQ(0, mapping_read(memory + last, &whole));
		page_of = mmap(NULL, page, PROT_READ, MAP_SHARED, function->fd,
			       (off_t)(region->offset + last));
		ASSERT_NE(MAP_FAILED, page_of);
		EXPECT_EQ(0, mapping_read(page_of, &part));
		EXPECT_EQ(whole, part) TH_LOG("BAR %u", bar);
		ASSERT_EQ(0, munmap(page_of, page));
		told += whole != first;
	}
	if (!told)
		CTS_SKIP(DEVICE_LACKS, "no BAR's last page differs from its first");
}

CTS_TEST_F(mapped_bar, none_is_decoded,
	   .title = "While memory decoding is off no BAR is reached by its mapping, at neither end",
	   .requirements = { "REG-012" },
	   .needs = CTS_NEED_CDEV)
{
	struct function *function = &self->bound.function;
	int round, expected;
	uint32_t bar, value;

	for (round = 0; round < 3; round++) {
		/* Touched, out of reach, and back. */
		expected = round == 1 ? -EIO : 0;
		set_decoding(function, round != 1);
		for (bar = 0; bar < FUNCTION_BARS; bar++) {
			const struct vfio_region_info *region = &function->region[bar];
			const volatile char *memory;

			if (!(region->flags & VFIO_REGION_INFO_FLAG_MMAP))
				continue;
			memory = function_map_bar(function, bar);
			EXPECT_EQ(expected, mapping_read(memory, &value)) TH_LOG("BAR %u", bar);
			EXPECT_EQ(expected, mapping_read(memory + region->size - 4, &value))
			TH_LOG("BAR %u", bar);
		}
	}
}

CTS_TEST_F(mapped_bar, mapped_while_not_decoded,
	   .title = "A mapping that is made while memory decoding is off gives nothing until it is on",
	   .requirements = { "REG-012" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value = 0;
	void *memory;

	set_decoding(function, false);
	memory = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, function->fd,
		      (off_t)function->region[self->bar].offset);
	ASSERT_NE(MAP_FAILED, memory);
	EXPECT_EQ(-EIO, mapping_read(memory, &value));
	set_decoding(function, true);
	EXPECT_EQ(0, mapping_read(memory, &value));
	EXPECT_EQ(self->first, value);
	ASSERT_EQ(0, munmap(memory, page_size()));
}

CTS_TEST_F(mapped_bar, asleep,
	   .title = "A mapping is SIGBUS while the device is in D3hot",
	   .requirements = { "REG-012" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value = 0, pm = function_capability(function, PCI_CAP_ID_PM);

	if (!pm)
		CTS_SKIP(DEVICE_LACKS, "the device has no power management");
	ASSERT_EQ(0, mapping_read(self->memory, &value));
	set_power(function, pm, 3);
	EXPECT_EQ(-EIO, mapping_read(self->memory, &value));
	set_power(function, pm, 0);
	set_decoding(function, true);
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(self->first, value);
}

CTS_TEST_F(mapped_bar, outlives_a_reset,
	   .title = "A mapping that was there before a reset works after it",
	   .requirements = { "RESET-008" },
	   .needs = CTS_NEED_CDEV)
{
	const struct function *function = &self->bound.function;
	uint32_t value = 0;

	ASSERT_EQ(0, mapping_read(self->memory, &value));
	if (__function_reset(function) == -EINVAL)
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	set_decoding(function, true);
	EXPECT_EQ(0, mapping_read(self->memory, &value));
	EXPECT_EQ(self->first, value);
}

CTS_MAIN
