// SPDX-License-Identifier: GPL-2.0-only
/* A PF has to be awake as long as it has VFs: they are out of reach when it sleeps. */
#include <linux/pci_regs.h>

#include "../pci/bar.h"
#include "../pci/low_power.h"
#include "pf.h"

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

static void take_the_vfs(FIXTURE_DATA(sriov) * self)
{
	unsigned int i;

	for (i = 0; i < VFS; i++) {
		cts_close(&self->vf[i]);
	}
	cts_require(!__sriov_set_count(0), "0 VFs");
}

/* 0 for D0, 3 for D3hot. */
static uint32_t power_state(const struct function *function, uint32_t pm)
{
	return function_config_read(function, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK;
}

CTS_TEST_F(sriov, not_by_its_user,
	   .title = "A PF's user can't put it into D3hot while it has VFs, and can when they are gone",
	   .requirements = { "SRIOV-014" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct function function;
	uint32_t pm;

	VFS_OR_SKIP(self);
	vfio_bind(self->pf, self->iommufd);
	function_init(&function, self->pf);
	pm = function_capability(&function, PCI_CAP_ID_PM);
	if (!pm)
		CTS_SKIP(DEVICE_LACKS, "the PF has no power management");
	set_power(&function, pm, 3);
	EXPECT_EQ(0, power_state(&function, pm));
	take_the_vfs(self);
	set_power(&function, pm, 3);
	EXPECT_EQ(3, power_state(&function, pm));
	set_power(&function, pm, 0);
	EXPECT_EQ(0, power_state(&function, pm));
	function_exit(&function);
}

CTS_TEST_F(sriov, not_by_the_kernel,
	   .title = "A PF without a user is awake while it has VFs, and sleeps again when they are gone",
	   .requirements = { "SRIOV-014" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	int round;

	cts_close(&self->pf);
	if (!sleeps())
		CTS_SKIP(KERNEL_LACKS, "the kernel doesn't put a device without a user to sleep");
	for (round = 0; round < 2; round++) {
		VFS_OR_SKIP(self);
		EXPECT_TRUE(power_is("active"));
		take_the_vfs(self);
		EXPECT_TRUE(sleeps());
	}
}

CTS_MAIN
