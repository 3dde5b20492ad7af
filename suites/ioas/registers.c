// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device's registers, which are no memory: mapped by the address of an mmap() of them they are
 * refused, and a dma-buf of them is mapped by IOMMU_IOAS_MAP_FILE without being pinned or counted.
 */
#include <sys/mman.h>

#include "as_user.h"
#include "bound.h"
#include "counted.h"
#include "dmabuf.h"

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

CTS_TEST_F(bound, by_address,
	   .title = "A mapped BAR is EFAULT to IOMMU_IOAS_MAP with a table, and to the table when it was mapped before",
	   .requirements = { "MAP-012", "MAP-010" },
	   .needs = NEEDS)
{
	const uint64_t before = pinned();
	const struct vfio_region_info *bar = vfio_mappable_region(&self->layout);
	uint32_t hwpt;
	void *registers;

	if (!bar)
		CTS_SKIP(DEVICE_LACKS, "no region of the device can be mapped");
	registers = mmap(NULL, self->page, PROT_READ | PROT_WRITE, MAP_SHARED, self->device,
			 (off_t)bar->offset);
	ASSERT_NE(MAP_FAILED, registers);
	iommufd_map(self->iommufd, self->ioas, registers, self->page, self->iova);
	EXPECT_EQ(-EFAULT, __iommufd_hwpt_alloc(self->iommufd, self->device_id, self->ioas, &hwpt));
	EXPECT_EQ(self->page, iommufd_unmap_all(self->iommufd, self->ioas));

	table_on(self, self->ioas);
	EXPECT_EQ(-EFAULT,
		  __iommufd_map(self->iommufd, self->ioas, registers, self->page, self->iova));
	EXPECT_EQ(before, pinned());
	EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, munmap(registers, self->page));
}

/* A dma-buf of all of region @bar, in @ranges (1 or 2) pieces: a descriptor or -errno. */
static int export(const FIXTURE_DATA(bound) * self, const struct vfio_region_info *bar,
		  uint32_t ranges)
{
	struct dmabuf_request request = dmabuf_request(bar->index, 0, bar->size);
	uint32_t i;

	request.count = ranges;
	for (i = 0; i < ranges; i++) {
		request.range[i].offset = i * bar->size / ranges;
		request.range[i].length = bar->size / ranges;
	}
	return __dmabuf_export(self->device, &request);
}

/* A dma-buf of all of a region, of at least two pages, or the reason why there is none. */
#define EXPORT_OR_SKIP(bar, fd)                                                            \
	do {                                                                               \
		MAP_FILE_OR_SKIP(self->iommufd);                                           \
		bar = vfio_mappable_region(&self->layout);                                 \
		if (!bar || bar->size < 2 * self->page)                                    \
			CTS_SKIP(DEVICE_LACKS, "no region of two pages can be mapped");    \
		fd = export(self, bar, 1);                                                 \
		if (fd < 0)                                                                \
			CTS_SKIP(KERNEL_LACKS, "a dma-buf of the region can't be had: %s", \
				 strerror(-(fd)));                                         \
	} while (0)

CTS_TEST_F(bound, beyond_a_dma_buf,
	   .title = "A range beyond the end of a dma-buf is EINVAL, with a table and without; one within is mapped to its last byte",
	   .requirements = { "MFILE-007" },
	   .needs = NEEDS)
{
	const struct vfio_region_info *bar;
	uint64_t iova = self->iova;
	int fd, table;

	EXPORT_OR_SKIP(bar, fd);
	for (table = 0; table < 2; table++) {
		if (table)
			table_on(self, self->ioas);
		EXPECT_EQ(-EINVAL, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, 0,
					    bar->size + self->page, &iova));
		EXPECT_EQ(-EINVAL, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd,
					    bar->size, self->page, &iova));
		EXPECT_EQ(-EINVAL, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd,
					    bar->size - self->page, 2 * self->page, &iova));
		EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd,
				      bar->size - self->page, self->page, &iova));
		EXPECT_EQ(self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	}
	cts_close(&fd);
}

CTS_TEST_F(bound, dma_buf_in_pieces,
	   .title = "A dma-buf of two ranges of registers is EOPNOTSUPP and maps nothing",
	   .requirements = { "MFILE-008" },
	   .needs = NEEDS)
{
	const struct vfio_region_info *bar;
	uint64_t iova = self->iova;
	int fd;

	EXPORT_OR_SKIP(bar, fd);
	cts_close(&fd);
	fd = export(self, bar, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, 0,
					self->page, &iova));
	EXPECT_EQ(0, iommufd_unmap_all(self->iommufd, self->ioas));
	cts_close(&fd);
}

CTS_TEST_F(bound, dma_buf_is_not_counted,
	   .title = "A dma-buf is neither pinned nor locked memory: one who may lock nothing can map it",
	   .requirements = { "MFILE-010" },
	   .needs = NEEDS)
{
	const struct vfio_region_info *bar;
	uint64_t iova = self->iova;
	int fd;

	EXPORT_OR_SKIP(bar, fd);
	table_on(self, self->ioas);
	if (as_user(_metadata, PRIVILEGE_NOBODY, 0)) {
		EXPECT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, 0,
				      2 * self->page, &iova));
		EXPECT_EQ(0, pinned());
		EXPECT_EQ(0, locked());
		EXPECT_EQ(2 * self->page, iommufd_unmap_all(self->iommufd, self->ioas));
		EXPECT_EQ(0, pinned());
		END_CHILD();
	}
	cts_close(&fd);
}

CTS_TEST_F(bound, dma_buf_stands_in_the_way,
	   .title = "A mapped dma-buf stands in the way of a change of process: EINVAL",
	   .requirements = { "PROC-002" },
	   .needs = NEEDS)
{
	const struct vfio_region_info *bar;
	uint64_t iova = self->iova;
	int fd;

	EXPORT_OR_SKIP(bar, fd);
	EXPECT_EQ(0, map_file(self->iommufd, self->ioas, FIXED | READ_WRITE, fd, 0, self->page,
			      &iova));
	EXPECT_EQ(-EINVAL, change_process(self->iommufd));
	EXPECT_EQ(self->page, iommufd_unmap_all(self->iommufd, self->ioas));
	EXPECT_EQ(0, change_process(self->iommufd));
	cts_close(&fd);
}

CTS_MAIN
