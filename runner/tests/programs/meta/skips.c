// SPDX-License-Identifier: GPL-2.0-only
/*
 * Skips, with each reason that there is.
 */
#include "meta.h"

#define CTS_SKIP_REASON(id, code, cause, meaning) \
	META_TEST(id)                             \
	{                                         \
		CTS_SKIP(id, "on purpose");       \
	}
#include "skip_reasons.def"
#undef CTS_SKIP_REASON

META_TEST(skips_after_it_failed)
{
	EXPECT_EQ(1, 2);
	CTS_SKIP(KERNEL_LACKS, "on purpose");
}

CTS_MAIN
