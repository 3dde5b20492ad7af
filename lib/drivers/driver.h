/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver for a test device has to offer (dma.h says what the calls mean). One file a device;
 * docs/adding-a-driver.md says how to write one. Each file begins with what the device's guarantees
 * rest on: what of it a test may believe, and why.
 */
#ifndef CTS_DRIVER_H
#define CTS_DRIVER_H

#include <stdatomic.h>

#include "dma.h"
#include "function.h"

struct dma {
	const struct dma_driver *driver;
	struct function function;
	void *rings; /* dma_driver.rings_size bytes of zeroed memory, the device's own */
	uint64_t rings_iova;
	int msi_eventfd;	 /* -1: none yet */
	unsigned int distrusted; /* capabilities that did not work where they had to */
	atomic_uint stormed;	 /* writes of storms that have ended; the driver counts */
	void *state;		 /* the driver's, of malloc(): the library frees it */
};

struct dma_driver {
	const char *name;
	unsigned int capabilities;
	bool silent;	   /* the device never learns that an access was refused */
	size_t rings_size; /* bytes; rounded up to pages by the library */
	uint64_t highest_iova;
	struct dma_limits write_limits;
	struct dma_limits read_limits;
	uint64_t access_ns;
	uint64_t refused_ns;
	/*
	 * The interrupt (VFIO_PCI_*_IRQ_INDEX) whose first vector send_msi() sends: the library
	 * switches it on when a test asks for its eventfd. 0: enable_msi() does, if there is one.
	 */
	uint32_t msi_index;
	/* dma_idle_register(); no .size where the driver knows of none. */
	struct dma_register idle;

	/* Is this the driver for vendor:device with this class (24 bits)? */
	bool (*match)(uint16_t vendor, uint16_t device, uint32_t class);
	/* Brings the device up; may not count on its rings being reachable. */
	void (*open)(struct dma *dma);
	/* Stops the device; NULL where nothing goes on by itself. */
	void (*close)(struct dma *dma);
	/* As in dma.h; NULL without the capability. */
	int (*write)(struct dma *dma, uint64_t iova, size_t length, void *wrote);
	int (*read)(struct dma *dma, uint64_t iova, size_t length, void *saw);
	int (*copy)(struct dma *dma, uint64_t from, uint64_t to, size_t length);
	void (*send_msi)(struct dma *dma);
	/* Switches its interrupt on and sets msi_eventfd; NULL: by msi_index. */
	void (*enable_msi)(struct dma *dma);
	void (*raise_intx)(struct dma *dma);
	void (*lower_intx)(struct dma *dma);
	void (*storm_start)(struct dma *dma, uint64_t iova, size_t length);
	int (*storm_stop)(struct dma *dma);
	/* Writes of this storm that have ended; NULL: the driver counts dma->stormed. */
	unsigned int (*storm_rounds)(struct dma *dma);
	void (*make_stubborn)(struct dma *dma);
	int (*pasid_write)(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length,
			   void *wrote);
	int (*pasid_read)(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length, void *saw);
	void (*ask_apart)(struct dma *dma);
	void (*start_write)(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length);
	void (*start_read)(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length);
	bool (*goes_on)(struct dma *dma);
	int (*finish)(struct dma *dma, void *bytes);
	void (*vanish)(struct dma *dma);
	void (*launch)(struct dma *dma, uint64_t iova, size_t length);
	int (*bring_up_vf)(struct dma *pf, unsigned int index);
};

/* Each is listed in lib/dma.c too. */
extern const struct dma_driver dma_driver_edu;
extern const struct dma_driver dma_driver_endpoint;
extern const struct dma_driver dma_driver_endpoint_pasid;
extern const struct dma_driver dma_driver_iommu_testdev;
extern const struct dma_driver dma_driver_nvme;
extern const struct dma_driver dma_driver_nvme_qemu;
extern const struct dma_driver dma_driver_igb;
extern const struct dma_driver dma_driver_dsa;
extern const struct dma_driver dma_driver_ioat;
extern const struct dma_driver dma_driver_nv_falcon;

#endif
