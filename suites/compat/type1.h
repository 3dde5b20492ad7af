/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of a container in use: the device under test opened by its group, in
 * every mode, that is by both files and with both kinds of backend. Nothing is mapped yet.
 */
#ifndef COMPAT_TYPE1_H
#define COMPAT_TYPE1_H

#include "compat.h"

FIXTURE(type1)
{
	struct compat compat;
	bool cuts; /* type1, whose mappings may be unmapped in part */
};

FIXTURE_VARIANT(type1)
{
	enum container_mode mode;
	unsigned long type;
};

FIXTURE_VARIANT_ADD(type1, iommufd_v1)
{ .mode = CONTAINER_IOMMUFD, .type = VFIO_TYPE1_IOMMU };
FIXTURE_VARIANT_ADD(type1, iommufd_v2)
{ .mode = CONTAINER_IOMMUFD, .type = VFIO_TYPE1v2_IOMMU };
FIXTURE_VARIANT_ADD(type1, container_v1)
{ .mode = CONTAINER_VFIO, .type = VFIO_TYPE1_IOMMU };
FIXTURE_VARIANT_ADD(type1, container_v2)
{ .mode = CONTAINER_VFIO, .type = VFIO_TYPE1v2_IOMMU };

#define NEEDS (CTS_NEED_IOMMUFD | CTS_NEED_CDEV | CTS_NEED_GROUP)

/* Each test that wants DMA names what it wants of it, and then finds the device ready. */
#define WANTS_DMA (CTS_NEED_DMA_WRITE | CTS_NEED_DMA_READ | CTS_NEED_DMA_COPY | CTS_NEED_DMA_STORM)

FIXTURE_SETUP(type1)
{
	bool wants_dma = cts_find_test(_metadata->fixture->name, _metadata->name)->needs &
			 WANTS_DMA;
	unsigned int distrusted = 0;

	CTS_CHECK_NEEDS();
	if (wants_dma)
		distrusted = dut_distrusted();
	COMPAT_OPEN_OR_SKIP(&self->compat, variant->mode);
	self->compat.distrusted = distrusted;
	COMPAT_SET_OR_SKIP(&self->compat, variant->type);
	self->cuts = variant->type == VFIO_TYPE1_IOMMU;
	compat_open_device(&self->compat);
	if (wants_dma)
		compat_start_dma(&self->compat);
}

FIXTURE_TEARDOWN(type1)
{
	compat_close(&self->compat);
}

#endif
