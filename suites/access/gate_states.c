// SPDX-License-Identifier: GPL-2.0-only
/*
 * A gate is shut until the file is bound, open from then on, and nothing but a successful bind
 * opens it.
 */
#include <fcntl.h>

#include "gate.h"
#include "refused_binds.h"

CTS_TEST_F(gate, opens_with_bind,
	   .title = "A successful bind opens the gate",
	   .requirements = { "BIND-001" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_bind(self->device, self->iommufd);
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, stays_shut_after_refused_binds,
	   .title = "No refused bind opens the gate, and a correct bind opens it after all of them",
	   .requirements = { "PARK-025" },
	   .needs = CTS_NEED_CDEV)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
		const struct refused_bind *refused = &refused_binds[i];

		EXPECT_TRUE(is_refused(refused, self->device, self->iommufd))
		TH_LOG("%s", refused->name);
		EXPECT_SHUT(self->device) TH_LOG("after: %s", refused->name);
	}
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, stays_shut_beside_a_winner,
	   .title = "A file that lost the device to another one stays parked",
	   .requirements = { "PARK-025" },
	   .needs = CTS_NEED_CDEV)
{
	int winner = vfio_open();

	vfio_bind(winner, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_SHUT(self->device);
	EXPECT_OPEN(winner);

	cts_close(&winner);
	EXPECT_SHUT(self->device);
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, stays_shut_after_fcntl,
	   .title = "fcntl manages a parked descriptor and opens no gate",
	   .requirements = { "PARK-017" },
	   .needs = CTS_NEED_CDEV)
{
	int flags = fcntl(self->device, F_GETFL);
	int copy;

	EXPECT_EQ(O_RDWR, flags & O_ACCMODE);
	EXPECT_EQ(0, fcntl(self->device, F_SETFL, flags | O_NONBLOCK));
	EXPECT_EQ(flags | O_NONBLOCK, fcntl(self->device, F_GETFL));
	EXPECT_SHUT(self->device);
	EXPECT_EQ(0, fcntl(self->device, F_SETFL, flags));

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->device, F_GETFD));
	EXPECT_EQ(0, fcntl(self->device, F_SETFD, 0));
	EXPECT_EQ(0, fcntl(self->device, F_GETFD));
	EXPECT_SHUT(self->device);

	copy = fcntl(self->device, F_DUPFD_CLOEXEC, 100);
	ASSERT_LE(100, copy);
	EXPECT_SHUT(copy);
}

CTS_TEST_F(gate, shut_again_after_close,
	   .title = "After the bound file was closed, a new one is parked",
	   .requirements = { "LIFE-001", "PARK-020" },
	   .needs = CTS_NEED_CDEV)
{
	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	self->device = vfio_open();
	EXPECT_SHUT(self->device);
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, second_file_is_parked,
	   .title = "Another file of a bound device is parked all the same",
	   .requirements = { "PARK-020" },
	   .needs = CTS_NEED_CDEV)
{
	int second;

	vfio_bind(self->device, self->iommufd);
	second = vfio_open();
	EXPECT_SHUT(second);
	EXPECT_OPEN(self->device);
}

CTS_TEST_F(gate, reopened_file_is_parked,
	   .title = "Opening a bound file again by /proc/self/fd gives a parked one",
	   .requirements = { "PARK-020" },
	   .needs = CTS_NEED_CDEV)
{
	char path[64];
	int again;

	vfio_bind(self->device, self->iommufd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->device);
	again = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, again);
	EXPECT_SHUT(again);
	EXPECT_OPEN(self->device);
}

CTS_MAIN
