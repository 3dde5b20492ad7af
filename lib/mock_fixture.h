/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fixtures of tests that a mock device is enough for begin with: the device, attached to
 * the IOAS `home`, of which the kernel keeps the table, and the IOAS `ioas`, which nothing uses.
 *
 *     FIXTURE(example)
 *     {
 *             MOCK_FIELDS;
 *             ...
 *     };
 */
#ifndef CTS_MOCK_FIXTURE_H
#define CTS_MOCK_FIXTURE_H

#include "iommufd.h"
#include "mock.h"
#include "test.h"

#define MOCK_FIELDS          \
	int iommufd;         \
	uint32_t home, ioas; \
	struct mock mock

/* In a setup: checks the needs, and makes what is in these fields. The iommufd is the test's. */
#define MOCK_SETUP_OR_SKIP(self)                                                     \
	do {                                                                         \
		CTS_CHECK_NEEDS();                                                   \
		(self)->iommufd = iommufd_open();                                    \
		(self)->home = iommufd_ioas_alloc((self)->iommufd);                  \
		(self)->ioas = iommufd_ioas_alloc((self)->iommufd);                  \
		mock_open((self)->iommufd, (self)->home, MOCK_PLAIN, &(self)->mock); \
	} while (0)

#endif
