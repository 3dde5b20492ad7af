// SPDX-License-Identifier: GPL-2.0-only
/* A BAR as a dma-buf: what the descriptor is like. */
#include <sys/mman.h>

#include "export.h"

CTS_TEST_F(export, is_as_large_as_asked,
	   .title = "The dma-buf of a page, of all of a BAR and of several pieces has just their size",
	   .requirements = { "DMABUF-001" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->size);
	uint64_t last = self->size - self->page;
	int fd = dmabuf_export(self->bound.device, self->bar, 0, self->size);
	uint32_t i;

	EXPECT_EQ(self->size, lseek(fd, 0, SEEK_END));
	cts_close(&fd);
	fd = dmabuf_export(self->bound.device, self->bar, last, self->page);
	EXPECT_EQ(self->page, lseek(fd, 0, SEEK_END));
	cts_close(&fd);
	for (i = 0; i < DMABUF_RANGES; i++) {
		request.range[i].offset = i % 2 ? last : 0;
		request.range[i].length = self->page;
	}
	request.count = DMABUF_RANGES;
	fd = __dmabuf_export(self->bound.device, &request);
	ASSERT_LE(0, fd);
	EXPECT_EQ(DMABUF_RANGES * self->page, lseek(fd, 0, SEEK_END));
	cts_close(&fd);
}

CTS_TEST_F(export, is_opened_as_asked,
	   .title = "The descriptor can be read, written and inherited as open_flags say",
	   .requirements = { "DMABUF-001" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t flags[] = { O_RDONLY, O_RDWR, O_RDWR | O_CLOEXEC, O_CLOEXEC };
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd;

		request.open_flags = flags[i];
		fd = __dmabuf_export(self->bound.device, &request);
		ASSERT_LE(0, fd);
		EXPECT_EQ(flags[i] & O_ACCMODE, fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(flags[i] & O_CLOEXEC ? FD_CLOEXEC : 0, fcntl(fd, F_GETFD))
		TH_LOG("flags %#o", flags[i]);
		cts_close(&fd);
	}
}

CTS_TEST_F(export, probe_makes_nothing,
	   .title = "PROBE returns 0 and no descriptor, and a SET is EINVAL",
	   .requirements = { "DMABUF-001", "FEAT-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct dmabuf_request request = dmabuf_request(self->bar, 0, self->page);
	const uint32_t feature = request.feature & VFIO_DEVICE_FEATURE_MASK;

	request.feature = feature | VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET;
	EXPECT_EQ(0, ioctl(self->bound.device, VFIO_DEVICE_FEATURE, &request));
	request.feature = feature | VFIO_DEVICE_FEATURE_SET;
	EXPECT_REFUSED(EINVAL, request);
	check_unharmed(_metadata, self);
}

CTS_TEST_F(export, cant_be_mapped_by_the_processor,
	   .title = "mmap of the dma-buf of a BAR is EINVAL, shared or private",
	   .requirements = { "DMABUF-005" },
	   .needs = CTS_NEED_CDEV)
{
	int fd = dmabuf_export(self->bound.device, self->bar, 0, self->page);

	errno = 0;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	errno = 0;
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EINVAL, errno);
	cts_close(&fd);
}

CTS_MAIN
