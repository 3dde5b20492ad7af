// SPDX-License-Identifier: GPL-2.0-only
/*
 * A parked file refuses to be read, in whatever way: read(2) and its relatives end in EINVAL and
 * leave the caller's memory alone.
 *
 * Each test first asks the gate with a read of no bytes, which is harmless behind it: on a kernel
 * without the gate nothing else here may reach the device.
 */
#include <sys/uio.h>

#include "memory.h"
#include "parked.h"

#define CANARY 0x5a
#define LONGEST 4096

static char buffer[LONGEST];

static ssize_t untouched(void)
{
	ssize_t i;

	for (i = 0; i < LONGEST && buffer[i] == CANARY; i++)
		;
	return i;
}

CTS_TEST_F(parked, read_no_bytes,
	   .title = "A parked file refuses a read of no bytes in every region",
	   .requirements = { "PARK-001" },
	   .needs = CTS_NEED_CDEV)
{
	int i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		EXPECT_EQ(-1, pread(self->device, buffer, 0, self->layout.region[i].offset));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, read(self->device, buffer, 0));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(parked, read,
	   .title = "A parked file refuses every read and leaves the buffer alone",
	   .requirements = { "PARK-001" },
	   .needs = CTS_NEED_CDEV)
{
	static const size_t lengths[] = { 1, 2, 3, 4, 8, 256, LONGEST };
	size_t n;
	int i;

	memset(buffer, CANARY, sizeof(buffer));
	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		ASSERT_EQ(-1, pread(self->device, buffer, 0, self->layout.region[i].offset));
		for (n = 0; n < ARRAY_SIZE(lengths); n++) {
			off_t offset = self->layout.region[i].offset;

			ASSERT_EQ(-1, pread(self->device, buffer, lengths[n], offset));
			EXPECT_EQ(EINVAL, errno);
		}
	}
	EXPECT_EQ(-1, read(self->device, buffer, 4));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(LONGEST, untouched());
}

CTS_TEST_F(parked, read_anywhere,
	   .title = "No offset of a parked file can be read, be there a region or not",
	   .requirements = { "PARK-001" },
	   .needs = CTS_NEED_CDEV)
{
	int shift;

	ASSERT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	for (shift = 0; shift < 63; shift++) {
		EXPECT_EQ(-1, pread(self->device, buffer, 0, (off_t)1 << shift));
		EXPECT_EQ(EINVAL, errno);
	}
}

CTS_TEST_F(parked, read_bad_buffer,
	   .title = "A parked file refuses a read before it looks at the buffer",
	   .requirements = { "PARK-001" },
	   .needs = CTS_NEED_CDEV)
{
	ASSERT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	EXPECT_EQ(-1,
		  pread(self->device, inaccessible_page(), 4, vfio_config_offset(&self->layout)));
	EXPECT_EQ(EINVAL, errno);
}

CTS_TEST_F(parked, read_vectored,
	   .title = "A parked file refuses readv, preadv and preadv2",
	   .requirements = { "PARK-003" },
	   .needs = CTS_NEED_CDEV)
{
	off_t config = vfio_config_offset(&self->layout);
	struct iovec iov[8];
	int count, i;

	memset(buffer, CANARY, sizeof(buffer));
	for (i = 0; i < 8; i++)
		iov[i] = (struct iovec){ .iov_base = buffer + i, .iov_len = 1 };

	ASSERT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	for (count = 1; count <= 8; count++) {
		EXPECT_EQ(-1, preadv(self->device, iov, count, config));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, preadv2(self->device, iov, count, config, 0));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, readv(self->device, iov, count));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(LONGEST, untouched());
}

CTS_TEST_F(parked, read_empty_vector,
	   .title = "A vector without a byte is read before the device is asked",
	   .requirements = { "PARK-003" },
	   .needs = CTS_NEED_CDEV)
{
	struct iovec iov[2] = { { .iov_base = buffer }, { .iov_base = buffer } };

	EXPECT_EQ(0, readv(self->device, iov, 2));
	EXPECT_EQ(0, preadv(self->device, iov, 2, vfio_config_offset(&self->layout)));
}

CTS_TEST_F(parked, read_hipri,
	   .title = "RWF_HIPRI doesn't get a read past the gate",
	   .requirements = { "PARK-004" },
	   .needs = CTS_NEED_CDEV)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = 4 };

	ASSERT_EQ(-EINVAL, gate_read.probe(self->device, &self->layout));
	EXPECT_EQ(-1, preadv2(self->device, &iov, 1, vfio_config_offset(&self->layout), RWF_HIPRI));
	EXPECT_EQ(EINVAL, errno);
}

CTS_MAIN
