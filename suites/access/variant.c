// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose driver is built on vfio-pci's core, as those are that add migration to it. It is
 * parked like one of vfio-pci itself; with such a device all tests of parked files can be run.
 */
#include "gate.h"
#include "sysfs.h"

CTS_TEST_F(gate, is_parked,
	   .title = "A device of a driver that is built on vfio-pci is parked until it is bound, and again when it was closed",
	   .requirements = { "PARK-031" },
	   .needs = CTS_NEED_CDEV)
{
	char driver[SYSFS_PATH];
	uint32_t id;
	int round;

	if (sysfs_is_mediated(sysfs_device()))
		CTS_SKIP(DEVICE_LACKS, "it is no PCI function");
	sysfs_driver(driver);
	if (!strcmp(driver, "vfio-pci"))
		CTS_SKIP(DEVICE_LACKS, "its driver is vfio-pci itself");
	for (round = 0; round < 2; round++) {
		EXPECT_SHUT(self->device);
		ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, &id));
		EXPECT_OPEN(self->device);
		cts_close(&self->device);
		self->device = vfio_open();
	}
	EXPECT_SHUT(self->device);
}

CTS_MAIN
