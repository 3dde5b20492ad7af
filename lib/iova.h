/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handing out IOVAs of an IOAS: from the ranges that the kernel reports (IOMMU_IOAS_IOVA_RANGES),
 * never from what a platform is believed to reserve. Addresses and lengths are in bytes.
 */
#ifndef CTS_IOVA_H
#define CTS_IOVA_H

#include <linux/iommufd.h>
#include <stdint.h>

struct iova_space {
	struct iommu_iova_range *ranges; /* ascending; what has not been handed out of them */
	uint32_t count;
	uint64_t alignment; /* what the kernel demands of fixed IOVAs (out_iova_alignment) */
};

/*
 * Asks for the ranges of @ioas as they are now and keeps those up to @highest: the highest IOVA
 * that the device can put out (dma_highest_iova()), UINT64_MAX for any. Attach the device first:
 * before that the IOAS does not know what the device's IOMMU reserves.
 */
void iova_init(struct iova_space *space, int iommufd, uint32_t ioas, uint64_t highest);

/*
 * The same of @count ranges that the caller has from elsewhere, ascending and from malloc(): they
 * are @space's from now on.
 */
void iova_init_ranges(struct iova_space *space, struct iommu_iova_range *ranges, uint32_t count,
		      uint64_t alignment, uint64_t highest);
void iova_exit(struct iova_space *space);

/*
 * The lowest free IOVA that is a multiple of @align (a power of two) and begins @length bytes; they
 * are taken. Never 0. Without one, UINT64_MAX from the twin with `__`.
 */
uint64_t __iova_alloc(struct iova_space *space, uint64_t length, uint64_t align);
uint64_t iova_alloc(struct iova_space *space, uint64_t length, uint64_t align);

/* The same from the top: the highest such IOVA. */
uint64_t __iova_alloc_top(struct iova_space *space, uint64_t length, uint64_t align);
uint64_t iova_alloc_top(struct iova_space *space, uint64_t length, uint64_t align);

#endif
