/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the tests of vIOMMUs: that of nesting.h, and a vIOMMU on the nesting parent. */
#ifndef NESTING_VIOMMU_FIXTURE_H
#define NESTING_VIOMMU_FIXTURE_H

#include "nesting.h"

FIXTURE(viommu)
{
	NESTING_FIELDS;
	uint32_t viommu;
};

FIXTURE_SETUP(viommu)
{
	NESTING_SETUP_OR_SKIP(self);
	VIOMMU_OR_SKIP(self->iommufd, &self->mock, self->parent, &self->viommu);
}

FIXTURE_TEARDOWN(viommu)
{
	cts_close(&self->iommufd);
}

#endif
