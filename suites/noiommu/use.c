// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the user of a device behind no IOMMU has: the same calls as for any other, pinned memory,
 * and nothing that only an IOMMU can do.
 */
#include <sys/ioctl.h>

#include "../attach/calls.h"
#include "canary.h"
#include "dma.h"
#include "hwpt.h"
#include "pins.h"
#include "unguarded.h"
#include "viommu.h"

FIXTURE_SETUP(unguarded)
{
	setup_unguarded(_metadata, self);
}

FIXTURE_TEARDOWN(unguarded)
{
	teardown_unguarded(self);
}

CTS_TEST_F(unguarded, calls,
	   .title = "A device behind no IOMMU is bound, attached, replaced, detached and closed",
	   .requirements = { "NOIOMMU-003" },
	   .needs = NEEDS)
{
	uint32_t id = 0, other = iommufd_ioas_alloc(self->iommufd);

	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, &id));
	EXPECT_NE(0, id);
	EXPECT_EQ(-EOPNOTSUPP, __iommufd_hw_info(self->iommufd, id));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, try_attach(self->device, other));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, try_attach(self->device, other));
	cts_close(&self->device);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
	EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(unguarded, pins,
	   .title = "What is mapped for a device behind no IOMMU is pinned until it is unmapped or detached",
	   .requirements = { "NOIOMMU-003" },
	   .needs = NEEDS)
{
	long before = pins_now();

	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, self->ioas);
	map_buffer(self);
	EXPECT_TRUE(pins_become(before + PAGES));
	vfio_detach(self->device);
	EXPECT_TRUE(pins_become(before));
	vfio_attach(self->device, self->ioas);
	EXPECT_TRUE(pins_become(before + PAGES));
	iommufd_unmap(self->iommufd, self->ioas, self->iova, self->buffer.size);
	EXPECT_TRUE(pins_become(before));
}

CTS_TEST_F(unguarded, dma,
	   .title = "The device reaches memory by the physical address that is told for it",
	   .requirements = { "NOIOMMU-004", "NOIOMMU-003" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE)
{
	uint64_t length, physical;
	size_t at, step = page_size();
	uint8_t wrote[64];
	struct dma *dma;

	if (dma_rings_size())
		CTS_SKIP(DEVICE_LACKS, "the device needs rings at IOVAs");
	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, self->ioas);
	map_buffer(self);
	dma = dma_open(self->device, 0);
	canary_fill(self->buffer.memory, self->buffer.size, 1);
	for (at = 0; at < self->buffer.size; at += step) {
		length = sizeof(wrote);
		ASSERT_EQ(0, __noiommu_physical(self->iommufd, self->ioas, self->iova + at, &length,
						&physical));
		ASSERT_EQ(sizeof(wrote), length);
		ASSERT_EQ(0, dma_write(dma, physical, sizeof(wrote), wrote));
		EXPECT_TRUE(canary_holds_only(self->buffer.memory, self->buffer.size, 1, at, wrote,
					      sizeof(wrote)))
		TH_LOG("byte %zu", at);
		canary_fill(self->buffer.memory, self->buffer.size, 1);
	}
	dma_close(dma);
}

CTS_TEST_F(unguarded, nothing_of_an_iommu,
	   .title = "No table with a flag and no virtual IOMMU is made for a device behind no IOMMU",
	   .requirements = { "NOIOMMU-006" },
	   .needs = NEEDS)
{
	static const uint32_t flags[] = {
		IOMMU_HWPT_ALLOC_NEST_PARENT,
		IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		HWPT_ALLOC_PASID,
	};
	uint32_t id = vfio_bind(self->device, self->iommufd), hwpt = 0, viommu, type;
	uint64_t data[8] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-EOPNOTSUPP, __iommufd_hwpt_alloc_flags(self->iommufd, id, self->ioas,
								  flags[i], &hwpt))
		TH_LOG("flags %#x", flags[i]);
	}
	EXPECT_EQ(-EOPNOTSUPP, __hwpt_alloc_data(self->iommufd, id, self->ioas, 0, 1, data,
						 sizeof(data), &hwpt));
	ASSERT_EQ(0, __iommufd_hwpt_alloc(self->iommufd, id, self->ioas, &hwpt));
	for (type = 1; type < 4; type++) {
		EXPECT_EQ(-EOPNOTSUPP, __viommu_alloc(self->iommufd, id, hwpt, type, data,
						      sizeof(data), &viommu))
		TH_LOG("type %u", type);
	}
	EXPECT_EQ(0, try_attach(self->device, hwpt));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
}

CTS_TEST_F(unguarded, no_fault_queue,
	   .title = "No table with a fault queue is made for a device behind no IOMMU",
	   .requirements = { "NOIOMMU-006" },
	   .needs = NEEDS)
{
	uint32_t id = vfio_bind(self->device, self->iommufd), queue, hwpt;
	int fd, rc = __iommufd_fault_queue_alloc(self->iommufd, &queue, &fd);

	if (rc == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "fault queues");
	ASSERT_EQ(0, rc);
	EXPECT_EQ(-EOPNOTSUPP,
		  __iommufd_hwpt_alloc_fault(self->iommufd, id, self->ioas, queue, &hwpt));
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
}

#ifdef VFIO_DEVICE_ATTACH_PASID
static int attach_pasid(int device, uint32_t pasid, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt args = {
		.argsz = sizeof(args),
		.flags = VFIO_DEVICE_ATTACH_PASID,
		.pt_id = pt_id,
		.pasid = pasid,
	};

	return ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args) ? -errno : 0;
}
#endif

CTS_TEST_F(unguarded, no_pasid,
	   .title = "No PASID of a device behind no IOMMU is attached to anything",
	   .requirements = { "NOIOMMU-006" },
	   .needs = NEEDS)
{
#ifdef VFIO_DEVICE_ATTACH_PASID
	uint32_t id = vfio_bind(self->device, self->iommufd);
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, id, self->ioas);

	EXPECT_EQ(-EINVAL, attach_pasid(self->device, 1, self->ioas));
	EXPECT_EQ(-EINVAL, attach_pasid(self->device, 1, hwpt));
	vfio_attach(self->device, self->ioas);
	EXPECT_EQ(-EINVAL, attach_pasid(self->device, 1, hwpt));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
#else
	CTS_SKIP(BUILT_WITHOUT, "VFIO_DEVICE_ATTACH_PASID");
#endif
}

CTS_MAIN
