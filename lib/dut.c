// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "canary.h"
#include "check.h"
#include "dut.h"
#include "function.h"
#include "iommufd.h"
#include "measure.h"
#include "memory.h"
#include "scratch.h"
#include "sysfs.h"

/* How long a device that works may take at most, on a slow virtual host too; nothing is judged by
 * it. */
#define PATIENCE_MS 10000

/* Binds and attaches, to learn the ranges. */
static void bring_up(struct dut *dut)
{
	*dut = (struct dut){ .iommufd = iommufd_open(), .device = vfio_open() };
	dut->device_id = vfio_bind(dut->device, dut->iommufd);
	dut->ioas = iommufd_ioas_alloc(dut->iommufd);
	vfio_attach(dut->device, dut->ioas);
	iova_init(&dut->space, dut->iommufd, dut->ioas, dma_highest_iova());
}

static void start_dma(struct dut *dut)
{
	size_t size = dma_rings_size();

	dut->dma = dma_open(dut->device, size ? iova_alloc(&dut->space, size, page_size()) : 0);
}

static void open_attached(struct dut *dut)
{
	bring_up(dut);
	start_dma(dut);
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
}

/* Memory that the device may read and write, mapped, and two places in it for accesses of @length. */
struct ground {
	struct buffer buffer;
	uint64_t iova;
	size_t from, to; /* offsets */
	size_t length;
	uint8_t *bytes; /* @length */
};

static size_t round_up(size_t size, size_t multiple)
{
	return (size + multiple - 1) / multiple * multiple;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void prepare(struct dut *dut, struct ground *ground)
{
	const struct dma_limits *write = dma_write_limits(dut->dma);
	const struct dma_limits *read = dma_read_limits(dut->dma);
	size_t align = larger(write->align, read->align);
	size_t unit = larger(align, page_size());

	ground->length =
		round_up(larger(write->smallest, read->smallest), larger(write->step, read->step));
	ground->from = align;
	ground->to = round_up(align + ground->length, unit);
	buffer_alloc(&ground->buffer, BUFFER_BASE, 2 * ground->to);
	ground->iova = iova_alloc(&dut->space, ground->buffer.size, unit);
	iommufd_map(dut->iommufd, dut->ioas, ground->buffer.memory, ground->buffer.size,
		    ground->iova);
	ground->bytes = malloc(ground->length);
	cts_lab_require(ground->bytes, "memory for %zu bytes", ground->length);
}

#define SEED 0x5a

static char *fill(const struct ground *ground)
{
	canary_fill(ground->buffer.memory, ground->buffer.size, SEED);
	return ground->buffer.memory;
}

static bool writes(struct dma *dma, const struct ground *ground)
{
	const char *memory = fill(ground);

	return !dma_write(dma, ground->iova + ground->to, ground->length, ground->bytes) &&
	       canary_holds_only(memory, ground->buffer.size, SEED, ground->to, ground->bytes,
				 ground->length);
}

static bool reads(struct dma *dma, const struct ground *ground)
{
	const char *memory = fill(ground);

	return !dma_read(dma, ground->iova + ground->from, ground->length, ground->bytes) &&
	       !memcmp(ground->bytes, memory + ground->from, ground->length) &&
	       canary_intact(memory, ground->buffer.size, SEED);
}

static bool copies(struct dma *dma, const struct ground *ground)
{
	const char *memory = fill(ground);

	return !dma_copy(dma, ground->iova + ground->from, ground->iova + ground->to,
			 ground->length) &&
	       canary_holds_only(memory, ground->buffer.size, SEED, ground->to,
				 memory + ground->from, ground->length);
}

static bool interrupts(struct dma *dma)
{
	struct pollfd eventfd = { .fd = dma_msi_eventfd(dma), .events = POLLIN };
	uint64_t count;

	dma_send_msi(dma);
	return poll(&eventfd, 1, PATIENCE_MS) == 1 &&
	       read(eventfd.fd, &count, sizeof(count)) == sizeof(count) && count == 1;
}

/* Before MSI is set up, which takes the place of the pin. */
static bool raises(const struct dut *dut)
{
	struct pollfd events = { .events = POLLIN };
	struct function function;
	bool raised;

	function_init(&function, dut->device);
	function_irq_enable(&function, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &events.fd);
	dma_raise_intx(dut->dma);
	raised = poll(&events, 1, PATIENCE_MS) == 1;
	dma_lower_intx(dut->dma);
	function_irq_disable(&function, VFIO_PCI_INTX_IRQ_INDEX);
	cts_close(&events.fd);
	function_exit(&function);
	return raised;
}

static bool storms(struct dma *dma, const struct ground *ground)
{
	uint64_t deadline = measure_now() + PATIENCE_MS * 1000000ULL;
	const char *memory = fill(ground);
	size_t changed;

	dma_storm_start(dma, ground->iova + ground->to, ground->length);
	do
		changed = canary_changed(memory, ground->buffer.size, SEED, 0);
	while (changed == ground->buffer.size && measure_now() < deadline);
	if (dma_storm_stop(dma) || changed < ground->to || changed >= ground->to + ground->length)
		return false;
	fill(ground);
	return canary_intact(memory, ground->buffer.size, SEED);
}

/* A storm that a reset of the function leaves alone. */
static bool is_stubborn(const struct dut *dut, const struct ground *ground)
{
	const char *memory = fill(ground);
	struct function function;
	bool goes_on;

	function_init(&function, dut->device);
	dma_make_stubborn(dut->dma);
	dma_storm_start(dut->dma, ground->iova + ground->to, ground->length);
	function_reset(&function);
	function_set_master(&function, true);
	goes_on = dma_storm_reaches(dut->dma, memory, ground->buffer.size, SEED);
	dma_storm_stop(dut->dma);
	function_exit(&function);
	return goes_on;
}

/* The last thing to try: nothing else can be asked of the device afterwards. */
static bool writes_on(struct dma *dma, const struct ground *ground)
{
	uint64_t deadline = measure_now() + PATIENCE_MS * 1000000ULL;
	const char *memory = fill(ground);

	dma_launch(dma, ground->iova, ground->buffer.size);
	while (canary_intact(memory, ground->buffer.size, SEED)) {
		if (measure_now() > deadline)
			return false;
	}
	return true;
}

unsigned int dut_prove(struct dut *dut)
{
	unsigned int claimed = dma_capabilities(), proven;
	struct ground ground;

	prepare(dut, &ground);
	/*
	 * That a PASID reaches anything, and a page request anybody, is what the tests of these are
	 * about; and who has vanished can't be asked for more.
	 */
	proven = claimed & (DMA_PASID | DMA_PRI | DMA_VANISH);
	if (claimed & DMA_WRITE && writes(dut->dma, &ground))
		proven |= DMA_WRITE;
	if (claimed & DMA_READ && reads(dut->dma, &ground))
		proven |= DMA_READ;
	if (claimed & DMA_COPY && copies(dut->dma, &ground))
		proven |= DMA_COPY;
	if (claimed & DMA_INTX && raises(dut))
		proven |= DMA_INTX;
	if (claimed & DMA_MSI && interrupts(dut->dma))
		proven |= DMA_MSI;
	if (claimed & DMA_STORM && storms(dut->dma, &ground))
		proven |= DMA_STORM;
	if (claimed & DMA_STUBBORN && is_stubborn(dut, &ground))
		proven |= DMA_STUBBORN;
	if (claimed & DMA_AUTONOMOUS && writes_on(dut->dma, &ground))
		proven |= DMA_AUTONOMOUS;
	dma_close(dut->dma);
	dut->dma = NULL;
	iommufd_unmap(dut->iommufd, dut->ioas, ground.iova, ground.buffer.size);
	buffer_free(&ground.buffer);
	free(ground.bytes);
	return proven;
}

/* What of the driver's claims did not work in this boot; tried by the first test that asks. */
unsigned int dut_distrusted(void)
{
	unsigned int proven;
	struct dut dut;

	if (!scratch_recall("proven", &proven, sizeof(proven))) {
		open_attached(&dut);
		proven = dut_prove(&dut);
		dut_close(&dut);
		scratch_keep("proven", &proven, sizeof(proven));
	}
	return dma_capabilities() & ~proven;
}

void dut_open(struct dut *dut)
{
	unsigned int distrusted = dut_distrusted();

	open_attached(dut);
	dma_distrust(dut->dma, distrusted);
}

void dut_open_detached(struct dut *dut)
{
	unsigned int distrusted = dut_distrusted();

	bring_up(dut);
	vfio_detach(dut->device);
	iommufd_destroy(dut->iommufd, dut->ioas);
	dut->ioas = 0;
	start_dma(dut);
	dma_distrust(dut->dma, distrusted);
}

void dut_close_device(struct dut *dut)
{
	dma_abandon(dut->dma);
	dut->dma = NULL;
	cts_close(&dut->device);
}

void dut_close(struct dut *dut)
{
	if (!dut->iommufd)
		return;
	dma_close(dut->dma);
	cts_close(&dut->device);
	cts_close(&dut->iommufd);
	iova_exit(&dut->space);
	*dut = (struct dut){ 0 };
}
