// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that is pulled out of its slot while it is in full use: nobody has asked the user for
 * it, and there is nothing left to talk to. Shown by a device that can act that (DMA_VANISH); its
 * port sees no change, so that no hot-plug driver knows more than the user.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <time.h>

#include "../attach/calls.h"
#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "function.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "removal.h"
#include "revived.h"
#include "test.h"
#include "vfio.h"

/* What everything reads as that nobody answers. */
#define NOBODY 0xffffffffU

/* PCI Local Bus Specification 3.0, 4.3.2: a reset lasts 1 ms, and 2^25 clocks pass after it. */
#define RESET_MS 2
#define RECOVERY_MS 1000

/* Far longer than a write is on its way. */
#define PAUSE_MS 100

FIXTURE(unplugged)
{
	struct vfio_layout layout;
	struct removal_before before;
	struct removal removal;
	struct buffer buffer; /* one page, mapped at `iova` */
	uint64_t iova;
	struct dut dut;
	char port[PATH_MAX]; /* the configuration space of the port above the device */
};

/* What is in the slot after this is found by a scan of the bus. */
static void reset_slot(const char *port)
{
	const struct timespec reset = { .tv_nsec = RESET_MS * 1000000L };
	const struct timespec recovery = { .tv_sec = RECOVERY_MS / 1000 };
	int fd = open(port, O_RDWR | O_CLOEXEC);
	uint16_t control, held;

	cts_lab_require(fd >= 0, "%s", port);
	cts_lab_require(pread(fd, &control, sizeof(control), PCI_BRIDGE_CONTROL) == 2, "%s", port);
	held = control | PCI_BRIDGE_CTL_BUS_RESET;
	cts_lab_require(pwrite(fd, &held, sizeof(held), PCI_BRIDGE_CONTROL) == 2, "%s", port);
	nanosleep(&reset, NULL);
	cts_lab_require(pwrite(fd, &control, sizeof(control), PCI_BRIDGE_CONTROL) == 2, "%s", port);
	nanosleep(&recovery, NULL);
	cts_close(&fd);
}

FIXTURE_SETUP(unplugged)
{
	char path[SYSFS_PATH], device[PATH_MAX];

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	removal_remember(&self->before);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/..", sysfs_device());
	cts_lab_require(realpath(path, device), "%s", path);
	cts_lab_require(snprintf(self->port, sizeof(self->port), "%s/config", device) <
				(int)sizeof(self->port),
			"%s", device);
	dut_open(&self->dut);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
	self->iova = iova_alloc(&self->dut.space, page_size(), page_size());
	iommufd_map(self->dut.iommufd, self->dut.ioas, self->buffer.memory, page_size(),
		    self->iova);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(unplugged)
{
	struct removal removal;

	if (!self->port[0])
		return;
	if (sysfs_device_exists()) {
		removal_start_remove(&removal);
		removal_finish(&removal);
	}
	reset_slot(self->port);
	removal_undo(&self->before);
}

#define NEEDS                                                                    \
	(CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_STORM | CTS_NEED_DMA_MSI | \
	 CTS_NEED_DMA_VANISH)

/* Does configuration space read as ones at @offset, or not at all? The ids are vfio's own. */
static bool is_nobody(int device, const struct function *function, uint32_t offset)
{
	const struct vfio_region_info *config = &function->region[VFIO_PCI_CONFIG_REGION_INDEX];
	uint32_t value;
	ssize_t n = pread(device, &value, sizeof(value), (off_t)(config->offset + offset));

	return n < 0 || (n == sizeof(value) && value == NOBODY);
}

/*
 * Lets the device vanish in a storm, with its interrupts on. A write that was on its way may still
 * arrive: the memory is filled until it stays.
 */
static void vanish(FIXTURE_DATA(unplugged) * self)
{
	size_t length = dma_write_limits(self->dut.dma)->smallest;
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	void *memory = self->buffer.memory;
	int tries = 10;

	dma_send_msi(self->dut.dma);
	canary_fill(memory, page_size(), 0);
	dma_storm_start(self->dut.dma, self->iova, length);
	cts_lab_require(dma_storm_reaches(self->dut.dma, memory, page_size(), 0), "the storm");
	dma_vanish(self->dut.dma);
	do {
		canary_fill(memory, page_size(), 1);
		nanosleep(&pause, NULL);
	} while (--tries && !canary_intact(memory, page_size(), 1));
}

CTS_TEST_F(unplugged, answers_its_user,
	   .title = "Of a device that is gone from its slot reads give ones or fail, and no call hangs",
	   .requirements = { "LIFE-017" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct dut *dut = &self->dut;
	struct function function;
	volatile uint32_t *bar;
	uint32_t other;

	function_init(&function, dut->device);
	ASSERT_FALSE(is_nobody(dut->device, &function, PCI_CLASS_REVISION));
	bar = function_map_bar(&function, 0);
	vanish(self);
	EXPECT_TRUE(is_nobody(dut->device, &function, PCI_CLASS_REVISION));
	EXPECT_EQ(NOBODY, *bar);
	*bar = 0;
	EXPECT_EQ(NOBODY, *bar);

	/* What the kernel has in hand without the device goes on. */
	other = iommufd_ioas_alloc(dut->iommufd);
	EXPECT_EQ(0, __vfio_detach(dut->device));
	EXPECT_EQ(0, try_attach(dut->device, other));
	EXPECT_EQ(0, try_attach(dut->device, dut->ioas));
	iommufd_unmap(dut->iommufd, dut->ioas, self->iova, page_size());
	iommufd_map(dut->iommufd, dut->ioas, self->buffer.memory, page_size(), self->iova);
	/* What can't without it comes back all the same. */
	__function_reset(&function);
	EXPECT_TRUE(canary_intact(self->buffer.memory, page_size(), 1));
	function_exit(&function);
	dut_close_device(dut);
	iommufd_unmap(dut->iommufd, dut->ioas, self->iova, page_size());
	EXPECT_EQ(0, __iommufd_destroy(dut->iommufd, dut->ioas));
}

CTS_TEST_F(unplugged, goes_with_its_last_close,
	   .title = "The removal of a device that is gone from its slot waits for its user alone; what is put there later works",
	   .requirements = { "LIFE-017" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	unsigned int distrusted = dut_distrusted();
	struct dut *dut = &self->dut;
	size_t page = page_size(), length = dma_write_limits(dut->dma)->smallest;
	uint8_t wrote[64];

	ASSERT_LE(length, sizeof(wrote));
	vanish(self);
	removal_start_remove(&self->removal);
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_EQ(0, gate_ioctl.use(dut->device, &self->layout));
	dut_close_device(dut);
	EXPECT_EQ(0, removal_finish(&self->removal));
	EXPECT_FALSE(sysfs_device_exists());
	EXPECT_EQ(-ENOENT, __iommufd_find_device(dut->iommufd, dut->device_id));
	EXPECT_TRUE(canary_intact(self->buffer.memory, page, 1));

	reset_slot(self->port);
	removal_undo(&self->before);
	iommufd_unmap_all(dut->iommufd, dut->ioas);
	dut_revive(dut, distrusted);
	iommufd_map(dut->iommufd, dut->ioas, self->buffer.memory, page, self->iova);
	EXPECT_EQ(0, dma_write(dut->dma, self->iova, length, wrote));
	EXPECT_TRUE(canary_holds_only(self->buffer.memory, page, 1, 0, wrote, length));
	dut_close(dut);
}

CTS_MAIN
