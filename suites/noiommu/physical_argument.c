// SPDX-License-Identifier: GPL-2.0-only
/* Arguments of IOMMU_IOAS_NOIOMMU_GET_PA, and IOAS that no device behind no IOMMU is attached to. */
#include <sys/ioctl.h>

#include "buffer.h"
#include "device_fixture.h"
#include "memory.h"
#include "noiommu.h"

FIXTURE(alone)
{
	int iommufd;
	uint32_t ioas;
	struct buffer buffer;
	uint64_t iova;
};

FIXTURE_SETUP(alone)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, page_size(), page_size());
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, page_size(), self->iova);
}

FIXTURE_TEARDOWN(alone)
{
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
#define CALL_OR_SKIP()                                                                          \
	do {                                                                                    \
		uint64_t __length = 0, __physical;                                              \
                                                                                                \
		if (__noiommu_physical(self->iommufd, 0, 0, &__length, &__physical) == -ENOTTY) \
			CTS_SKIP(KERNEL_LACKS, "IOMMU_IOAS_NOIOMMU_GET_PA");                    \
	} while (0)

static int ask(int iommufd, struct iommu_ioas_noiommu_get_pa args)
{
	args.size = sizeof(args);
	return ioctl(iommufd, IOMMU_IOAS_NOIOMMU_GET_PA, &args) ? -errno : 0;
}

static void judge_untold(struct __test_metadata *_metadata, int iommufd, uint32_t ioas,
			 uint64_t iova)
{
	uint64_t length = 1, physical = 0;

	EXPECT_EQ(-EOPNOTSUPP, __noiommu_physical(iommufd, ioas, iova, &length, &physical));
	EXPECT_EQ(0, physical);
}
#endif

CTS_TEST_F(alone, refused_arguments,
	   .title = "An argument of IOMMU_IOAS_NOIOMMU_GET_PA that makes no sense has its errno",
	   .requirements = { "NOIOMMU-010" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	const struct iommu_ioas_noiommu_get_pa good = {
		.ioas_id = self->ioas,
		.iova = self->iova,
		.length = 1,
	};
	struct iommu_ioas_noiommu_get_pa args = good;
	bool without;

	CALL_OR_SKIP();
	args.length = 0;
	/* A kernel without the mode answers this to everything. */
	without = ask(self->iommufd, args) == -EOPNOTSUPP;
	EXPECT_EQ(without ? -EOPNOTSUPP : -EINVAL, ask(self->iommufd, args));
	args = good;
	args.iova = UINT64_MAX;
	EXPECT_EQ(without ? -EOPNOTSUPP : -EOVERFLOW, ask(self->iommufd, args));
	args = good;
	args.ioas_id = 0x7ffffff0;
	EXPECT_EQ(without ? -EOPNOTSUPP : -ENOENT, ask(self->iommufd, args));
	args.ioas_id = 0;
	EXPECT_EQ(without ? -EOPNOTSUPP : -ENOENT, ask(self->iommufd, args));
	args = good;
	args.iova += page_size();
	EXPECT_EQ(without ? -EOPNOTSUPP : -ENOENT, ask(self->iommufd, args));
	for (args = good, args.flags = 1; args.flags; args.flags <<= 1) {
		EXPECT_EQ(-EOPNOTSUPP, ask(self->iommufd, args)) TH_LOG("flags %#x", args.flags);
		/* Before the rest is looked at. */
		args.length = 0;
		EXPECT_EQ(-EOPNOTSUPP, ask(self->iommufd, args)) TH_LOG("flags %#x", args.flags);
		args.length = 1;
	}
	args = good;
	args.__reserved = 1;
	args.length = 0;
	EXPECT_EQ(-EOPNOTSUPP, ask(self->iommufd, args));
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_IOAS_NOIOMMU_GET_PA");
#endif
}

CTS_TEST_F(alone, no_device,
	   .title = "Of an IOAS that nothing is attached to no physical address is told: EOPNOTSUPP",
	   .requirements = { "NOIOMMU-005" },
	   .needs = CTS_NEED_IOMMUFD | CTS_NEED_ROOT)
{
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	CALL_OR_SKIP();
	judge_untold(_metadata, self->iommufd, self->ioas, self->iova);
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_IOAS_NOIOMMU_GET_PA");
#endif
}

FIXTURE(behind)
{
	DEVICE_FIELDS;
	struct buffer buffer;
	uint64_t iova;
};

FIXTURE_SETUP(behind)
{
	DEVICE_SETUP_OR_SKIP(self);
	vfio_attach(self->device, self->ioas);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, page_size(), page_size());
	iommufd_map(self->iommufd, self->ioas, self->buffer.memory, page_size(), self->iova);
}

FIXTURE_TEARDOWN(behind)
{
	DEVICE_TEARDOWN(self);
	buffer_free(&self->buffer);
}

CTS_TEST_F(behind, device_with_an_iommu,
	   .title = "Of an IOAS of a device that has an IOMMU no physical address is told: EOPNOTSUPP",
	   .requirements = { "NOIOMMU-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
	CALL_OR_SKIP();
	judge_untold(_metadata, self->iommufd, self->ioas, self->iova);
#else
	CTS_SKIP(BUILT_WITHOUT, "IOMMU_IOAS_NOIOMMU_GET_PA");
#endif
}

CTS_MAIN
