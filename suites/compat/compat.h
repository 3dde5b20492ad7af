/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of a vfio container stand on. There are two files that answer as one, /dev/iommu
 * and /dev/vfio/vfio, and the second may be an iommufd too: what differs by promise differs by
 * `native`, never by the path.
 */
#ifndef COMPAT_COMPAT_H
#define COMPAT_COMPAT_H

#include <limits.h>
#include <sys/ioctl.h>

#include "../ioas/access.h"
#include "container.h"
#include "sysfs.h"
#include "vfio_group.h"

struct compat {
	int container;
	bool native; /* vfio's own, with the type1 backend; no iommufd */
	int group;
	int device;		 /* from the group; -1: none yet */
	struct iova_space space; /* once there is a device: what may be mapped and it can reach */
	struct dma *dma;
	uint64_t rings;		 /* the IOVA of its rings */
	unsigned int distrusted; /* what of it is not believed (dut.h) */
};

/* What is answered by vfio's own container, and what by an iommufd. */
static inline int either(const struct compat *compat, int native, int iommufd)
{
	return compat->native ? native : iommufd;
}

/* In a setup: a new container and the group, which know nothing of each other yet. */
#define COMPAT_OPEN_OR_SKIP(c, mode)                                                    \
	do {                                                                            \
		struct vfio_layout __layout;                                            \
                                                                                        \
		*(c) = (struct compat){ .container = -1, .group = -1, .device = -1 };   \
		VFIO_SURVEY_OR_SKIP(&__layout);                                         \
		(c)->container = __container_open(mode);                                \
		if ((c)->container == -ENOENT)                                          \
			CTS_SKIP(KERNEL_LACKS, "there is no %s", container_path(mode)); \
		ASSERT_LE(0, (c)->container);                                           \
		(c)->native = container_is_native((c)->container);                      \
		if ((c)->native && container_lacks_type1())                             \
			CTS_SKIP(KERNEL_LACKS, "vfio_iommu_type1 is not there");        \
		printf("# %s is %s\n", container_path(mode),                            \
		       (c)->native ? "the container of vfio" : "an iommufd");           \
		(c)->group = vfio_group_open();                                         \
	} while (0)

/* Then, with the group in the container: the backend of @type. */
#define COMPAT_SET_IOMMU_OR_SKIP(c, type)                                            \
	do {                                                                         \
		int __error = __container_set_iommu((c)->container, type);           \
                                                                                     \
		if ((c)->native && container_lacks_msi_isolation(__error))           \
			CTS_SKIP(NO_MSI_ISOLATION,                                   \
				 "VFIO_SET_IOMMU is refused with EPERM and "         \
				 "vfio_iommu_type1.allow_unsafe_interrupts is off"); \
		ASSERT_EQ(0, __error);                                               \
	} while (0)

/* The same, and the group into the container before. */
#define COMPAT_SET_OR_SKIP(c, type)                                   \
	do {                                                          \
		vfio_group_set_container((c)->group, (c)->container); \
		COMPAT_SET_IOMMU_OR_SKIP(c, type);                    \
	} while (0)

/* Fills compat->space from what the container reports now, up to @highest. */
static inline void compat_learn_space(struct compat *compat, uint64_t highest)
{
	struct iommu_iova_range *ranges;
	struct container_info info;
	uint32_t i;

	container_info_get(compat->container, &info);
	cts_require(info.ranges, "VFIO_IOMMU_GET_INFO without IOVA_RANGE");
	ranges = calloc(info.range_count, sizeof(*ranges));
	cts_require(ranges, "memory for %u ranges", info.range_count);
	for (i = 0; i < info.range_count; i++) {
		ranges[i].start = info.ranges[i].start;
		ranges[i].last = info.ranges[i].end;
	}
	iova_init_ranges(&compat->space, ranges, info.range_count,
			 info.page_sizes & -info.page_sizes, highest);
	container_info_free(&info);
}

/* Then: the device, by its group. */
static inline void compat_open_device(struct compat *compat)
{
	compat->device = vfio_group_device_fd(compat->group);
	iova_exit(&compat->space);
	compat_learn_space(compat, UINT64_MAX);
}

static inline void compat_map_rings(const struct compat *compat)
{
	if (dma_rings_size())
		container_map(compat->container, dma_rings(compat->dma), dma_rings_size(),
			      compat->rings);
}

/* Takes the rings of a device that was stopped out of the container. */
static inline void compat_unmap_rings(const struct compat *compat)
{
	if (dma_rings_size())
		container_unmap(compat->container, compat->rings, dma_rings_size());
}

/* Then: the device ready for DMA, its rings mapped. */
static inline void compat_start_dma(struct compat *compat)
{
	const size_t size = dma_rings_size();

	iova_exit(&compat->space);
	compat_learn_space(compat, dma_highest_iova());
	compat->rings = size ? iova_alloc(&compat->space, size, page_size()) : 0;
	compat->dma = dma_open(compat->device, compat->rings);
	dma_distrust(compat->dma, compat->distrusted);
	compat_map_rings(compat);
}

/* Closes all that is open. */
static inline void compat_close(struct compat *compat)
{
	dma_close(compat->dma);
	compat->dma = NULL;
	cts_close(&compat->device);
	cts_close(&compat->group);
	cts_close(&compat->container);
	iova_exit(&compat->space);
}

#endif
