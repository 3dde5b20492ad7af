// SPDX-License-Identifier: GPL-2.0-only
/*
 * An uncorrectable error of the device, as the kernel comes to know of it (Advanced Error
 * Reporting): the user is told by the eventfd of VFIO_PCI_ERR_IRQ_INDEX. The error is one of the
 * kernel's own making (CONFIG_PCIEAER_INJECT).
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <time.h>

#include "irq.h"
#include "measure.h"

#define INJECT "/dev/aer_inject"

/* What is written there: drivers/pci/pcie/aer_inject.c. */
struct error {
	uint8_t bus, device, function;
	uint32_t uncorrectable; /* PCI_ERR_UNC_* */
	uint32_t correctable;	/* PCI_ERR_COR_* */
	uint32_t header[4];
	uint32_t domain;
};

FIXTURE(error)
{
	struct bound bound;
	struct error error; /* of the device, and none yet */
	int inject;
	int eventfd;
};

FIXTURE_SETUP(error)
{
	unsigned int domain, bus, device, function;

	CTS_CHECK_NEEDS();
	self->inject = open(INJECT, O_WRONLY | O_CLOEXEC);
	if (self->inject < 0)
		CTS_SKIP(KERNEL_LACKS, "no " INJECT " (CONFIG_PCIEAER_INJECT)");
	cts_lab_require(sscanf(sysfs_device(), "%x:%x:%x.%x", &domain, &bus, &device, &function) ==
				4,
			"%s", sysfs_device());
	self->error = (struct error){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	BOUND_OPEN_OR_SKIP(&self->bound);
	if (!sysfs_extended_capability(PCI_EXT_CAP_ID_ERR))
		CTS_SKIP(DEVICE_LACKS, "the device reports no errors");
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(error)
{
	if (self->inject > 0)
		cts_close(&self->inject);
	bound_close(&self->bound);
}

/*
 * Waits until the kernel has dealt with the errors so far: then it clears them, and would clear one
 * that came meanwhile unseen. Seen past vfio, whose user has a status of his own.
 */
static void settle(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	const size_t at = sysfs_extended_capability(PCI_EXT_CAP_ID_ERR) + PCI_ERR_UNCOR_STATUS;
	uint64_t begin = measure_now();
	uint8_t config[PCI_CFG_SPACE_EXP_SIZE];
	uint32_t status;

	for (;;) {
		sysfs_config(config, at + sizeof(status));
		memcpy(&status, config + at, sizeof(status));
		if (!status)
			return;
		if (measure_now() - begin > PATIENCE_MS * 1000000ULL)
			cts_lab_error("the last error has not been dealt with: %#x", status);
		nanosleep(&pause, NULL);
	}
}

/*
 * Returns when the kernel has taken it; what it does about it comes later. ENODEV: it isn't the
 * kernel that is told of the device's errors. The firmware is, or no port is above the device.
 */
static int happen(const FIXTURE_DATA(error) * self)
{
	settle();
	if (write(self->inject, &self->error, sizeof(self->error)) == sizeof(self->error))
		return 0;
	cts_lab_require(errno == ENODEV, "the error can't be injected");
	return -ENODEV;
}

#define HAPPEN_OR_SKIP(self)                                                             \
	do {                                                                             \
		if (happen(self))                                                        \
			CTS_SKIP(KERNEL_LACKS, "the kernel doesn't hear of its errors"); \
	} while (0)

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

CTS_TEST_F(error, is_told,
	   .title = "An uncorrectable error signals the eventfd for errors, and the device works on",
	   .requirements = { "IRQ-016" },
	   .needs = NEEDS,
	   .faults = true)
{
	uint32_t ids = function_config_read(&self->bound.function, 0, 4);
	int round;

	ASSERT_EQ(0, set_eventfd(self->bound.device, VFIO_PCI_ERR_IRQ_INDEX, 0, self->eventfd));
	/* One that isn't fatal: a completion that never came. */
	self->error.uncorrectable = PCI_ERR_UNC_COMP_TIME;
	for (round = 0; round < 2; round++) {
		HAPPEN_OR_SKIP(self);
		EXPECT_EQ(1, await_signals(self->eventfd));
		EXPECT_EQ(ids, function_config_read(&self->bound.function, 0, 4));
	}
}

CTS_TEST_F(error, is_not_told_otherwise,
	   .title = "An error that was corrected is told to nobody, and one that nobody asked for harms nobody",
	   .requirements = { "IRQ-016" },
	   .needs = NEEDS,
	   .faults = true)
{
	uint32_t ids = function_config_read(&self->bound.function, 0, 4);

	ASSERT_EQ(0, set_eventfd(self->bound.device, VFIO_PCI_ERR_IRQ_INDEX, 0, self->eventfd));
	self->error.correctable = PCI_ERR_COR_BAD_TLP;
	HAPPEN_OR_SKIP(self);
	/* An error behind it: then the first has been dealt with. */
	self->error.correctable = 0;
	self->error.uncorrectable = PCI_ERR_UNC_COMP_TIME;
	ASSERT_EQ(0, happen(self));
	EXPECT_EQ(1, await_signals(self->eventfd));

	/* With nobody to tell, and then somebody again. */
	ASSERT_EQ(0, set_eventfd(self->bound.device, VFIO_PCI_ERR_IRQ_INDEX, 0, -1));
	ASSERT_EQ(0, happen(self));
	EXPECT_EQ(ids, function_config_read(&self->bound.function, 0, 4));
	EXPECT_EQ(0, signals(self->eventfd));
}

CTS_MAIN
