/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests that take no device: a context with an IOAS that has no table. What is
 * mapped there is only written down; no memory is pinned, and bytes count, not pages.
 */
#ifndef IOAS_BARE_H
#define IOAS_BARE_H

#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "memory.h"
#include "test.h"

/* Pages of memory that a test has to map, from a memfd. */
#define BARE_PAGES 16

FIXTURE(bare)
{
	int iommufd;
	uint32_t ioas;
	size_t page;
	int memfd;
	char *memory;
};

FIXTURE_SETUP(bare)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	self->page = page_size();
	self->memfd = memfd_create("ioas", MFD_CLOEXEC);
	ASSERT_LE(0, self->memfd);
	ASSERT_EQ(0, ftruncate(self->memfd, (off_t)(BARE_PAGES * self->page)));
	self->memory = mmap(NULL, BARE_PAGES * self->page, PROT_READ | PROT_WRITE, MAP_SHARED,
			    self->memfd, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
}

FIXTURE_TEARDOWN(bare)
{
	cts_close(&self->iommufd);
	cts_close(&self->memfd);
	munmap(self->memory, BARE_PAGES * self->page);
}

#endif
