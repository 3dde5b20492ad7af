/* SPDX-License-Identifier: GPL-2.0-only */
/* A device that was taken away under a test and is back: the test goes on with it. */
#ifndef LIFECYCLE_REVIVED_H
#define LIFECYCLE_REVIVED_H

#include "dut.h"
#include "iommufd.h"
#include "memory.h"
#include "vfio.h"

/*
 * Makes the device that came back the one of @dut, attached to the same IOAS, which is empty;
 * @distrusted as dut_distrusted() has it.
 */
static inline void dut_revive(struct dut *dut, unsigned int distrusted)
{
	dut->device = vfio_open();
	dut->device_id = vfio_bind(dut->device, dut->iommufd);
	vfio_attach(dut->device, dut->ioas);
	dut->dma = dma_open(
		dut->device,
		dma_rings_size() ? iova_alloc(&dut->space, dma_rings_size(), page_size()) : 0);
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	dma_distrust(dut->dma, distrusted);
}

#endif
