// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "check.h"
#include "dmabuf.h"

#define HEADER offsetof(struct dmabuf_request, range)

#ifdef VFIO_DEVICE_FEATURE_DMA_BUF

#define EXPORT (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF)

_Static_assert(HEADER == sizeof(struct vfio_device_feature) +
				 sizeof(struct vfio_device_feature_dma_buf),
	       "the layout of struct vfio_device_feature_dma_buf is ABI");

int __dmabuf_export(int device, const void *request)
{
	int fd = ioctl(device, VFIO_DEVICE_FEATURE, request);

	return fd < 0 ? -errno : fd;
}

#else

#define EXPORT VFIO_DEVICE_FEATURE_GET

int __dmabuf_export(int device, const void *request)
{
	(void)device, (void)request;
	return -ENOTTY;
}

#endif

struct dmabuf_request dmabuf_request(uint32_t region, uint64_t offset, uint64_t length)
{
	return (struct dmabuf_request){
		.argsz = sizeof(struct dmabuf_request),
		.feature = EXPORT,
		.region = region,
		.open_flags = O_RDWR | O_CLOEXEC,
		.count = 1,
		.range[0] = { .offset = offset, .length = length },
	};
}

size_t dmabuf_request_size(const struct dmabuf_request *request)
{
	return HEADER + request->count * sizeof(request->range[0]);
}

int dmabuf_export(int device, uint32_t region, uint64_t offset, uint64_t length)
{
	struct dmabuf_request request = dmabuf_request(region, offset, length);
	int fd = __dmabuf_export(device, &request);

	errno = fd < 0 ? -fd : 0;
	cts_require(fd >= 0, "a dma-buf of region %u", region);
	return fd;
}
