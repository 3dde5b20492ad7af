// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual IOMMUs: of a type that the IOMMU has, on a nesting parent, which they hold; and held by
 * what belongs to them. What was refused was not made.
 */
#include <sys/ioctl.h>

#include "viommu_fixture.h"

static int alloc(int iommufd, uint32_t device, uint32_t hwpt, uint32_t type)
{
	uint32_t viommu;

	return __viommu_alloc(iommufd, device, hwpt, type, NULL, 0, &viommu);
}

CTS_TEST_F(viommu, holds_its_parent,
	   .title = "The parent of a vIOMMU is EBUSY until the vIOMMU is destroyed",
	   .requirements = { "VIOMMU-003", "OBJ-005" },
	   .needs = CTS_NEED_MOCK)
{
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->parent));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->parent));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(viommu, wrong_arguments,
	   .title = "Another type is EOPNOTSUPP, what is no device or paging table ENOENT, a table not for nesting EINVAL",
	   .requirements = { "VIOMMU-001", "VIOMMU-002" },
	   .needs = CTS_NEED_MOCK)
{
	const uint32_t device = self->mock.device, type = IOMMU_VIOMMU_TYPE_SELFTEST;
	uint32_t plain = hwpt_alloc(self->iommufd, device, self->ioas, 0);
	uint32_t nested = nested_alloc(self->iommufd, &self->mock, self->parent, 1);
	uint32_t next = next_object_id(self->iommufd), types;

	for (types = 0; types < 4; types++) {
		EXPECT_EQ(-EOPNOTSUPP, alloc(self->iommufd, device, self->parent, types))
		TH_LOG("type %u", types);
	}
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, NOBODY, self->parent, type));
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, self->ioas, self->parent, type));
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, device, NOBODY, type));
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, device, self->ioas, type));
	EXPECT_EQ(-ENOENT, alloc(self->iommufd, device, nested, type));
	EXPECT_EQ(-EINVAL, alloc(self->iommufd, device, plain, type));
	EXPECT_EQ(-EINVAL, alloc(self->iommufd, device, self->mock.hwpt, type));
	EXPECT_EQ(next, next_object_id(self->iommufd));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, plain));
}

CTS_TEST_F(viommu, nested_table,
	   .title = "A nested table of a vIOMMU holds it; the device needs a vDEVICE to be attached",
	   .requirements = { "VIOMMU-003", "VIOMMU-005" },
	   .needs = CTS_NEED_MOCK)
{
	uint32_t nested = nested_alloc(self->iommufd, &self->mock, self->viommu, 1), vdevice;

	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(-ENOENT, __mock_replace(self->iommufd, &self->mock, nested, NULL));
	vdevice = vdevice_alloc(self->iommufd, self->viommu, &self->mock, 0x99);
	EXPECT_EQ(0, __mock_replace(self->iommufd, &self->mock, nested, NULL));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, nested));
	mock_replace(self->iommufd, &self->mock, self->home);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, nested));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, vdevice));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->viommu));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->parent));
}

CTS_TEST_F(viommu, answer_lost,
	   .title = "A vIOMMU or vDEVICE whose id can't be stored is EFAULT and was not made",
	   .requirements = { "ABI-011" },
	   .needs = CTS_NEED_MOCK)
{
#ifdef IOMMU_VIOMMU_ALLOC
	const struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = self->mock.device,
		.hwpt_id = self->parent,
	};
	const struct iommu_vdevice_alloc vdevice = {
		.size = sizeof(vdevice),
		.viommu_id = self->viommu,
		.dev_id = self->mock.device,
		.virt_id = 7,
	};
	uint32_t next = next_object_id(self->iommufd);

	EXPECT_EQ(-1, ioctl(self->iommufd, IOMMU_VIOMMU_ALLOC,
			    read_only_page(&viommu, sizeof(viommu))));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->iommufd, IOMMU_VDEVICE_ALLOC,
			    read_only_page(&vdevice, sizeof(vdevice))));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(next, next_object_id(self->iommufd));
	/* The device is still without a vDEVICE, and the virtual id free. */
	vdevice_alloc(self->iommufd, self->viommu, &self->mock, 7);
#endif
}

CTS_TEST_F(viommu, first_layout,
	   .title = "A program of the first release gets its vIOMMU, and nothing is written behind its argument",
	   .requirements = { "ABI-006", "ABI-007" },
	   .needs = CTS_NEED_MOCK)
{
#ifdef IOMMU_VIOMMU_ALLOC
	struct iommu_viommu_alloc args = {
		.size = offsetof(struct iommu_viommu_alloc, out_viommu_id) + 4,
		.type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = self->mock.device,
		.hwpt_id = self->parent,
	};
	char *behind = (char *)&args + args.size;
	const size_t length = sizeof(args) - args.size;
	size_t i;

	/* Taken for data, this would be unreadable. */
	memset(behind, 0xa5, length);
	EXPECT_EQ(0, ioctl(self->iommufd, IOMMU_VIOMMU_ALLOC, &args));
	for (i = 0; i < length; i++) {
		EXPECT_EQ((char)0xa5, behind[i]);
	}
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, args.out_viommu_id));
#endif
}

CTS_MAIN
