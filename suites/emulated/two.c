// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two mediated devices of one parent: nothing of one depends on the other, and in one IOAS each has
 * pins of its own.
 */
#include "gates.h"
#include "mediated.h"
#include "pins.h"
#include "sysfs.h"

/* The other one, to @other; a test that needs it begins so. */
#define OTHER_OR_SKIP(self, other)                                               \
	do {                                                                     \
		*(other) = __vfio_open_other();                                  \
		if (*(other) < 0)                                                \
			CTS_SKIP(ONE_GROUP, "no other mediated device is here"); \
	} while (0)

CTS_TEST_F(mediated, bound_to_two,
	   .title = "Two mediated devices are bound to two iommufds, and one goes on when the other is closed",
	   .requirements = { "MDEV-007" },
	   .needs = NEEDS)
{
	int device, iommufd = iommufd_open();
	uint32_t ioas = iommufd_ioas_alloc(iommufd);

	OTHER_OR_SKIP(self, &device);
	EXPECT_EQ(0, __vfio_bind(device, iommufd, NULL));
	EXPECT_EQ(0, try_attach(device, ioas));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(iommufd, ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	cts_close(&device);
	EXPECT_EQ(0, __iommufd_destroy(iommufd, ioas));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	cts_close(&iommufd);
}

CTS_TEST_F(mediated, group_of_its_own,
	   .title = "A mediated device has a group that nobody else is in, and its parent's driver stays as it is",
	   .requirements = { "MDEV-007" },
	   .needs = NEEDS | CTS_NEED_GROUP)
{
	char siblings[1][SYSFS_BDF], own[SYSFS_PATH], other[SYSFS_BDF], its[SYSFS_PATH];

	EXPECT_EQ(0, __sysfs_siblings(siblings, 1));
	if (__sysfs_other_group(other))
		CTS_SKIP(ONE_GROUP, "no other mediated device is here");
	ASSERT_EQ(0, __sysfs_group_path(own));
	ASSERT_EQ(0, __sysfs_group_path_of(other, its));
	EXPECT_NE(0, strcmp(own, its));
}

/* Pins the first two pages with both devices, in one IOAS. */
static void pin_with_both(FIXTURE_DATA(mediated) * self, int device)
{
	vfio_bind(device, self->iommufd);
	MAP(self, self->ioas, 0, 1);
	MAP(self, self->ioas, 1, 1);
	vfio_attach(self->device, self->ioas);
	vfio_attach(device, self->ioas);
	cts_require(!DO(self, PIN_WRITE, self->iova, 2 * self->page), "pinning");
	cts_require(!engine_do(device, &self->layout, CTS_MDEV_PIN_WRITE, self->iova,
			       2 * self->page),
		    "pinning with the other");
}

/*
 * First line of a test in which both pin. The other's layout is taken for this one's, which is true
 * of the devices of fixtures/mdev; the host's description names two that pin first.
 */
#define BOTH_OR_SKIP(self, device)           \
	do {                                 \
		PINS_OR_SKIP(self);          \
		OTHER_OR_SKIP(self, device); \
	} while (0)

CTS_TEST_F(mediated, both_are_told,
	   .title = "In one IOAS both are told of an unmapping, and it takes the pins of both",
	   .requirements = { "MDEV-006" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	const long pages = pins_now();
	int device;

	BOTH_OR_SKIP(self, &device);
	pin_with_both(self, device);
	EXPECT_EQ(pages + 2, pins_now());
	iommufd_unmap(self->iommufd, self->ioas, self->iova, self->page);
	EXPECT_EQ(1, REGISTER(self, NOTICES));
	EXPECT_EQ(1, engine_get(device, &self->layout, CTS_MDEV_NOTICES));
	EXPECT_EQ(0, REGISTER(self, PINNED));
	EXPECT_EQ(0, engine_get(device, &self->layout, CTS_MDEV_PINNED));
	EXPECT_EQ(pages, pins_now());
	cts_close(&device);
}

CTS_TEST_F(mediated, one_leaves,
	   .title = "In one IOAS a detach, a replace or the close of one leaves the other its pins",
	   .requirements = { "MDEV-006", "MDEV-007", "MDEV-011" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	const long pages = pins_now();
	uint32_t ioas;
	int device;

	BOTH_OR_SKIP(self, &device);
	pin_with_both(self, device);
	ioas = iommufd_ioas_alloc(self->iommufd);
	EXPECT_EQ(0, try_attach(device, ioas));
	EXPECT_EQ(1, engine_get(device, &self->layout, CTS_MDEV_NOTICES));
	EXPECT_EQ(0, engine_get(device, &self->layout, CTS_MDEV_PINNED));
	EXPECT_EQ(0, REGISTER(self, NOTICES));
	EXPECT_EQ(0, DO(self, READ_PINNED, self->iova, 2 * self->page));
	EXPECT_EQ(pages + 2, pins_now());

	EXPECT_EQ(0, try_attach(device, self->ioas));
	EXPECT_EQ(0, engine_do(device, &self->layout, CTS_MDEV_PIN_READ, self->iova, self->page));
	cts_close(&device);
	EXPECT_EQ(0, REGISTER(self, NOTICES));
	EXPECT_EQ(0, DO(self, READ_PINNED, self->iova, 2 * self->page));
	EXPECT_EQ(pages + 2, pins_now());
	EXPECT_EQ(2 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(pages, pins_now());
}

CTS_MAIN
