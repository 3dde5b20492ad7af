/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device's BARs as dma-bufs, for other devices to reach (include/uapi/linux/vfio.h,
 * VFIO_DEVICE_FEATURE_DMA_BUF).
 */
#ifndef CTS_DMABUF_H
#define CTS_DMABUF_H

#include <stddef.h>
#include <stdint.h>

/* The most ranges that a test asks for. */
#define DMABUF_RANGES 4

/* The argument: struct vfio_device_feature with struct vfio_device_feature_dma_buf behind it. */
struct dmabuf_request {
	uint32_t argsz;
	uint32_t feature; /* and the operation */
	uint32_t region;
	uint32_t open_flags;
	uint32_t flags;
	uint32_t count;
	struct {
		uint64_t offset;
		uint64_t length;
	} range[DMABUF_RANGES];
};

/* A request for the @length bytes at @offset of region @region, to read and to write. */
struct dmabuf_request dmabuf_request(uint32_t region, uint64_t offset, uint64_t length);

/* The bytes of @request that count: the header, and the ranges that it says it has. */
size_t dmabuf_request_size(const struct dmabuf_request *request);

/*
 * VFIO_DEVICE_FEATURE of the bound file @device with @request, which may be any address: a new
 * descriptor, or -errno. -ENOTTY where the kernel has no such feature, or the headers.
 */
int __dmabuf_export(int device, const void *request);
int dmabuf_export(int device, uint32_t region, uint64_t offset, uint64_t length);

/* In a setup: skips the test where BARs can't be exported. */
#define DMABUF_OR_SKIP(device)                                                            \
	do {                                                                              \
		struct dmabuf_request __none = dmabuf_request(0, 0, 0);                   \
                                                                                          \
		if (__dmabuf_export(device, &__none) == -ENOTTY)                          \
			CTS_SKIP(KERNEL_LACKS, "no VFIO_DEVICE_FEATURE_DMA_BUF, or none " \
					       "in the headers");                         \
	} while (0)

#endif
