// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of a request that was carried out when its answer can't be written. */
#include "bare.h"

CTS_TEST_F(bare, mapping,
	   .title = "Whether a mapping stays whose IOVA can't be reported",
	   .requirements = { "MAP-014" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_CHARACTERISATION)
{
	const struct iommu_ioas_map args = {
		.size = sizeof(args),
		.flags = FIXED | READABLE,
		.ioas_id = self->ioas,
		.user_va = (uintptr_t)self->memory,
		.length = self->page,
		.iova = self->page,
	};
	uint64_t length = self->page;

	EXPECT_EQ(-EFAULT,
		  call(self->iommufd, IOMMU_IOAS_MAP, read_only_page(&args, sizeof(args))));
	cts_record_fact("a mapping that could not be reported", "unmapping it gives %d",
			__iommufd_unmap(self->iommufd, self->ioas, self->page, &length));
}

CTS_TEST_F(bare, copy,
	   .title = "Whether a copy stays whose IOVA can't be reported",
	   .requirements = { "MAP-014" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_CHARACTERISATION)
{
	const struct iommu_ioas_copy args = {
		.size = sizeof(args),
		.flags = FIXED | READABLE,
		.dst_ioas_id = self->ioas,
		.src_ioas_id = self->ioas,
		.length = self->page,
		.dst_iova = 4 * self->page,
		.src_iova = self->page,
	};
	uint64_t length = self->page;

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	EXPECT_EQ(-EFAULT,
		  call(self->iommufd, IOMMU_IOAS_COPY, read_only_page(&args, sizeof(args))));
	cts_record_fact("a copy that could not be reported", "unmapping it gives %d",
			__iommufd_unmap(self->iommufd, self->ioas, 4 * self->page, &length));
}

CTS_TEST_F(bare, unmapping,
	   .title = "Whether a mapping is gone when the number of its bytes can't be reported",
	   .requirements = { "MAP-014" },
	   .needs = CTS_NEED_IOMMUFD,
	   .kind = CTS_CHARACTERISATION)
{
	const struct iommu_ioas_unmap args = {
		.size = sizeof(args),
		.ioas_id = self->ioas,
		.iova = self->page,
		.length = self->page,
	};
	uint64_t length = self->page;

	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	EXPECT_EQ(-EFAULT,
		  call(self->iommufd, IOMMU_IOAS_UNMAP, read_only_page(&args, sizeof(args))));
	cts_record_fact("an unmap that could not be reported", "unmapping it gives %d",
			__iommufd_unmap(self->iommufd, self->ioas, self->page, &length));
}

CTS_MAIN
