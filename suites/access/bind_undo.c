// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bind that fails leaves nothing behind: the device is closed, nobody owns its DMA, the group is
 * free and the iommufd is not held. The hardest case is the one where all was done and only the id
 * could not be stored.
 */
#include "bind.h"
#include "memory.h"
#include "refused_binds.h"
#include "vfio_group.h"

CTS_TEST_F(bind, unwritable_closes_the_device,
	   .title = "After a bind whose id could not be stored another file can be bound",
	   .requirements = { "BIND-014" },
	   .needs = CTS_NEED_CDEV)
{
	int second = vfio_open();
	int other = iommufd_open();

	EXPECT_EQ(-EFAULT, bind_unwritable(self->device, self->iommufd));
	EXPECT_EQ(0, __vfio_bind(second, other, NULL));
	cts_close(&second);
	cts_close(&other);
}

CTS_TEST_F(bind, unwritable_keeps_the_file_parked,
	   .title = "After a bind whose id could not be stored the same file can be bound",
	   .requirements = { "BIND-014" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EFAULT, bind_unwritable(self->device, self->iommufd));
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, unwritable_leaves_no_id,
	   .title = "A bind whose id could not be stored leaves no device in the iommufd",
	   .requirements = { "BIND-014" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t id;

	EXPECT_EQ(-EFAULT, bind_unwritable(self->device, self->iommufd));
	/* Ids are small numbers. */
	for (id = 1; id <= 256; id++) {
		EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id)) TH_LOG("id %u", id);
	}
}

CTS_TEST_F(bind, unwritable_releases_dma,
	   .title = "After a bind whose id could not be stored nobody owns the group's DMA",
	   .requirements = { "BIND-014" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group;

	EXPECT_EQ(-EFAULT, bind_unwritable(self->device, self->iommufd));
	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_TRUE(vfio_group_is_viable(group));
}

CTS_TEST_F(bind, refused_binds_leave_the_group,
	   .title = "No refused bind keeps the group from being opened",
	   .requirements = { "PARK-025" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int winner, group;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
		const struct refused_bind *refused = &refused_binds[i];

		EXPECT_TRUE(is_refused(refused, self->device, self->iommufd))
		TH_LOG("%s", refused->name);
		group = __vfio_group_open();
		EXPECT_LE(0, group) TH_LOG("after: %s", refused->name);
		cts_close(&group);
	}

	/* Two more that only a bound device refuses. */
	winner = vfio_open();
	vfio_bind(winner, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(winner, self->iommufd, NULL));
	cts_close(&winner);
	group = __vfio_group_open();
	EXPECT_LE(0, group);
}

CTS_TEST_F(bind, refused_binds_drop_the_iommufd,
	   .title = "After refused binds, closing the iommufd releases what was mapped",
	   .requirements = { "PARK-025" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_HARDWARE)
{
	const long before = pinned_kib();
	uint32_t ioas, hwpt, id;
	uint64_t iova;
	int second;
	size_t i;

	/* A page that the iommufd pins until it is gone. */
	id = vfio_bind(self->device, self->iommufd);
	ioas = iommufd_ioas_alloc(self->iommufd);
	ASSERT_EQ(0, __iommufd_hwpt_alloc(self->iommufd, id, ioas, &hwpt));
	iova = iommufd_usable_iova(self->iommufd, ioas, page_size(), page_size());
	iommufd_map(self->iommufd, ioas, guarded_page(), page_size(), iova);
	vfio_attach(self->device, hwpt);
	ASSERT_LT(before, pinned_kib());

	second = vfio_open();
	EXPECT_EQ(-EINVAL, __vfio_bind(second, self->iommufd, NULL));
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	cts_close(&self->device);
	for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
		EXPECT_TRUE(is_refused(&refused_binds[i], second, self->iommufd));
	}

	ASSERT_LT(before, pinned_kib());
	cts_close(&self->iommufd);
	EXPECT_EQ(before, pinned_kib());
	cts_close(&second);
}

CTS_MAIN
