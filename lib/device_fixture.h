/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fixtures of tests that need a real device and none of its DMA begin with: the device,
 * bound to a new iommufd and attached to nothing, and an empty IOAS.
 *
 *     FIXTURE(example)
 *     {
 *             DEVICE_FIELDS;
 *             ...
 *     };
 */
#ifndef CTS_DEVICE_FIXTURE_H
#define CTS_DEVICE_FIXTURE_H

#include "iommufd.h"
#include "test.h"
#include "vfio.h"

#define DEVICE_FIELDS                    \
	struct vfio_layout layout;       \
	int iommufd;                     \
	int device;                      \
	uint32_t id; /* of the device */ \
	uint32_t ioas

/* In a setup: checks the needs, and makes what is in these fields. */
#define DEVICE_SETUP_OR_SKIP(self)                                       \
	do {                                                             \
		CTS_CHECK_NEEDS();                                       \
		VFIO_SURVEY_OR_SKIP(&(self)->layout);                    \
		(self)->iommufd = iommufd_open();                        \
		(self)->device = vfio_open();                            \
		(self)->id = vfio_bind((self)->device, (self)->iommufd); \
		(self)->ioas = iommufd_ioas_alloc((self)->iommufd);      \
	} while (0)

/* In a teardown: closes both files; those that a test has closed are fine. */
#define DEVICE_TEARDOWN(self)                \
	do {                                 \
		cts_close(&(self)->device);  \
		cts_close(&(self)->iommufd); \
	} while (0)

#endif
