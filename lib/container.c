// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "container.h"

#define READ_WRITE (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

const char *container_path(enum container_mode mode)
{
	return mode == CONTAINER_IOMMUFD ? "/dev/iommu" : "/dev/vfio/vfio";
}

int __container_open(enum container_mode mode)
{
	int container = open(container_path(mode), O_RDWR | O_CLOEXEC);

	return container < 0 ? -errno : container;
}

int container_open(enum container_mode mode)
{
	int container = __container_open(mode);

	cts_require(container >= 0, "open %s", container_path(mode));
	return container;
}

bool container_is_native(int container)
{
	struct iommu_vfio_ioas args = { .size = sizeof(args), .op = IOMMU_VFIO_IOAS_GET };

	return ioctl(container, IOMMU_VFIO_IOAS, &args) && errno != ENODEV;
}

bool container_lacks_type1(void)
{
	/* It has parameters, so it is here also where it is built in. */
	return access("/sys/module/vfio_iommu_type1", F_OK) != 0;
}

bool container_lacks_msi_isolation(int error)
{
	FILE *file;
	int unsafe;

	if (error != -EPERM)
		return false;
	file = fopen("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "re");
	if (!file)
		return false;
	unsafe = fgetc(file);
	fclose(file);
	return unsafe == 'N';
}

static int answer(int container, unsigned long request, unsigned long argument)
{
	int rc = ioctl(container, request, argument);

	return rc < 0 ? -errno : rc;
}

int __container_api_version(int container)
{
	return answer(container, VFIO_GET_API_VERSION, 0);
}

int __container_extension(int container, unsigned long extension)
{
	return answer(container, VFIO_CHECK_EXTENSION, extension);
}

int __container_ioas(int iommufd, uint16_t op, uint32_t *ioas)
{
	struct iommu_vfio_ioas args = { .size = sizeof(args), .op = op, .ioas_id = *ioas };

	if (ioctl(iommufd, IOMMU_VFIO_IOAS, &args))
		return -errno;
	*ioas = args.ioas_id;
	return 0;
}

int __container_set_iommu(int container, unsigned long type)
{
	return answer(container, VFIO_SET_IOMMU, type);
}

void container_set_iommu(int container, unsigned long type)
{
	cts_require(!__container_set_iommu(container, type), "VFIO_SET_IOMMU of type %lu", type);
}

int __container_map_flags(int container, uint32_t flags, const void *memory, uint64_t size,
			  uint64_t iova)
{
	struct vfio_iommu_type1_dma_map args = {
		.argsz = sizeof(args),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &args) ? -errno : 0;
}

int __container_map(int container, const void *memory, uint64_t size, uint64_t iova)
{
	return __container_map_flags(container, READ_WRITE, memory, size, iova);
}

void container_map(int container, const void *memory, uint64_t size, uint64_t iova)
{
	cts_require(!__container_map(container, memory, size, iova),
		    "VFIO_IOMMU_MAP_DMA of %#llx bytes at IOVA %#llx", (unsigned long long)size,
		    (unsigned long long)iova);
}

int __container_unmap_flags(int container, uint32_t flags, uint64_t iova, uint64_t *size)
{
	struct vfio_iommu_type1_dma_unmap args = {
		.argsz = sizeof(args),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &args))
		return -errno;
	*size = args.size;
	return 0;
}

int __container_unmap(int container, uint64_t iova, uint64_t *size)
{
	return __container_unmap_flags(container, 0, iova, size);
}

void container_unmap(int container, uint64_t iova, uint64_t size)
{
	uint64_t unmapped = size;

	cts_require(!__container_unmap(container, iova, &unmapped) && unmapped == size,
		    "VFIO_IOMMU_UNMAP_DMA of %#llx bytes at IOVA %#llx (%#llx were unmapped)",
		    (unsigned long long)size, (unsigned long long)iova,
		    (unsigned long long)unmapped);
}

/* A copy of the @size bytes of capability @header, which lie within @argsz bytes at @reply. */
static void take_capability(const char *reply, uint32_t argsz, uint32_t offset, void *to,
			    size_t size)
{
	cts_require(size <= argsz && offset <= argsz - size,
		    "capability at %u: %zu bytes don't fit the reply of %u", offset, size, argsz);
	memcpy(to, reply + offset, size);
}

static void take_ranges(struct container_info *info, const char *reply, uint32_t argsz,
			uint32_t offset)
{
	struct vfio_iommu_type1_info_cap_iova_range head;
	size_t size;

	take_capability(reply, argsz, offset, &head, sizeof(head));
	cts_require(!info->ranges && head.header.version == 1, "one IOVA_RANGE of version 1");
	cts_require(head.nr_iovas, "IOVA_RANGE without a range");
	size = head.nr_iovas * sizeof(*info->ranges);
	info->ranges = malloc(size);
	cts_require(info->ranges, "memory for %u ranges", head.nr_iovas);
	info->range_count = head.nr_iovas;
	take_capability(reply, argsz, offset + (uint32_t)sizeof(head), info->ranges, size);
}

static void take_known(struct container_info *info, const char *reply, uint32_t argsz,
		       uint32_t offset, uint16_t id)
{
	struct vfio_iommu_type1_info_dma_avail avail;

	switch (id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		take_ranges(info, reply, argsz, offset);
		break;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		take_capability(reply, argsz, offset, &avail, sizeof(avail));
		cts_require(!info->has_avail && avail.header.version == 1,
			    "one DMA_AVAIL of version 1");
		info->has_avail = true;
		info->avail = avail.avail;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		take_capability(reply, argsz, offset, &info->migration, sizeof(info->migration));
		cts_require(!info->has_migration && info->migration.header.version == 1,
			    "one MIGRATION of version 1");
		info->has_migration = true;
		break;
	}
}

void container_info_get(int container, struct container_info *info)
{
	struct vfio_iommu_type1_info *reply, ask = { .argsz = sizeof(ask) };
	struct vfio_info_cap_header header;
	uint32_t argsz, offset, count = 0;

	cts_require(!ioctl(container, VFIO_IOMMU_GET_INFO, &ask), "VFIO_IOMMU_GET_INFO");
	argsz = ask.argsz;
	reply = calloc(1, argsz);
	cts_require(reply, "memory for %u bytes", argsz);
	reply->argsz = argsz;
	cts_require(!ioctl(container, VFIO_IOMMU_GET_INFO, reply), "VFIO_IOMMU_GET_INFO");
	*info = (struct container_info){
		.flags = reply->flags,
		.page_sizes = reply->iova_pgsizes,
		.first_version = true,
	};
	for (offset = reply->cap_offset; offset; offset = header.next) {
		cts_require(count++ < argsz / sizeof(header), "the chain is a circle");
		cts_require(offset >= sizeof(*reply), "capability at %u, in the fixed part",
			    offset);
		take_capability((const char *)reply, argsz, offset, &header, sizeof(header));
		info->first_version &= header.version == 1;
		take_known(info, (const char *)reply, argsz, offset, header.id);
	}
	free(reply);
}

void container_info_free(struct container_info *info)
{
	free(info->ranges);
	*info = (struct container_info){ 0 };
}

uint32_t container_avail(int container)
{
	struct container_info info;
	uint32_t avail;

	container_info_get(container, &info);
	cts_require(info.has_avail, "VFIO_IOMMU_GET_INFO without DMA_AVAIL");
	avail = info.avail;
	container_info_free(&info);
	return avail;
}
