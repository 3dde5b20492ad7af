// SPDX-License-Identifier: GPL-2.0-only
/* The device under test: believed as far as it was seen working, asked once a boot. */
#include <fcntl.h>
#include <string.h>

#include "check.h"
#include "drivers/driver.h"
#include "dut.h"
#include "fake_function.h"
#include "iommufd.h"
#include "unit.h"

#define RANGES 1
#define MAPPINGS 8

/* An address space, and a device whose IOVAs go through it. */
static struct {
	struct mapping {
		char *memory;
		uint64_t iova;
		size_t size;
	} mappings[MAPPINGS];
	bool attached;
	int opened, closed;
	unsigned int broken; /* capabilities that do not work */
} model;

int iommufd_open(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int vfio_open(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

uint32_t vfio_bind(int device, int iommufd)
{
	CHECK(device >= 0 && iommufd >= 0);
	return 7;
}

uint32_t vfio_attach(int device, uint32_t pt_id)
{
	CHECK(device >= 0);
	model.attached = true;
	return pt_id;
}

void vfio_detach(int device)
{
	CHECK(device >= 0);
	model.attached = false;
}

uint32_t iommufd_ioas_alloc(int iommufd)
{
	CHECK(iommufd >= 0);
	memset(model.mappings, 0, sizeof(model.mappings));
	return 5;
}

void iommufd_destroy(int iommufd, uint32_t id)
{
	CHECK(iommufd >= 0 && id == 5);
}

struct iommu_iova_range *iommufd_iova_ranges(int iommufd, uint32_t ioas, uint32_t *count,
					     uint64_t *alignment)
{
	struct iommu_iova_range *range = calloc(RANGES, sizeof(*range));

	CHECK(range && iommufd >= 0 && ioas == 5);
	range->last = UINT64_MAX;
	*count = RANGES;
	*alignment = 4096;
	return range;
}

void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	struct mapping *mapping = model.mappings;

	CHECK(iommufd >= 0 && ioas == 5);
	while (mapping->memory)
		mapping++;
	*mapping = (struct mapping){ memory, iova, length };
}

void iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	struct mapping *mapping = model.mappings;

	CHECK(iommufd >= 0 && ioas == 5);
	while (mapping->iova != iova)
		mapping++;
	CHECK(mapping->size == length);
	mapping->memory = NULL;
}

static char *reach(uint64_t iova)
{
	struct mapping *mapping;

	CHECK(model.attached && fake.master);
	for (mapping = model.mappings; mapping < model.mappings + MAPPINGS; mapping++) {
		if (mapping->memory && iova - mapping->iova < mapping->size)
			return mapping->memory + (iova - mapping->iova);
	}
	fprintf(stderr, "the device reaches nothing at %#llx\n", (unsigned long long)iova);
	exit(1);
}

static bool matches(uint16_t vendor, uint16_t device, uint32_t class)
{
	return vendor == 0x8086 && device == 0x10c9 && class == 0x020000;
}

static void opens(struct dma *dma)
{
	model.opened++;
	CHECK(dma->rings && dma->rings_iova && dma->rings_iova <= dma->driver->highest_iova);
}

static void closes(struct dma *dma)
{
	CHECK(dma->rings);
	model.closed++;
}

static int writes(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	/* Its own rings must be within reach, too. */
	reach(dma->rings_iova)[0]++;
	memset(wrote, 0x77, length);
	memset(reach(iova), 0x77, length + !!(model.broken & DMA_WRITE));
	return 0;
}

static int reads(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	reach(dma->rings_iova)[0]++;
	memcpy(saw, reach(iova), length);
	if (model.broken & DMA_READ)
		((char *)saw)[length - 1] ^= 1;
	return 0;
}

const struct dma_driver dma_driver_igb = {
	.name = "model",
	.capabilities = DMA_WRITE | DMA_READ,
	.rings_size = 5000,
	.highest_iova = 0xffffffff,
	.write_limits = { .smallest = 8, .largest = 4096, .step = 8, .align = 16384 },
	.read_limits = { .smallest = 12, .largest = 4096, .step = 4, .align = 4 },
	.match = matches,
	.open = opens,
	.close = closes,
	.write = writes,
	.read = reads,
};

static void one_test(struct dut *dut, bool detached)
{
	(detached ? dut_open_detached : dut_open)(dut);
	CHECK(model.attached == !detached && !dut->ioas == detached && dut->device_id == 7);
	if (detached) {
		dut->ioas = iommufd_ioas_alloc(dut->iommufd);
		vfio_attach(dut->device, dut->ioas);
		dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	}
}

int main(int argc, char **argv)
{
	static _Alignas(4096) char memory[4096];
	struct dut dut = { 0 };
	char bytes[64];
	uint64_t iova;
	int next = dup(0);

	CHECK(argc == 2 && next >= 0 && !close(next));
	dut_close(&dut);

	/* Without a place to keep it, each test tries for itself. */
	CHECK(!unsetenv("CTS_SCRATCH"));
	one_test(&dut, false);
	CHECK(model.opened == 2);
	dut_close(&dut);
	dut_close(&dut);
	CHECK(model.closed == 2);

	CHECK(!setenv("CTS_SCRATCH", argv[1], 1));
	model.opened = 0;
	model.broken = DMA_WRITE;
	one_test(&dut, false);
	CHECK(model.opened == 2);
	iova = iova_alloc(&dut.space, 4096, 16384);
	iommufd_map(dut.iommufd, dut.ioas, memory, 4096, iova);
	CHECK(!dma_read(dut.dma, iova, 12, bytes));
	CHECK_ENDS(dma_write(dut.dma, iova, 8, bytes));
	dma_distrust(dut.dma, 0);
	CHECK(!dma_write(dut.dma, iova, 8, bytes) && memory[7] == 0x77);
	dut_close(&dut);

	/* The next tests need not try again, and are told the same. */
	model.opened = 0;
	one_test(&dut, true);
	CHECK(model.opened == 1);
	iova = iova_alloc(&dut.space, 4096, 16384);
	iommufd_map(dut.iommufd, dut.ioas, memory, 4096, iova);
	CHECK_ENDS(dma_write(dut.dma, iova, 8, bytes));
	model.closed = 0;
	dut_close_device(&dut);
	CHECK(dut.device == -1 && !dut.dma);
	dut_close(&dut);
	CHECK(!model.closed && dup(0) == next);
	return 0;
}
