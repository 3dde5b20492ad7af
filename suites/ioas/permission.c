// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device does through a mapping what the mapping permits: reads through one that is READABLE,
 * writes through one that is WRITEABLE.
 */
#include <sys/mman.h>

#include "ioas.h"

CTS_TEST_F(ioas, read_only_refuses_writes,
	   .title = "A write through a READABLE mapping changes nothing; beside it a WRITEABLE one takes writes",
	   .requirements = { "ISO-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	const struct dma_limits *limits = dma_write_limits(self->dut.dma);
	size_t page = page_size(), length = limits->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, 3 * page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 3);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	iommufd_map_access(self->dut.iommufd, self->dut.ioas, READABLE, memory + page, page,
			   iova + page);
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory + 2 * page, page, iova + 2 * page);
	canary_fill(memory, 3 * page, 0);

	EXPECT_TRUE(write_spares(self->dut.dma, iova + page, length, memory, 3 * page, 0));
	EXPECT_TRUE(write_spares(self->dut.dma, iova + page + aligned_down(limits, page - length),
				 length, memory, 3 * page, 0));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	EXPECT_TRUE(page_written(self->dut.dma, iova + 2 * page, memory + 2 * page));
}

CTS_TEST_F(ioas, read_only_can_be_read,
	   .title = "A READABLE mapping can be read, before and after a refused write",
	   .requirements = { "ISO-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size(), length = dma_read_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	canary_fill(memory, page, 0);
	iommufd_map_access(self->dut.iommufd, self->dut.ioas, READABLE, memory, page, iova);
	EXPECT_TRUE(read_sees(self->dut.dma, iova, length, memory));
	EXPECT_TRUE(write_spares(self->dut.dma, iova, dma_write_limits(self->dut.dma)->smallest,
				 memory, page, 0));
	EXPECT_TRUE(read_sees(self->dut.dma, iova, length, memory));
}

CTS_TEST_F(ioas, read_only_copy,
	   .title = "A READABLE copy of a WRITEABLE mapping refuses writes; the original takes them",
	   .requirements = { "ISO-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	uint64_t copy = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	ASSERT_EQ(0, __iommufd_copy(self->dut.iommufd, self->dut.ioas, self->dut.ioas,
				    FIXED | READABLE, page, iova, &copy));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	canary_fill(memory, page, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, copy, length, memory, page, 1));
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_TEST_F(ioas, write_permission_taken_away,
	   .title = "An IOVA that was WRITEABLE refuses writes once it is mapped READABLE, and takes them once it is WRITEABLE again",
	   .requirements = { "ISO-003", "ISO-002" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size(), length = dma_write_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page);

	iommufd_map_access(self->dut.iommufd, self->dut.ioas, READABLE, memory, page, iova);
	canary_fill(memory, page, 1);
	EXPECT_TRUE(write_spares(self->dut.dma, iova, length, memory, page, 1));
	iommufd_unmap(self->dut.iommufd, self->dut.ioas, iova, page);

	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page, iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_TEST_F(ioas, write_only_takes_writes,
	   .title = "A WRITEABLE mapping that isn't READABLE takes writes",
	   .requirements = { "MAP-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	iommufd_map_access(self->dut.iommufd, self->dut.ioas, WRITEABLE, memory, page_size(), iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

/*
 * A table whose entries have no bit for reading (x86's first stage, AMD's guest table) can't
 * refuse reads, and iommufd does not tell which kind of table it made. So it is recorded, and not
 * judged.
 */
CTS_TEST_F(ioas, read_of_write_only,
	   .title = "Whether a mapping that is WRITEABLE only refuses reads",
	   .requirements = { "ISO-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ,
	   .kind = CTS_CHARACTERISATION,
	   .timeout_s = 60,
	   .faults = true)
{
	size_t page = page_size(), length = dma_read_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	canary_fill(memory, page, 0);
	iommufd_map_access(self->dut.iommufd, self->dut.ioas, WRITEABLE, memory, page, iova);
	cts_record_fact("a read through a mapping without READABLE", "%s",
			read_learns_nothing(self->dut.dma, iova, length, memory) ? "is refused"
										 : "goes through");
}

CTS_TEST_F(ioas, no_permission,
	   .title = "A mapping with no permission, or of no byte, is refused and leaves the IOVA free",
	   .requirements = { "MAP-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	uint64_t iova = iova_alloc(&self->dut.space, page_size(), page_size());
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	EXPECT_EQ(-EINVAL, __iommufd_map_flags(self->dut.iommufd, self->dut.ioas, FIXED, memory,
					       page_size(), &iova));
	EXPECT_EQ(-EINVAL, __iommufd_map_flags(self->dut.iommufd, self->dut.ioas,
					       FIXED | READABLE | WRITEABLE, memory, 0, &iova));
	iommufd_map(self->dut.iommufd, self->dut.ioas, memory, page_size(), iova);
	EXPECT_TRUE(page_written(self->dut.dma, iova, memory));
}

CTS_TEST_F(ioas, read_only_memory,
	   .title = "Memory that the process may only read can be mapped READABLE and not WRITEABLE",
	   .requirements = { "MAP-011" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_READ)
{
	size_t page = page_size(), length = dma_read_limits(self->dut.dma)->smallest;
	uint64_t iova = iova_alloc(&self->dut.space, page, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	canary_fill(memory, page, 0);
	ASSERT_EQ(0, mprotect(memory, page, PROT_READ));
	EXPECT_EQ(-EFAULT, __iommufd_map_flags(self->dut.iommufd, self->dut.ioas,
					       FIXED | READABLE | WRITEABLE, memory, page, &iova));
	EXPECT_EQ(-EFAULT, __iommufd_map_flags(self->dut.iommufd, self->dut.ioas, FIXED | WRITEABLE,
					       memory, page, &iova));
	iommufd_map_access(self->dut.iommufd, self->dut.ioas, READABLE, memory, page, iova);
	EXPECT_TRUE(read_sees(self->dut.dma, iova, length, memory));
}

CTS_MAIN
