// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is saved of a device and loaded into one: through the files that come with the states. The
 * state of mtty that shows is the scratch register of its serial port.
 */
#include <endian.h>

#include "migration.h"

#define MTTY 0x32534348U /* its ids */
#define SCRATCH 7	 /* in BAR 0 */

/* *@where becomes the place of the scratch register in the device's file. */
#define SCRATCH_OR_SKIP(self, where)                                                           \
	do {                                                                                   \
		if (le32toh((self)->layout.ids) != MTTY)                                       \
			CTS_SKIP(DEVICE_LACKS, "nothing is known of what it keeps");           \
		*(where) = (self)->layout.region[VFIO_PCI_BAR0_REGION_INDEX].offset + SCRATCH; \
	} while (0)

static void put(const FIXTURE_DATA(migration) * self, uint64_t offset, uint8_t value)
{
	cts_require(pwrite(self->device, &value, 1, (off_t)offset) == 1, "writing a register");
}

static int get(const FIXTURE_DATA(migration) * self, uint64_t offset)
{
	uint8_t value;

	return pread(self->device, &value, 1, (off_t)offset) == 1 ? value : -errno;
}

CTS_TEST_F(migration, carries_the_state,
	   .title = "What is saved of a device and loaded into it again brings back the state that it had",
	   .requirements = { "MIG-001" },
	   .needs = NEEDS)
{
	uint64_t scratch;

	SCRATCH_OR_SKIP(self, &scratch);
	put(self, scratch, 0x5a);
	ASSERT_EQ(0, move(self, STOP_COPY));
	ASSERT_TRUE(save(self));
	EXPECT_LT(0U, self->length);
	ASSERT_EQ(0, move(self, RUNNING));
	put(self, scratch, 0xa5);
	ASSERT_EQ(0, move(self, RESUMING));
	ASSERT_TRUE(load(self, self->length));
	ASSERT_EQ(0, move(self, RUNNING));
	EXPECT_EQ(0x5a, get(self, scratch));
}

CTS_TEST_F(migration, saved_while_it_runs,
	   .title = "What is saved in two parts, while the device runs and when it is stopped, has the state that it had last",
	   .requirements = { "MIG-001" },
	   .needs = NEEDS)
{
	uint64_t scratch;
	size_t first;
	ssize_t n;
	int file;

	if (!(self->flags & VFIO_MIGRATION_PRE_COPY))
		CTS_SKIP(DEVICE_LACKS, "it can't be saved while it runs");
	SCRATCH_OR_SKIP(self, &scratch);
	put(self, scratch, 0x11);
	ASSERT_EQ(0, move(self, PRE_COPY));
	n = read(self->file, self->data, DATA_MAX);
	ASSERT_LE(0, n);
	first = (size_t)n;
	put(self, scratch, 0x22);
	/* The same file goes on. */
	ASSERT_EQ(0, set_state(self->device, STOP_COPY, &file));
	EXPECT_EQ(-1, file);
	for (self->length = first;; self->length += (size_t)n) {
		n = read(self->file, self->data + self->length, DATA_MAX - self->length);
		ASSERT_LE(0, n);
		if (!n)
			break;
	}
	ASSERT_EQ(0, move(self, RESUMING));
	put(self, scratch, 0x33);
	ASSERT_TRUE(load(self, self->length));
	ASSERT_EQ(0, move(self, RUNNING));
	EXPECT_EQ(0x22, get(self, scratch));
}

CTS_TEST_F(migration, ends_with_its_state,
	   .title = "A file of what is saved or loaded ends with its state: nothing is read from it or written to it any more",
	   .requirements = { "MIG-002" },
	   .needs = NEEDS)
{
	int saving, loading;

	ASSERT_EQ(0, set_state(self->device, STOP_COPY, &saving));
	self->length = 0;
	self->file = saving;
	ASSERT_TRUE(save(self));
	self->file = -1;
	ASSERT_EQ(0, set_state(self->device, RESUMING, &loading));
	EXPECT_EQ(-1, read(saving, self->data, 1));
	EXPECT_EQ(-1, write(saving, self->data, 1));
	EXPECT_EQ(-1, read(loading, self->data, 1));
	self->file = loading;
	ASSERT_TRUE(load(self, self->length));
	self->file = -1;
	ASSERT_EQ(0, move(self, STOP));
	EXPECT_EQ(-1, write(loading, self->data, 1));
	/* Nor is what was closed asked for any more. */
	cts_close(&loading);
	ASSERT_EQ(0, set_state(self->device, STOP_COPY, &loading));
	cts_close(&self->device);
	EXPECT_EQ(-1, read(loading, self->data, 1));
	cts_close(&loading);
	cts_close(&saving);
}

CTS_TEST_F(migration, is_not_taken,
	   .title = "Data that is cut short, or damaged in its beginning, is refused, and the state can be asked for; a reset makes the device run again",
	   .requirements = { "MIG-003" },
	   .needs = NEEDS)
{
	size_t length;
	int state;

	ASSERT_EQ(0, move(self, STOP_COPY));
	ASSERT_TRUE(save(self));
	length = self->length;
	ASSERT_LT(1U, length);

	ASSERT_EQ(0, move(self, RESUMING));
	ASSERT_TRUE(load(self, length - 1));
	EXPECT_GT(0, move(self, RUNNING));
	state = get_state(self->device);
	EXPECT_TRUE(state == RESUMING || state == ERROR) TH_LOG("state %d", state);
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
	EXPECT_EQ(RUNNING, get_state(self->device));

	ASSERT_EQ(0, move(self, RESUMING));
	self->data[0] ^= 1;
	/* At the latest when it is to be used. */
	EXPECT_TRUE(!load(self, length) || move(self, STOP) < 0);
	ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
	EXPECT_EQ(RUNNING, get_state(self->device));
}

CTS_TEST_F(migration, how_much_is_left,
	   .title = "VFIO_MIG_GET_PRECOPY_INFO tells what is left to be read as long as the device runs, and is EINVAL when it is stopped",
	   .requirements = { "MIG-004" },
	   .needs = NEEDS)
{
	struct vfio_precopy_info info = { .argsz = sizeof(info) };
	uint64_t before;
	int file;

	if (!(self->flags & VFIO_MIGRATION_PRE_COPY))
		CTS_SKIP(DEVICE_LACKS, "it can't be saved while it runs");
	ASSERT_EQ(0, move(self, PRE_COPY));
	ASSERT_EQ(0, ioctl(self->file, VFIO_MIG_GET_PRECOPY_INFO, &info));
	before = info.initial_bytes;
	EXPECT_LT(0U, before);
	ASSERT_EQ(1, read(self->file, self->data, 1));
	ASSERT_EQ(0, ioctl(self->file, VFIO_MIG_GET_PRECOPY_INFO, &info));
	EXPECT_GT(before, info.initial_bytes);
	info.argsz = 8;
	EXPECT_EQ(-1, ioctl(self->file, VFIO_MIG_GET_PRECOPY_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	info.argsz = sizeof(info);
	ASSERT_EQ(0, set_state(self->device, STOP_COPY, &file));
	EXPECT_EQ(-1, ioctl(self->file, VFIO_MIG_GET_PRECOPY_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
}

CTS_MAIN
