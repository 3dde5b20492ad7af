/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the tests of the first steps: a new container of each file, and the group. */
#ifndef COMPAT_OPENED_H
#define COMPAT_OPENED_H

#include "compat.h"

FIXTURE(opened)
{
	struct compat compat;
};

FIXTURE_VARIANT(opened)
{
	enum container_mode mode;
};

FIXTURE_VARIANT_ADD(opened, iommufd)
{ .mode = CONTAINER_IOMMUFD };
FIXTURE_VARIANT_ADD(opened, container)
{ .mode = CONTAINER_VFIO };

FIXTURE_SETUP(opened)
{
	CTS_CHECK_NEEDS();
	COMPAT_OPEN_OR_SKIP(&self->compat, variant->mode);
}

FIXTURE_TEARDOWN(opened)
{
	compat_close(&self->compat);
}

#define NEEDS (CTS_NEED_IOMMUFD | CTS_NEED_CDEV | CTS_NEED_GROUP)

#endif
