// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a mediated device's pins cost and how long they last: they are charged to the process while
 * they last, and with the device's last close, or the death of its user, they are gone. A driver
 * that can't be told of an unmapping gets none.
 */
#include "pins.h"
#include "../lifecycle/child.h"
#include "mediated.h"
#include "sysfs.h"

CTS_TEST_F(mediated, counted_while_pinned,
	   .title = "Mapped memory is pinned and counted page by page, while the device has it pinned",
	   .requirements = { "ACCT-005", "MDEV-011" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	const long kib = (long)self->page / 1024, before = pinned_kib();

	PINS_OR_SKIP(self);
	MAP(self, self->ioas, 0, 4);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(before, pinned_kib());
	EXPECT_EQ(0, DO(self, READ, self->iova, 4 * self->page));
	EXPECT_EQ(before, pinned_kib());
	EXPECT_EQ(0, DO(self, PIN_READ, AT(self, 1), 2 * self->page));
	EXPECT_EQ(before + 2 * kib, pinned_kib());
	/* Of a page that is pinned already nothing more. */
	EXPECT_EQ(0, DO(self, PIN_READ, AT(self, 2), 2 * self->page));
	EXPECT_EQ(before + 3 * kib, pinned_kib());
	EXPECT_EQ(0, DO(self, UNPIN, AT(self, 1), 1));
	EXPECT_EQ(before + 2 * kib, pinned_kib());
	iommufd_unmap_all(self->iommufd, self->ioas);
	EXPECT_EQ(before, pinned_kib());
}

CTS_TEST_F(mediated, close_lets_go,
	   .title = "After the last close none of the device's pins are left, and its IOAS can go",
	   .requirements = { "MDEV-011" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	const long before = pinned_kib(), pages = pins_now();

	PINS_OR_SKIP(self);
	MAP(self, self->ioas, 0, PAGES);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, DO(self, PIN_WRITE, self->iova, PAGES * self->page));
	EXPECT_EQ(0, DO(self, PIN_READ, AT(self, 3), self->page));
	EXPECT_EQ(pages + PAGES, pins_now());
	cts_close(&self->device);
	EXPECT_EQ(before, pinned_kib());
	EXPECT_TRUE(pins_become(pages));
	EXPECT_EQ(PAGES * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

struct user {
	FIXTURE_DATA(mediated) * self;
	volatile bool *has_pinned;
};

static void pin_and_wait(void *argument)
{
	const struct user *user = argument;
	FIXTURE_DATA(mediated) *self = user->self;

	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	vfio_bind(self->device, self->iommufd);
	MAP(self, self->ioas, 0, PAGES);
	vfio_attach(self->device, self->ioas);
	*user->has_pinned = !DO(self, PIN_WRITE, self->iova, PAGES * self->page);
	for (;;)
		pause();
}

CTS_TEST_F(mediated, death_lets_go,
	   .title = "When its user is killed none of the device's pins are left, and the device can be had again",
	   .requirements = { "MDEV-011" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	const long pages = pins_now();
	struct user user = { self, child_share(sizeof(bool)) };
	pid_t child;
	int status;

	PINS_OR_SKIP(self);
	cts_close(&self->device);
	cts_close(&self->iommufd);
	child = child_start(pin_and_wait, &user);
	child_await(child, user.has_pinned);
	EXPECT_EQ(pages + PAGES, pins_now());
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(pins_become(pages));
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0, REGISTER(self, PINNED));
}

CTS_TEST_F(mediated, deaf_driver,
	   .title = "A driver that can't be told of an unmapping copies, but pins nothing: EINVAL",
	   .requirements = { "MDEV-010" },
	   .needs = NEEDS)
{
	char type[SYSFS_PATH];

	ENGINE_OR_SKIP(self);
	cts_require(!__sysfs_attribute("mdev_type/name", type), "the device's type");
	if (strcmp(type, CTS_MDEV_TYPE_DEAF))
		CTS_SKIP(DEVICE_LACKS, "its driver is told of unmappings");
	MAP(self, self->ioas, 0, 1);
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EINVAL, DO(self, PIN_READ, self->iova, self->page));
	EXPECT_EQ(-EINVAL, DO(self, PIN_WRITE, self->iova, self->page));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(0, DO(self, READ, self->iova, self->page));
	iommufd_unmap(self->iommufd, self->ioas, self->iova, self->page);
	EXPECT_EQ(0, REGISTER(self, NOTICES));
	EXPECT_EQ(0, __vfio_detach(self->device));
}

CTS_MAIN
