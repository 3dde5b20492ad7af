// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_IOAS_NOIOMMU_GET_PA tells physical addresses, which only DMA without an IOMMU needs: nobody
 * without privilege learns one, and nobody of an IOAS whose tables are an IOMMU's.
 */
#include "as_user.h"
#include "bare.h"

#ifdef IOMMU_IOAS_NOIOMMU_GET_PA

#define UNTOLD 0xa5a5a5a5a5a5a5a5ULL

/* Asks for what @length bytes at @iova are; the address stays in the argument. */
static int ask(int iommufd, struct iommu_ioas_noiommu_get_pa *args, uint32_t ioas, uint64_t iova,
	       uint64_t length)
{
	*args = (struct iommu_ioas_noiommu_get_pa){
		.size = sizeof(*args),
		.ioas_id = ioas,
		.iova = iova,
		.length = length,
		.out_phys = UNTOLD,
	};
	return call(iommufd, IOMMU_IOAS_NOIOMMU_GET_PA, args);
}

/* Is it refused like this to one without privilege, and nothing told? */
static bool is_private(int status, const struct iommu_ioas_noiommu_get_pa *args)
{
	if ((status == -EPERM || status == -EOPNOTSUPP) && args->out_phys == UNTOLD)
		return true;
	fprintf(stderr, "# refused with %d; address %#llx\n", status,
		(unsigned long long)args->out_phys);
	return false;
}

#endif

CTS_TEST_F(bare, untold,
	   .title = "Physical addresses are told to nobody without privilege, and to nobody of memory that no such table has",
	   .requirements = { "IOAS-002" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
#ifndef IOMMU_IOAS_NOIOMMU_GET_PA
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_IOAS_NOIOMMU_GET_PA");
#else
	struct iommu_ioas_noiommu_get_pa args;
	int status = ask(self->iommufd, &args, self->ioas, 0, 0);
	bool stub = status == -EOPNOTSUPP;

	if (status == -ENOTTY)
		CTS_SKIP(KERNEL_LACKS, "IOMMU_IOAS_NOIOMMU_GET_PA");
	iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->page);
	EXPECT_EQ(-EOPNOTSUPP, ask(self->iommufd, &args, self->ioas, self->page, self->page));
	EXPECT_EQ(UNTOLD, args.out_phys);
	EXPECT_EQ(stub ? -EOPNOTSUPP : -EINVAL, status);
	EXPECT_EQ(stub ? -EOPNOTSUPP : -EOVERFLOW,
		  ask(self->iommufd, &args, self->ioas, UINT64_MAX, 1));
	EXPECT_EQ(stub ? -EOPNOTSUPP : -ENOENT,
		  ask(self->iommufd, &args, self->ioas, 2 * self->page, 1));
	EXPECT_EQ(stub ? -EOPNOTSUPP : -ENOENT, ask(self->iommufd, &args, 0, self->page, 1));
	EXPECT_EQ(UNTOLD, args.out_phys);
	if (as_user(_metadata, PRIVILEGE_NOBODY, 1)) {
		status = ask(self->iommufd, &args, self->ioas, self->page, self->page);
		EXPECT_TRUE(is_private(status, &args));
		status = ask(self->iommufd, &args, 0, UINT64_MAX, 0);
		EXPECT_TRUE(is_private(status, &args));
		END_CHILD();
	}
#endif
}

CTS_MAIN
