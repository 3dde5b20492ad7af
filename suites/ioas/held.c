// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a mapping are held as long as there is a table, and not longer. The kernel's count
 * of pinned pages (account.c) is one thing, the pages another: a memfd can't be sealed against
 * writing while anybody holds a page of it (fcntl(2), F_SEAL_WRITE, EBUSY), so sealing tells.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "as_user.h"
#include "bound.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)
#define PAGES 8

/* A memfd of PAGES pages that can be sealed. */
static int sealable(const FIXTURE_DATA(bound) * self)
{
	int fd = memfd_create("ioas", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cts_require(fd >= 0 && !ftruncate(fd, (off_t)(PAGES * self->page)), "a memfd");
	return fd;
}

/* Seals it against writing: 0, or -EBUSY while a page of it is held. */
static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) ? -errno : 0;
}

/* A view of it that a device may write to. */
static char *view_of(const FIXTURE_DATA(bound) * self, int fd)
{
	char *view = mmap(NULL, PAGES * self->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	cts_require(view != MAP_FAILED, "mmap of a memfd");
	return view;
}

/* Maps @pages pages from page @first on by descriptor, at the fixture's IOVA. */
static int map(const FIXTURE_DATA(bound) * self, int fd, size_t first, size_t pages)
{
	uint64_t iova = self->iova;

	return map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, first * self->page,
			pages * self->page, &iova);
}

CTS_TEST_F(bound, by_descriptor,
	   .title = "A file mapped by descriptor is held until it is unmapped, whichever part of it",
	   .requirements = { "PIN-001" },
	   .needs = NEEDS)
{
	const struct {
		size_t first, pages;
	} parts[] = { { 0, PAGES }, { 3, 2 } };
	size_t i;

	MAP_FILE_OR_SKIP(self->iommufd);
	table_on(self, self->ioas);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int fd = sealable(self);

		EXPECT_EQ(0, map(self, fd, parts[i].first, parts[i].pages));
		EXPECT_EQ(-EBUSY, seal(fd));
		EXPECT_EQ(parts[i].pages * self->page,
			  iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_EQ(0, seal(fd));
		cts_close(&fd);
	}
}

CTS_TEST_F(bound, by_address,
	   .title = "Memory mapped by address is held until it is unmapped, also when the process sees it no more",
	   .requirements = { "PIN-001", "ISO-007" },
	   .needs = NEEDS)
{
	int fd = sealable(self);
	char *view = view_of(self, fd);

	table_on(self, self->ioas);
	iommufd_map(self->iommufd, self->ioas, view, PAGES * self->page, self->iova);
	ASSERT_EQ(0, munmap(view, PAGES * self->page));
	EXPECT_EQ(-EBUSY, seal(fd));
	iommufd_unmap(self->iommufd, self->ioas, self->iova, PAGES * self->page);
	EXPECT_EQ(0, seal(fd));
	cts_close(&fd);
}

CTS_TEST_F(bound, by_the_last_copy,
	   .title = "Of a mapping that was copied in part that part is held until the last copy goes",
	   .requirements = { "PIN-001", "COPY-001" },
	   .needs = NEEDS)
{
	const uint32_t other = iommufd_ioas_alloc(self->iommufd);
	const uint64_t page = self->page;
	int fd = sealable(self);

	MAP_FILE_OR_SKIP(self->iommufd);
	table_on(self, self->ioas);
	table_on(self, other);
	EXPECT_EQ(0, map(self, fd, 0, PAGES));
	iommufd_copy(self->iommufd, other, self->ioas, 2 * page, self->iova + 3 * page, self->iova);
	iommufd_copy(self->iommufd, other, self->ioas, 2 * page, self->iova + 4 * page,
		     self->iova + PAGES * page);
	iommufd_unmap(self->iommufd, self->ioas, self->iova, PAGES * page);
	EXPECT_EQ(-EBUSY, seal(fd));
	iommufd_unmap(self->iommufd, other, self->iova, 2 * page);
	EXPECT_EQ(-EBUSY, seal(fd));
	iommufd_unmap(self->iommufd, other, self->iova + PAGES * page, 2 * page);
	EXPECT_EQ(0, seal(fd));
	cts_close(&fd);
}

CTS_TEST_F(bound, by_the_last_table,
	   .title = "Of several tables the last one holds what is mapped, and lets go of it when it goes",
	   .requirements = { "PIN-001", "ISO-012" },
	   .needs = NEEDS)
{
	uint32_t first = table_on(self, self->ioas), second = table_on(self, self->ioas);
	int fd = sealable(self);

	MAP_FILE_OR_SKIP(self->iommufd);
	EXPECT_EQ(0, map(self, fd, 0, PAGES));
	iommufd_destroy(self->iommufd, first);
	EXPECT_EQ(-EBUSY, seal(fd));
	iommufd_destroy(self->iommufd, second);
	EXPECT_EQ(0, seal(fd));
	cts_close(&fd);
}

CTS_TEST_F(bound, by_open_files,
	   .title = "Closing context and device lets go of what is mapped",
	   .requirements = { "PIN-001" },
	   .needs = NEEDS)
{
	int fd = sealable(self);

	MAP_FILE_OR_SKIP(self->iommufd);
	table_on(self, self->ioas);
	EXPECT_EQ(0, map(self, fd, 0, PAGES));
	cts_close(&self->iommufd);
	EXPECT_EQ(-EBUSY, seal(fd));
	cts_close(&self->device);
	EXPECT_EQ(0, seal(fd));
	cts_close(&fd);
}

CTS_TEST_F(bound, not_by_a_refusal,
	   .title = "A mapping that is refused, beyond the end, over the limit or for a hole, holds nothing",
	   .requirements = { "PIN-001", "MAP-013" },
	   .needs = NEEDS)
{
	int fd = sealable(self);
	char *view = view_of(self, fd);

	MAP_FILE_OR_SKIP(self->iommufd);
	table_on(self, self->ioas);
	EXPECT_EQ(-EINVAL, map(self, fd, 0, PAGES + 1));
	if (as_user(_metadata, PRIVILEGE_NOBODY, PAGES - 1)) {
		EXPECT_EQ(-ENOMEM, map(self, fd, 0, PAGES));
		EXPECT_EQ(-ENOMEM, __iommufd_map(self->iommufd, self->ioas, view,
						 PAGES * self->page, self->iova));
		END_CHILD();
	}
	ASSERT_EQ(0, mprotect(view + (PAGES - 2) * self->page, self->page, PROT_NONE));
	EXPECT_EQ(-EFAULT,
		  __iommufd_map(self->iommufd, self->ioas, view, PAGES * self->page, self->iova));
	ASSERT_EQ(0, munmap(view, PAGES * self->page));
	EXPECT_EQ(0, seal(fd));
	cts_close(&fd);
}

CTS_MAIN
