// SPDX-License-Identifier: GPL-2.0-only
/*
 * An uncorrectable error of the device, as the kernel comes to know of it (Advanced Error
 * Reporting): the user is told by the eventfd of VFIO_PCI_ERR_IRQ_INDEX. The error is one of the
 * kernel's own making (CONFIG_PCIEAER_INJECT).
 */
#include <fcntl.h>
#include <linux/pci_regs.h>

#include "irq.h"
#include "klog.h"

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
	int log;
	int eventfd;
};

FIXTURE_SETUP(error)
{
	unsigned int domain, bus, device, function;

	CTS_CHECK_NEEDS();
	self->inject = open(INJECT, O_WRONLY | O_CLOEXEC);
	if (self->inject < 0)
		CTS_SKIP(NO_TEST_SUPPORT, "no " INJECT " (CONFIG_PCIEAER_INJECT)");
	cts_lab_require(sscanf(sysfs_device(), "%x:%x:%x.%x", &domain, &bus, &device, &function) ==
				4,
			"%s", sysfs_device());
	self->error = (struct error){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	self->log = klog_open();
	BOUND_OPEN_OR_SKIP(&self->bound);
	if (!sysfs_extended_capability(PCI_EXT_CAP_ID_ERR))
		CTS_SKIP(DEVICE_LACKS, "the device reports no errors");
	self->eventfd = new_eventfd();
}

FIXTURE_TEARDOWN(error)
{
	if (self->inject > 0)
		cts_close(&self->inject);
	if (self->log > 0)
		cts_close(&self->log);
	bound_close(&self->bound);
}

/*
 * Waits for what pcie_do_recovery() says last, in either outcome, when it has cleared the error.
 *
 * The log is asked, and not the device's status: aer_inject.c puts the bus' true operations back
 * while it passes an access on, and x86 doesn't serialize accesses to configuration space
 * (CONFIG_PCI_LOCKLESS_CONFIG). So a read of ours beside the kernel's clearing of the error lets
 * that write through to the device, and the error made up stays forever.
 */
static void await_recovery(int log)
{
	char record[KLOG_RECORD];

	while (klog_next(log, record, PATIENCE_MS))
		if (strstr(record, "device recovery "))
			return;
	cts_lab_error("the kernel doesn't say that it dealt with the error");
}

/*
 * Injects the error, and returns when the kernel has dealt with it; one that was corrected is only
 * taken. ENODEV: it isn't the kernel that is told of the device's errors. The firmware is, or no
 * port is above the device.
 *
 * EBUSY: the interrupt of the error before has not been handled yet (irq_inject_interrupt()). This
 * error has been made up by then, so that interrupt tells of both.
 */
static int happen(const FIXTURE_DATA(error) * self)
{
	klog_skip(self->log);
	if (write(self->inject, &self->error, sizeof(self->error)) == sizeof(self->error) ||
	    errno == EBUSY) {
		if (self->error.uncorrectable)
			await_recovery(self->log);
		return 0;
	}
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
