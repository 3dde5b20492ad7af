// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU_IOAS_CHANGE_PROCESS by processes that no limit holds for: what they pin is counted too. */
#include "process.h"

FIXTURE_VARIANT_ADD(bound, as_root)
{
	.mode = 0,
	.user = ROOT,
};

CTS_TEST_F(bound, child_takes_over,
	   .title = "What a process of root has pinned becomes its child's when that asks for it, and ends with the mapping",
	   .requirements = { "PROC-001" },
	   .needs = NEEDS)
{
	CHANGE_OR_SKIP();
	hand_to_child(_metadata, self, variant->user, variant->mode);
}

CTS_MAIN
