// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose last descriptor was closed is silent: its bus mastering and its interrupts are
 * off, and what it was busy with ends. So it is when its user was killed in the midst of DMA.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <stdlib.h>

#include "buffer.h"
#include "canary.h"
#include "child.h"
#include "dut.h"
#include "function.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

#define SEED 3
#define ROUNDS 2

/* What a child shares with the test. */
struct shared {
	struct buffer buffer; /* shared memory, one page */
	volatile uint64_t iova;
	volatile bool blows; /* the storm has begun */
};

FIXTURE(silence)
{
	struct vfio_layout layout;
	struct shared *shared;
};

FIXTURE_SETUP(silence)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->shared = child_share(sizeof(*self->shared));
	buffer_alloc(&self->shared->buffer, BUFFER_SHARED, page_size());
}

FIXTURE_TEARDOWN(silence)
{
	buffer_free(&self->shared->buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* The device's configuration space as it is, past whatever vfio shows of it. */
struct config {
	uint8_t bytes[256];
};

static uint16_t word_at(const struct config *config, size_t offset)
{
	return (uint16_t)(config->bytes[offset] | config->bytes[offset + 1] << 8);
}

static bool is_master(void)
{
	struct config config;

	sysfs_config(config.bytes, sizeof(config.bytes));
	return word_at(&config, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* Is capability @id there, and bit @enable of its control word set? */
static bool has_enabled(const struct config *config, uint8_t id, uint16_t enable)
{
	size_t at = config->bytes[PCI_CAPABILITY_LIST] & ~3U;
	int left;

	for (left = 48; at && left; left--) {
		if (config->bytes[at] == id)
			return word_at(config, at + PCI_MSI_FLAGS) & enable;
		at = config->bytes[at + 1] & ~3U;
	}
	return false;
}

static bool sends_messages(void)
{
	struct config config;

	sysfs_config(config.bytes, sizeof(config.bytes));
	return has_enabled(&config, PCI_CAP_ID_MSI, PCI_MSI_FLAGS_ENABLE) ||
	       has_enabled(&config, PCI_CAP_ID_MSIX, PCI_MSIX_FLAGS_ENABLE);
}

/* Has vfio an interrupt of the device? */
static bool has_interrupt(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	char line[1024];
	bool found = false;

	cts_lab_require(file, "/proc/interrupts");
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, "vfio") && strstr(line, sysfs_device());
	fclose(file);
	return found;
}

#define EXPECT_SILENT()                         \
	do {                                    \
		EXPECT_FALSE(is_master());      \
		EXPECT_FALSE(sends_messages()); \
		EXPECT_FALSE(has_interrupt());  \
	} while (0)

CTS_TEST_F(silence, after_close,
	   .title = "With the last close bus mastering and interrupts of a device that used them are off",
	   .requirements = { "LIFE-002" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct dut dut;
	int eventfd;

	dut_open(&dut);
	EXPECT_TRUE(is_master());
	if (dma_capabilities() & DMA_MSI) {
		struct pollfd message = { .fd = dma_msi_eventfd(dut.dma), .events = POLLIN };

		dma_send_msi(dut.dma);
		EXPECT_EQ(1, poll(&message, 1, 10000));
		EXPECT_TRUE(sends_messages());
		EXPECT_TRUE(has_interrupt());
	}
	dut_close_device(&dut);
	EXPECT_SILENT();
	dut_close(&dut);

	/* An interrupt pin, where there is one, is let go of too. */
	dut.device = vfio_open();
	dut.iommufd = iommufd_open();
	vfio_bind(dut.device, dut.iommufd);
	if (sysfs_number("irq")) {
		struct function function;

		function_init(&function, dut.device);
		if (function_irq_count(&function, VFIO_PCI_INTX_IRQ_INDEX)) {
			function_irq_enable(&function, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &eventfd);
			EXPECT_TRUE(has_interrupt());
		}
		function_exit(&function);
	}
	cts_close(&dut.device);
	EXPECT_SILENT();
}

/* A few bytes: of a single one the device could write what is there. */
static size_t length_of(const struct dma *dma)
{
	const struct dma_limits *limits = dma_write_limits(dma);
	size_t length = limits->smallest;

	while (length < 16 && length + limits->step <= limits->largest)
		length += limits->step;
	return length;
}

/* The user that is killed. */
static void blow(void *argument)
{
	struct shared *shared = argument;
	struct buffer *buffer = &shared->buffer;
	struct dut dut;

	dut_open(&dut);
	if (dma_capabilities() & DMA_MSI)
		dma_msi_eventfd(dut.dma);
	shared->iova = iova_alloc(&dut.space, buffer->size, buffer->size);
	iommufd_map(dut.iommufd, dut.ioas, buffer->memory, buffer->size, shared->iova);
	dma_storm_start(dut.dma, shared->iova, length_of(dut.dma));
	if (!dma_storm_reaches(dut.dma, buffer->memory, buffer->size, SEED))
		cts_lab_error("the storm doesn't begin");
	shared->blows = true;
	for (;;)
		pause();
}

/* Looks at the buffer so often that a device that goes on would be seen. */
static bool stays_intact(const struct buffer *buffer)
{
	int looks = 2000;
	bool intact;

	do
		intact = canary_intact(buffer->memory, buffer->size, SEED);
	while (intact && --looks);
	return intact;
}

CTS_TEST_F(silence, after_a_kill,
	   .title = "Killed while its device writes, a user leaves it silent: not a byte changes, nor of the next user's",
	   .requirements = { "LIFE-002", "LIFE-011" },
	   .needs = NEEDS | CTS_NEED_DMA_STORM,
	   .timeout_s = 120)
{
	struct shared *shared = self->shared;
	struct buffer *buffer = &shared->buffer;
	struct function function;
	int round, iommufd, device;
	uint32_t ioas;
	long pins;
	pid_t child;

	/* What is tried once in a boot is tried now. */
	(void)dut_distrusted();
	pins = pins_now();
	for (round = 0; round < ROUNDS; round++) {
		canary_fill(buffer->memory, buffer->size, SEED);
		shared->blows = false;
		child = child_start(blow, shared);
		child_await(child, &shared->blows);
		child_kill(child);

		canary_fill(buffer->memory, buffer->size, SEED);
		EXPECT_SILENT();
		EXPECT_TRUE(stays_intact(buffer));
		EXPECT_TRUE(pins_become(pins));

		/* The next one maps the same at the same place and lets the device do DMA. */
		iommufd = iommufd_open();
		device = vfio_open();
		vfio_bind(device, iommufd);
		ioas = iommufd_ioas_alloc(iommufd);
		vfio_attach(device, ioas);
		iommufd_map(iommufd, ioas, buffer->memory, buffer->size, shared->iova);
		function_init(&function, device);
		function_set_master(&function, true);
		EXPECT_TRUE(stays_intact(buffer));
		function_exit(&function);
		cts_close(&device);
		cts_close(&iommufd);
	}
}

CTS_MAIN
