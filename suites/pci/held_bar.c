// SPDX-License-Identifier: GPL-2.0-only
/*
 * BARs that a driver of the kernel has, which is what cts_hold (fixtures/hold) is there for: the
 * user of the function doesn't get them, and it doesn't get those that the user has.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "bar.h"
#include "ioeventfd.h"

#define HOLD "/dev/cts_hold"

FIXTURE(held_bar)
{
	struct bound bound;
	uint32_t bar;
	uint32_t first; /* its first bytes, by the file */
	int holder;	/* who has the BAR from the setup on */
};

/* Has BAR @bar of the device until *@holder is closed. 0 or -errno. */
static int __hold(uint32_t bar, int *holder)
{
	char text[SYSFS_BDF + 8];
	int length = snprintf(text, sizeof(text), "%s %u", sysfs_device(), bar);

	*holder = open(HOLD, O_WRONLY | O_CLOEXEC);
	if (*holder < 0)
		cts_lab_error("%s can't be opened", HOLD);
	return write(*holder, text, (size_t)length) < 0 ? -errno : 0;
}

/* mmap of the first page of BAR @bar: 0, or -errno. Nothing stays mapped. */
static int map_page(const struct function *function, uint32_t bar)
{
	void *memory = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, function->fd,
			    (off_t)function->region[bar].offset);

	return memory == MAP_FAILED ? -errno : munmap(memory, page_size());
}

FIXTURE_SETUP(held_bar)
{
	struct bound *bound = &self->bound;

	CTS_CHECK_NEEDS();
	self->holder = -1;
	if (access(HOLD, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no " HOLD " (the module fixtures/hold)");
	BOUND_OPEN_OR_SKIP(bound);
	BAR_OR_SKIP(&bound->function, &self->bar);
	ASSERT_EQ(0, bar_read(&bound->function, self->bar, &self->first));
	bound_close_device(bound);
	ASSERT_EQ(0, __hold(self->bar, &self->holder));
	bound_open(bound);
}

FIXTURE_TEARDOWN(held_bar)
{
	bound_close(&self->bound);
	cts_close(&self->holder);
}

CTS_TEST_F(held_bar, binds,
	   .title = "A device one of whose BARs the kernel holds is bound all the same, and has the others",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const struct function *function = &self->bound.function;
	uint32_t bar, value, id = function_config_read(function, PCI_VENDOR_ID, 4);

	EXPECT_EQ(sysfs_number("device") << 16 | sysfs_number("vendor"), id);
	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		if (bar == self->bar || !function->region[bar].size)
			continue;
		EXPECT_EQ(0, bar_read(function, bar, &value)) TH_LOG("BAR %u", bar);
		if (function->region[bar].flags & VFIO_REGION_INFO_FLAG_MMAP) {
			EXPECT_EQ(0, map_page(function, bar)) TH_LOG("BAR %u", bar);
		}
	}
}

CTS_TEST_F(held_bar, is_not_read,
	   .title = "A read of a BAR that the kernel holds is EBUSY",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	uint32_t value;

	EXPECT_EQ(-EBUSY, bar_read(&self->bound.function, self->bar, &value));
}

CTS_TEST_F(held_bar, is_not_written,
	   .title = "A write to a BAR that the kernel holds is EBUSY",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	/* What it holds already. */
	EXPECT_EQ(-EBUSY, bar_write(&self->bound.function, self->bar, self->first));
}

CTS_TEST_F(held_bar, is_not_mapped,
	   .title = "mmap of a BAR that the kernel holds is EBUSY",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	EXPECT_EQ(-EBUSY, map_page(&self->bound.function, self->bar));
}

CTS_TEST_F(held_bar, is_not_written_on_an_event,
	   .title = "An eventfd that is to write to a BAR that the kernel holds is EBUSY",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	int event = eventfd(0, EFD_CLOEXEC);

	ASSERT_LE(0, event);
	EXPECT_EQ(-EBUSY, ioeventfd(&self->bound.function, VFIO_DEVICE_IOEVENTFD_32, self->bar, 0,
				    self->first, event));
	cts_close(&event);
}

CTS_TEST_F(held_bar, is_given_back,
	   .title = "Whoever opens the device when the kernel has given the BAR back reads and maps it",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	struct function *function = &self->bound.function;
	uint32_t value = 0;

	EXPECT_EQ(-EBUSY, map_page(function, self->bar));
	cts_close(&self->holder);
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	EXPECT_EQ(0, bar_read(function, self->bar, &value));
	EXPECT_EQ(self->first, value);
	EXPECT_EQ(0, mapping_read(function_map_bar(function, self->bar), &value));
	EXPECT_EQ(self->first, value);
}

CTS_TEST_F(held_bar, is_not_taken,
	   .title = "No driver gets a BAR that a user has mapped, and every one as soon as the device is closed",
	   .requirements = { "REG-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	struct function *function = &self->bound.function;
	const volatile void *memory;
	uint32_t value = 0;

	cts_close(&self->holder);
	bound_close_device(&self->bound);
	bound_open(&self->bound);
	memory = function_map_bar(function, self->bar);
	ASSERT_EQ(-EBUSY, __hold(self->bar, &self->holder));
	cts_close(&self->holder);
	EXPECT_EQ(0, mapping_read(memory, &value));
	EXPECT_EQ(self->first, value);
	EXPECT_EQ(0, map_page(function, self->bar));
	bound_close_device(&self->bound);
	EXPECT_EQ(0, __hold(self->bar, &self->holder));
}

CTS_MAIN
