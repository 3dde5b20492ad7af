/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the tests of an export: the device, bound, with a BAR of a page or more. */
#ifndef DMABUF_EXPORT_H
#define DMABUF_EXPORT_H

#include <fcntl.h>

#include "../pci/bound.h"
#include "dmabuf.h"

FIXTURE(export)
{
	struct bound bound;
	uint32_t bar;  /* a memory BAR of at least a page */
	uint64_t size; /* of it, whole pages */
	uint64_t page;
	int next_fd; /* the number that the next descriptor has if there is none more by then */
};

static inline int next_descriptor(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	cts_lab_require(fd >= 0, "fcntl F_DUPFD_CLOEXEC");
	close(fd);
	return fd;
}

FIXTURE_SETUP(export)
{
	const struct function *function = &self->bound.function;

	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
	DMABUF_OR_SKIP(self->bound.device);
	self->page = page_size();
	for (self->bar = 0; self->bar < FUNCTION_BARS; self->bar++) {
		const struct vfio_region_info *region = &function->region[self->bar];

		if (region->flags & VFIO_REGION_INFO_FLAG_MMAP && region->size >= self->page)
			break;
	}
	if (self->bar == FUNCTION_BARS)
		CTS_SKIP(DEVICE_LACKS, "no region of a page can be mapped");
	self->size = function->region[self->bar].size / self->page * self->page;
	self->next_fd = next_descriptor();
}

FIXTURE_TEARDOWN(export)
{
	bound_close(&self->bound);
}

/* What becomes of @request; a descriptor that it gives is closed, and is -EISNAM then. */
static inline int refusal(const FIXTURE_DATA(export) * self, const struct dmabuf_request *request)
{
	int fd = __dmabuf_export(self->bound.device, request);

	if (fd < 0)
		return fd;
	cts_close(&fd);
	return -EISNAM;
}

#define EXPECT_REFUSED(error, request) EXPECT_EQ(-(error), refusal(self, &(request)))

/* No refusal left a descriptor behind, and what is right is exported. */
static inline void check_unharmed(struct __test_metadata *_metadata,
				  const FIXTURE_DATA(export) * self)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);
	int fd;

	EXPECT_EQ(self->next_fd, next_descriptor());
	fd = __dmabuf_export(self->bound.device, &request);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->page, lseek(fd, 0, SEEK_END));
	cts_close(&fd);
}

#endif
