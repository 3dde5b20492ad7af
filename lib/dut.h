/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device under test, brought up for DMA: the usual fixture of tests that show something by a
 * device's accesses.
 *
 * Before a device is believed, each capability that its driver claims is tried once in a boot, in
 * the simplest way: an access through a mapping that allows all. What does not work there is the
 * lab's fault (ERROR) in every test that uses it, because a broken device or driver says nothing of
 * the kernel; and `iommu-cts device-test BDF` shows what it is.
 */
#ifndef CTS_DUT_H
#define CTS_DUT_H

#include <stdint.h>

#include "dma.h"
#include "iova.h"
#include "vfio.h"

struct dut {
	int iommufd;
	int device; /* the bound device file */
	uint32_t device_id;
	uint32_t ioas; /* what it is attached to, with the rings mapped; 0: detached */
	/* What the device's IOMMU and the device itself can do, without the rings. */
	struct iova_space space;
	struct dma *dma;
};

/*
 * Opens the device in CTS_DEVICE, binds it to a new iommufd, attaches it to a new IOAS, makes it
 * ready for DMA and maps its rings.
 */
void dut_open(struct dut *dut);

/*
 * The same, but attached to nothing: dut->ioas is 0. The rings' IOVA is chosen all the same, so
 * that dma_map_rings() maps them into whatever IOAS the test makes; and it takes its IOVAs from
 * dut->space, which the ranges of an IOAS that the device was attached to for a moment are in.
 */
void dut_open_detached(struct dut *dut);

/*
 * What the driver of the device in CTS_DEVICE claims and was seen not to do (enum dma_capability),
 * for a test that brings the device up by itself and tells dma_distrust(). The device must be free:
 * where nothing has been tried in this boot, it is now.
 */
unsigned int dut_distrusted(void);

/*
 * Closes the device file under the device, as a process that ends does: nothing is stopped first.
 * The device's mapped BARs, which would keep the file open, are given up with dut->dma.
 */
void dut_close_device(struct dut *dut);

/*
 * Stops the device, closes both files and forgets them. What is all zeroes, never opened, is fine,
 * and so is a device file that was closed.
 */
void dut_close(struct dut *dut);

/*
 * Tries all capabilities of the driver of @dut, which is attached to dut->ioas, through mappings
 * that allow everything. Returns a mask of the ones that worked (enum dma_capability).
 */
unsigned int dut_prove(struct dut *dut);

/* In a setup: skips the test on a host where no device can be bound at all. */
#define DUT_OPEN_OR_SKIP(dut)                   \
	do {                                    \
		struct vfio_layout __layout;    \
                                                \
		VFIO_SURVEY_OR_SKIP(&__layout); \
		dut_open(dut);                  \
	} while (0)

#define DUT_OPEN_DETACHED_OR_SKIP(dut)          \
	do {                                    \
		struct vfio_layout __layout;    \
                                                \
		VFIO_SURVEY_OR_SKIP(&__layout); \
		dut_open_detached(dut);         \
	} while (0)

#endif
