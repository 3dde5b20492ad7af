/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of vIOMMUs: a mock device that is attached to the IOAS `home`, and a
 * vIOMMU on a nesting parent on the IOAS `ioas`, which nothing else uses.
 */
#ifndef NESTING_VIOMMU_FIXTURE_H
#define NESTING_VIOMMU_FIXTURE_H

#include "nesting.h"

FIXTURE(viommu)
{
	int iommufd;
	uint32_t home, ioas, parent, viommu;
	struct mock mock;
};

FIXTURE_SETUP(viommu)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	self->home = iommufd_ioas_alloc(self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	mock_open(self->iommufd, self->home, MOCK_PLAIN, &self->mock);
	self->parent = hwpt_alloc(self->iommufd, self->mock.device, self->ioas,
				  IOMMU_HWPT_ALLOC_NEST_PARENT);
	VIOMMU_OR_SKIP(self->iommufd, &self->mock, self->parent, &self->viommu);
}

FIXTURE_TEARDOWN(viommu)
{
	cts_close(&self->iommufd);
}

#endif
