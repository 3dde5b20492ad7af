// SPDX-License-Identifier: GPL-2.0-only
/*
 * A parked file refuses to be written, in whatever way: write(2) and its relatives end in EINVAL
 * and the device's registers stay what they are.
 *
 * Nothing here may harm the device on a kernel without the gate. Registers are only aimed at with
 * writes of no bytes; bytes go to the vendor and device ids alone, which are read-only and are
 * written with their value.
 */
#include <sys/uio.h>

#include "memory.h"
#include "parked.h"
#include "sysfs.h"

/*
 * The type 0 header without what changes by itself: the status register (PCI Local Bus
 * Specification 3.0, 6.1).
 */
struct header {
	uint8_t bytes[64];
};

static struct header read_header(void)
{
	struct header header;

	sysfs_config(header.bytes, sizeof(header.bytes));
	header.bytes[6] = header.bytes[7] = 0;
	return header;
}

static bool header_is(const struct header *before)
{
	struct header now = read_header();

	return !memcmp(before, &now, sizeof(now));
}

CTS_TEST_F(parked, write_no_bytes,
	   .title = "A parked file refuses a write of no bytes in every region",
	   .requirements = { "PARK-002" },
	   .needs = CTS_NEED_CDEV)
{
	int i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		EXPECT_EQ(-1, pwrite(self->device, "", 0, self->layout.region[i].offset));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, write(self->device, "", 0));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(parked, write,
	   .title = "A parked file refuses every write and the configuration stays",
	   .requirements = { "PARK-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct header before = read_header();
	const uint32_t value = self->layout.ids;
	size_t length;

	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	for (length = 1; length <= sizeof(value); length++) {
		EXPECT_EQ(-1,
			  pwrite(self->device, &value, length, vfio_config_offset(&self->layout)));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_TRUE(header_is(&before));
}

CTS_TEST_F(parked, write_anywhere,
	   .title = "No offset of a parked file can be written, be there a region or not",
	   .requirements = { "PARK-002" },
	   .needs = CTS_NEED_CDEV)
{
	int shift;

	for (shift = 0; shift < 63; shift++) {
		EXPECT_EQ(-1, pwrite(self->device, "", 0, (off_t)1 << shift));
		EXPECT_EQ(EINVAL, errno);
	}
}

CTS_TEST_F(parked, write_bad_buffer,
	   .title = "A parked file refuses a write before it looks at the buffer",
	   .requirements = { "PARK-002" },
	   .needs = CTS_NEED_CDEV)
{
	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	EXPECT_EQ(-1,
		  pwrite(self->device, inaccessible_page(), 4, vfio_config_offset(&self->layout)));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(parked, write_vectored,
	   .title = "A parked file refuses pwritev and pwritev2",
	   .requirements = { "PARK-003" },
	   .needs = CTS_NEED_CDEV)
{
	const struct header before = read_header();
	off_t config = vfio_config_offset(&self->layout);
	uint32_t value = self->layout.ids;
	struct iovec iov[4];
	int count, i;

	for (i = 0; i < 4; i++)
		iov[i] = (struct iovec){ .iov_base = (char *)&value + i, .iov_len = 1 };

	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	for (count = 1; count <= 4; count++) {
		EXPECT_EQ(-1, pwritev(self->device, iov, count, config));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, pwritev2(self->device, iov, count, config, 0));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_TRUE(header_is(&before));
}

CTS_TEST_F(parked, write_empty_vector,
	   .title = "A vector without a byte is written before the device is asked",
	   .requirements = { "PARK-003" },
	   .needs = CTS_NEED_CDEV)
{
	struct iovec iov[2] = { { .iov_base = "" }, { .iov_base = "" } };

	EXPECT_EQ(0, writev(self->device, iov, 2));
	EXPECT_EQ(0, pwritev(self->device, iov, 2, vfio_config_offset(&self->layout)));
}

CTS_TEST_F(parked, write_hipri,
	   .title = "RWF_HIPRI doesn't get a write past the gate",
	   .requirements = { "PARK-004" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t value = self->layout.ids;
	struct iovec iov = { .iov_base = &value, .iov_len = sizeof(value) };

	ASSERT_EQ(-EINVAL, gate_write.probe(self->device, &self->layout));
	EXPECT_EQ(-1,
		  pwritev2(self->device, &iov, 1, vfio_config_offset(&self->layout), RWF_HIPRI));
	EXPECT_EQ(EINVAL, errno);
}

CTS_MAIN
