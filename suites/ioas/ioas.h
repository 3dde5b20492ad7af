/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of the tests of what a device reaches: the device under test, attached to an IOAS in
 * which nothing but its own rings is mapped.
 */
#ifndef IOAS_IOAS_H
#define IOAS_IOAS_H

#include "access.h"

FIXTURE(ioas)
{
	struct dut dut;
};

FIXTURE_SETUP(ioas)
{
	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
}

FIXTURE_TEARDOWN(ioas)
{
	dut_close(&self->dut);
}

#endif
