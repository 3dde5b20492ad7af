// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel that is locked down keeps root from the kernel's memory. A device behind an IOMMU
 * doesn't reach that anyhow: nothing of it is lost.
 */
#include <poll.h>
#include <unistd.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "function.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

#define LOCKDOWN "/sys/kernel/security/lockdown"

FIXTURE(locked)
{
	struct dut dut;
	struct buffer buffer; /* one page, mapped at `iova` */
	uint64_t iova;
	uint8_t *wrote;
	size_t length;
};

/* "none integrity [confidentiality]" */
static bool is_confidential(void)
{
	char line[128] = "";
	FILE *file = fopen(LOCKDOWN, "re");

	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return strstr(line, "[confidentiality]");
}

FIXTURE_SETUP(locked)
{
	CTS_CHECK_NEEDS();
	if (!is_confidential())
		CTS_SKIP(KERNEL_LACKS, "the kernel is not locked down for confidentiality");
	DUT_OPEN_OR_SKIP(&self->dut);
	buffer_alloc(&self->buffer, BUFFER_BASE, page_size());
	self->iova = iova_alloc(&self->dut.space, page_size(), page_size());
	iommufd_map(self->dut.iommufd, self->dut.ioas, self->buffer.memory, page_size(),
		    self->iova);
	self->length = dma_write_limits(self->dut.dma)->smallest;
	self->wrote = malloc(self->length);
	ASSERT_NE(NULL, self->wrote);
}

FIXTURE_TEARDOWN(locked)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
	free(self->wrote);
}

/* The device writes what it says, and no more. */
#define EXPECT_WRITES()                                                                            \
	do {                                                                                       \
		canary_fill(self->buffer.memory, page_size(), 1);                                  \
		EXPECT_EQ(0, dma_write(self->dut.dma, self->iova, self->length, self->wrote));     \
		EXPECT_TRUE(canary_holds_only(self->buffer.memory, page_size(), 1, 0, self->wrote, \
					      self->length));                                      \
	} while (0)

CTS_TEST_F(locked, dma,
	   .title = "On a kernel that is locked down a device is bound, attached and does DMA",
	   .requirements = { "LOCK-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	EXPECT_WRITES();
	vfio_detach(self->dut.device);
	vfio_attach(self->dut.device, self->dut.ioas);
	EXPECT_WRITES();
}

CTS_TEST_F(locked, interrupt,
	   .title = "On a kernel that is locked down a device's interrupt arrives",
	   .requirements = { "LOCK-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_DMA_MSI)
{
	struct pollfd events = { .fd = dma_msi_eventfd(self->dut.dma), .events = POLLIN };
	uint64_t count = 0;

	dma_send_msi(self->dut.dma);
	/* The deadline of the whole test is kept outside. */
	ASSERT_EQ(1, poll(&events, 1, -1));
	ASSERT_EQ(sizeof(count), read(events.fd, &count, sizeof(count)));
	EXPECT_EQ(1, count);
}

CTS_TEST_F(locked, reset,
	   .title = "On a kernel that is locked down a device is reset",
	   .requirements = { "LOCK-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	struct function function;
	struct vfio_device_info info;
	uint32_t command;

	ASSERT_EQ(0, __vfio_info(self->dut.device, &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	dma_close(self->dut.dma);
	self->dut.dma = NULL;
	function_init(&function, self->dut.device);
	EXPECT_EQ(0, __function_reset(&function));
	command = function_config_read(&function, 4, 2);
	EXPECT_NE(0xffff, command);
	function_exit(&function);
}

CTS_MAIN
