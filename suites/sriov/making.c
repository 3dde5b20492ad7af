// SPDX-License-Identifier: GPL-2.0-only
/* Who makes VFs, and who gets them: vfio-pci only where it is allowed, and then for users alone. */
#include <fcntl.h>
#include <linux/pci_regs.h>

#include "function.h"
#include "pf.h"

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
	cts_close(&self->pf);
}

/* The driver of the kernel that a test offers VFs to, and the ids of VFs in the form it takes. */
#define KERNEL_DRIVER "uio_pci_generic"

static void vf_ids(char ids[32])
{
	char text[SYSFS_PATH];
	unsigned int device = 0;

	if (__sysfs_get(sysfs_device(), "sriov_vf_device", text) ||
	    sscanf(text, "%x", &device) != 1)
		cts_lab_error("%s doesn't tell the device id of its VFs", sysfs_device());
	snprintf(ids, 32, "%x %x", sysfs_number("vendor"), device);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	char ids[32];

	if (self->before.allowed[0] && !access("/sys/bus/pci/drivers/" KERNEL_DRIVER, F_OK)) {
		vf_ids(ids);
		/* ENODEV, unless a test has given it them. */
		(void)__sysfs_tell_driver(KERNEL_DRIVER, "remove_id", ids);
	}
	sriov_undo(&self->before);
}

CTS_TEST_F(sriov, made_if_allowed,
	   .title = "vfio-pci makes no VF unless enable_sriov is set: ENOENT, and there is none",
	   .requirements = { "SRIOV-006" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	ASSERT_EQ(0, __sriov_allow(false));
	EXPECT_EQ(-ENOENT, __sriov_set_count(VFS));
	EXPECT_EQ(0, sriov_count());
	ASSERT_EQ(0, __sriov_allow(true));
	VFS_OR_SKIP(self);
	EXPECT_EQ(VFS, sriov_count());
}

CTS_TEST_F(sriov, pf_with_vfs_is_refused,
	   .title = "vfio-pci doesn't take a PF that has VFs: EBUSY",
	   .requirements = { "SRIOV-006" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	char driver[SYSFS_PATH];

	if (access("/sys/bus/pci/drivers/" SRIOV_STUB, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no driver " SRIOV_STUB);
	ASSERT_EQ(0, __sriov_hand_over(SRIOV_STUB));
	if (__sriov_set_count(1))
		CTS_SKIP(DEVICE_LACKS, "there is no room for a VF");
	EXPECT_EQ(-EBUSY, __sriov_hand_over("vfio-pci"));
	EXPECT_NE(0, __sysfs_driver_of(sysfs_device(), driver));
	EXPECT_EQ(1, sriov_count());
	ASSERT_EQ(0, __sriov_hand_over(SRIOV_STUB));
	ASSERT_EQ(0, __sriov_set_count(0));
	EXPECT_EQ(0, __sriov_hand_over("vfio-pci"));
}

CTS_TEST_F(sriov, no_driver_of_the_kernel,
	   .title = "VFs of a PF that vfio-pci has go to vfio-pci, and to no driver that they fit",
	   .requirements = { "SRIOV-011" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	char ids[32], text[SYSFS_PATH];
	unsigned int i;

	if (access("/sys/bus/pci/drivers/" KERNEL_DRIVER, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no driver " KERNEL_DRIVER);
	vf_ids(ids);
	ASSERT_EQ(0, __sysfs_tell_driver(KERNEL_DRIVER, "new_id", ids));
	VFS_OR_SKIP(self);
	for (i = 0; i < VFS; i++) {
		ASSERT_EQ(0, __sysfs_get(self->bdf[i], "driver_override", text));
		EXPECT_STREQ("vfio-pci\n", text);
		ASSERT_EQ(0, __sysfs_driver_of(self->bdf[i], text));
		EXPECT_STREQ("vfio-pci", text);
	}
	/* Nor later, when it has no driver: only root can change that, by the override. */
	cts_close(&self->vf[0]);
	ASSERT_EQ(0, __sysfs_tell_driver("vfio-pci", "unbind", self->bdf[0]));
	EXPECT_EQ(-ENODEV, __sysfs_tell_driver(KERNEL_DRIVER, "bind", self->bdf[0]));
	EXPECT_EQ(0, __sysfs_tell_driver("vfio-pci", "bind", self->bdf[0]));
}

CTS_TEST_F(sriov, vf_shows_its_identity,
	   .title = "A VF, whose registers hold no ids, shows its user the ids, and memory decoding as on",
	   .requirements = { "REG-008" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	char ids[32], shown[32], text[SYSFS_PATH];
	struct function function;
	uint16_t raw = 0;
	int fd;

	VFS_OR_SKIP(self);
	set_token(self->iommufd, &self->token);
	snprintf(text, sizeof(text), "/sys/bus/pci/devices/%s/config", self->bdf[0]);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(raw), pread(fd, &raw, sizeof(raw), 0));
	cts_close(&fd);
	if (raw != 0xffff)
		TH_LOG("the vendor id in its registers is %#x", raw);

	ASSERT_EQ(0, __sriov_bind(self->vf[0], self->iommufd, &self->token));
	function_init(&function, self->vf[0]);
	vf_ids(ids);
	snprintf(shown, sizeof(shown), "%x %x", function_config_read(&function, 0, 2),
		 function_config_read(&function, 2, 2));
	EXPECT_STREQ(ids, shown);
	EXPECT_EQ(PCI_COMMAND_MEMORY,
		  function_config_read(&function, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	function_exit(&function);
}

CTS_MAIN
