/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vfio container (include/uapi/linux/vfio.h, "IOCTLs for VFIO file descriptor"), by either of the
 * two files that answer its requests. A call with `__` returns 0 or -errno; its twin without ends
 * the test when it fails. Addresses and lengths are in bytes.
 */
#ifndef CTS_CONTAINER_H
#define CTS_CONTAINER_H

#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum container_mode {
	CONTAINER_IOMMUFD, /* /dev/iommu: the requests are for its compatibility IOAS */
	CONTAINER_VFIO,	   /* /dev/vfio/vfio, which the kernel's vfio or its iommufd provides */
};

const char *container_path(enum container_mode mode);

/* A new container: a descriptor, which the caller closes, or -errno. */
int __container_open(enum container_mode mode);
int container_open(enum container_mode mode);

/*
 * Is @container vfio's own, with the type1 backend behind it, and no iommufd? Asked by
 * IOMMU_VFIO_IOAS, which only an iommufd knows; it changes nothing.
 */
bool container_is_native(int container);

/*
 * Does the kernel lack what an own container of vfio needs to be of any use, the module
 * vfio_iommu_type1?
 */
bool container_lacks_type1(void);

/*
 * Is @error, of VFIO_SET_IOMMU of an own container of vfio, the answer of a platform that can't
 * isolate interrupts? The backend has a switch of its own for them.
 */
bool container_lacks_msi_isolation(int error);

/* VFIO_GET_API_VERSION and VFIO_CHECK_EXTENSION: the kernel's answer, not negative, or -errno. */
int __container_api_version(int container);
int __container_extension(int container, unsigned long extension);

/*
 * IOMMU_VFIO_IOAS with the operation @op (IOMMU_VFIO_IOAS_GET, _SET, _CLEAR): which IOAS of an
 * iommufd the requests of a container are for. *@ioas is what to set and becomes what is reported.
 */
int __container_ioas(int iommufd, uint16_t op, uint32_t *ioas);

/* VFIO_SET_IOMMU of @type, VFIO_TYPE1_IOMMU and the like. */
int __container_set_iommu(int container, unsigned long type);
void container_set_iommu(int container, unsigned long type);

/* VFIO_IOMMU_MAP_DMA with the flags @flags (VFIO_DMA_MAP_FLAG_*). */
int __container_map_flags(int container, uint32_t flags, const void *memory, uint64_t size,
			  uint64_t iova);

/* The same, readable and writable by devices. */
int __container_map(int container, const void *memory, uint64_t size, uint64_t iova);
void container_map(int container, const void *memory, uint64_t size, uint64_t iova);

/*
 * VFIO_IOMMU_UNMAP_DMA with the flags @flags (VFIO_DMA_UNMAP_FLAG_*). *@size is what to unmap and
 * becomes, if all is well, what was unmapped.
 */
int __container_unmap_flags(int container, uint32_t flags, uint64_t iova, uint64_t *size);

/* The same without flags; the twin requires that as much was unmapped as was asked for. */
int __container_unmap(int container, uint64_t iova, uint64_t *size);
void container_unmap(int container, uint64_t iova, uint64_t size);

/* VFIO_IOMMU_GET_INFO, with the capabilities that the suite knows. */
struct container_info {
	uint32_t flags;			/* VFIO_IOMMU_INFO_* */
	uint64_t page_sizes;		/* iova_pgsizes */
	bool first_version;		/* have all capabilities version 1? */
	struct vfio_iova_range *ranges; /* of the capability IOVA_RANGE, ascending; NULL without */
	uint32_t range_count;
	bool has_avail;
	uint32_t avail; /* how many more mappings may be made */
	bool has_migration;
	struct vfio_iommu_type1_info_cap_migration migration;
};

/* Asks and walks the chain, which must be sound. Ends the test otherwise. */
void container_info_get(int container, struct container_info *info);
void container_info_free(struct container_info *info);

/* How many more mappings may be made, as VFIO_IOMMU_GET_INFO says, which must say it. */
uint32_t container_avail(int container);

#endif
