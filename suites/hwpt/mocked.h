/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests that a mock device is enough for: it is attached to the IOAS `home`, of
 * which the kernel keeps the table, and the tables of the test are made on the IOAS `ioas`.
 */
#ifndef HWPT_MOCKED_H
#define HWPT_MOCKED_H

#include "buffer.h"
#include "hwpt.h"
#include "iommufd.h"
#include "iova.h"
#include "memory.h"
#include "mock.h"
#include "test.h"

/* The lowest IOVA that a mock table has. */
#define IOVA ((uint64_t)MOCK_APERTURE_START)

FIXTURE(mocked)
{
	int iommufd;
	uint32_t home, ioas;
	struct mock mock;
	uint32_t next; /* id that the next object has */
};

FIXTURE_SETUP(mocked)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->home = iommufd_ioas_alloc(self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->home, MOCK_PLAIN, &self->mock);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(mocked)
{
	cts_close(&self->iommufd);
}

/* Nothing came into being, nothing holds the IOAS, and the right call works. */
#define EXPECT_NOTHING_LEFT()                                                          \
	do {                                                                           \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));                  \
		EXPECT_EQ(0, __iommufd_find_device(self->iommufd, self->mock.device)); \
		EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));            \
	} while (0)

#endif
