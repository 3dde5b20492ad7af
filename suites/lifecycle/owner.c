// SPDX-License-Identifier: GPL-2.0-only
/*
 * One device, one owner after the other: iommufds by the character device, the group's file, a
 * driver of the kernel. Each gets the device as soon as the one before has let go, and none meets
 * what another has mapped: all map memory of their own at the same IOVA, and the device writes
 * there.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "iommufd.h"
#include "memory.h"
#include "removal.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define KERNEL_DRIVER "uio_pci_generic"

enum {
	FIRST,
	SECOND,
	BY_GROUP,
	OWNERS,
};

FIXTURE(owner)
{
	struct vfio_layout layout;
	struct removal_before before;
	struct buffer memory[OWNERS]; /* one page each */
	int iommufd[OWNERS];
	uint32_t ioas[OWNERS];
	uint64_t iova;
	uint64_t rings;
	unsigned int distrusted;
};

FIXTURE_SETUP(owner)
{
	int i;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	removal_remember(&self->before);
	self->distrusted = dut_distrusted();
	for (i = 0; i < OWNERS; i++) {
		buffer_alloc(&self->memory[i], BUFFER_BASE, page_size());
		self->iommufd[i] = iommufd_open();
	}
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(owner)
{
	removal_undo(&self->before);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE)

/* Does a write of @device land in the memory of @owner, and in no other's? */
static bool writes_to_its_own(FIXTURE_DATA(owner) * self, int device, int owner)
{
	struct dma *dma = dma_open(device, self->rings);
	size_t length = dma_write_limits(dma)->smallest, size = page_size();
	uint8_t *wrote = malloc(length);
	bool right = true;
	int i;

	cts_lab_require(wrote, "memory for %zu bytes", length);
	dma_distrust(dma, self->distrusted);
	dma_map_rings(dma, self->iommufd[owner], self->ioas[owner]);
	for (i = 0; i < OWNERS; i++)
		canary_fill(self->memory[i].memory, size, (uint8_t)i);
	cts_require(!dma_write(dma, self->iova, length, wrote), "a write of owner %d", owner);
	for (i = 0; i < OWNERS; i++)
		right &= i == owner ? canary_holds_only(self->memory[i].memory, size, (uint8_t)i, 0,
							wrote, length)
				    : canary_intact(self->memory[i].memory, size, (uint8_t)i);
	dma_unmap_rings(dma, self->iommufd[owner], self->ioas[owner]);
	dma_close(dma);
	free(wrote);
	return right;
}

/* Maps the memory of @owner, the first time, where all do. */
static void map_own(FIXTURE_DATA(owner) * self, int owner)
{
	struct iova_space space;

	if (!self->iova) {
		iova_init(&space, self->iommufd[owner], self->ioas[owner], dma_highest_iova());
		self->iova = iova_alloc(&space, page_size(), page_size());
		if (dma_rings_size())
			self->rings = iova_alloc(&space, dma_rings_size(), page_size());
		iova_exit(&space);
	}
	iommufd_map(self->iommufd[owner], self->ioas[owner], self->memory[owner].memory,
		    page_size(), self->iova);
}

/* Opens, binds and attaches the device for @owner, which has been the owner before or not. */
static int take(FIXTURE_DATA(owner) * self, int owner)
{
	int device = vfio_open();
	bool again = self->ioas[owner];

	vfio_bind(device, self->iommufd[owner]);
	if (!again)
		self->ioas[owner] = iommufd_ioas_alloc(self->iommufd[owner]);
	vfio_attach(device, self->ioas[owner]);
	if (!again)
		map_own(self, owner);
	return device;
}

CTS_TEST_F(owner, iommufds,
	   .title = "iommufds that have a device in turn each have it write to their own memory, back to the first",
	   .requirements = { "LIFE-014" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	static const int owners[] = { FIRST, SECOND, FIRST };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		int device = take(self, owners[i]);

		EXPECT_TRUE(writes_to_its_own(self, device, owners[i]));
		cts_close(&device);
	}
}

CTS_TEST_F(owner, group,
	   .title = "The group's file and an iommufd have the device in turn, each writes to its own memory",
	   .requirements = { "LIFE-014" },
	   .needs = NEEDS | CTS_NEED_GROUP,
	   .timeout_s = 60)
{
	struct iommu_vfio_ioas get = { .size = sizeof(get), .op = IOMMU_VFIO_IOAS_GET };
	int device = take(self, FIRST), group;

	cts_close(&device);
	group = vfio_group_open();
	device = vfio_group_device(group, self->iommufd[BY_GROUP]);
	ASSERT_EQ(0, ioctl(self->iommufd[BY_GROUP], IOMMU_VFIO_IOAS, &get));
	self->ioas[BY_GROUP] = get.ioas_id;
	map_own(self, BY_GROUP);
	EXPECT_TRUE(writes_to_its_own(self, device, BY_GROUP));
	cts_close(&device);
	cts_close(&group);

	device = take(self, FIRST);
	EXPECT_TRUE(writes_to_its_own(self, device, FIRST));
	cts_close(&device);
}

CTS_TEST_F(owner, kernel_driver,
	   .title = "A driver of the kernel can have a device after its user and before the next, who finds the old mappings at work",
	   .requirements = { "LIFE-014" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	int device, result;

	if (access("/sys/bus/pci/drivers/" KERNEL_DRIVER, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no driver " KERNEL_DRIVER);
	device = take(self, FIRST);
	cts_close(&device);
	ASSERT_EQ(0, __sysfs_tell_driver(self->before.driver, "unbind", sysfs_device()));
	ASSERT_EQ(0, __sysfs_set_attribute("driver_override", KERNEL_DRIVER));
	result = __sysfs_tell_driver(KERNEL_DRIVER, "bind", sysfs_device());
	/* Whatever it may dislike in the device, it is not somebody else's. */
	EXPECT_NE(-EBUSY, result) TH_LOG("bind gave %d", result);
	removal_undo(&self->before);

	device = take(self, FIRST);
	EXPECT_TRUE(writes_to_its_own(self, device, FIRST));
	cts_close(&device);
	device = take(self, SECOND);
	EXPECT_TRUE(writes_to_its_own(self, device, SECOND));
	cts_close(&device);
}

CTS_MAIN
