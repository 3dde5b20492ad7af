// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma.c and the adapter to the kernel tree's drivers, over a driver like the tree's igb that copies
 * memory by itself: IOVAs outside the rings are addresses here.
 */
#include <libvfio.h>

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "canary.h"
#include "dma.h"
#include "fake_function.h"
#include "iommufd.h"
#include "unit.h"

#define RINGS 0x100000000000
#define MOST 1024
#define LEAST 60
/* What no read crosses a multiple of. */
#define BOUNDARY 4096
#define UNSEEN __attribute__((no_sanitize("thread")))

static struct {
	bool out_of_reach; /* copies fail */
	int result;
	atomic_int copies;
	int inits;
	char *rings;
	size_t rings_size;
} model;

void iommufd_map(int iommufd, uint32_t ioas, void *memory, size_t length, uint64_t iova)
{
	CHECK(iommufd == 1 && ioas == 2 && iova == RINGS);
	model.rings = memory;
	model.rings_size = length;
}

void iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length)
{
	(void)iommufd;
	(void)ioas;
	(void)iova;
	(void)length;
}

static char *at(iova_t iova)
{
	return iova - RINGS < model.rings_size ? model.rings + (iova - RINGS)
					       : (char *)(uintptr_t)iova;
}

/* Behind the back of processor and sanitizers, as a device does it. */
static UNSEEN void transfer(volatile char *to, const volatile char *from, size_t size)
{
	while (size--)
		*to++ = *from++;
}

static int model_probe(struct vfio_pci_device *device)
{
	return vfio_pci_config_readw(device, PCI_VENDOR_ID) == 0x8086 ? 0 : -EINVAL;
}

static void model_init(struct vfio_pci_device *device)
{
	CHECK(device->bars[0].vaddr == fake.bar && !device->bars[1].vaddr);
	CHECK(device->msix_info.count == 3);
	CHECK(to_iova(device, (char *)device->driver.region.vaddr + 5) == RINGS + 5);
	vfio_pci_msix_enable(device, 0, 1);
	device->driver.max_memcpy_size = MOST;
	device->driver.max_memcpy_count = 4095;
	model.inits++;
}

static void model_remove(struct vfio_pci_device *device)
{
	vfio_pci_msix_disable(device);
}

static void model_memcpy_start(struct vfio_pci_device *device, iova_t src, iova_t dst, u64 size,
			       u64 count)
{
	CHECK(device->driver.initialized && size >= LEAST && size <= MOST && count <= 4095);
	/* A part of what the driver writes lies in one page. */
	if (src - RINGS < model.rings_size)
		CHECK(src / 4096 == (src + size - 1) / 4096);
	model.copies++;
	if (model.out_of_reach)
		model.result = -ETIMEDOUT;
	else
		transfer(at(dst), at(src), size);
}

static int model_memcpy_wait(struct vfio_pci_device *device)
{
	int result = model.result;

	model.result = 0;
	if (result) {
		vfio_pci_device_reset(device);
		vfio_pci_msix_reenable(device, 0, 1);
	}
	return result;
}

static void model_send_msi(struct vfio_pci_device *device)
{
	uint64_t one = 1;

	CHECK(write(device->msi_eventfds[0], &one, sizeof(one)) == sizeof(one));
}

extern const struct vfio_pci_driver_ops igb_ops;
const struct vfio_pci_driver_ops igb_ops = {
	.name = "igb",
	.probe = model_probe,
	.init = model_init,
	.remove = model_remove,
	.memcpy_start = model_memcpy_start,
	.memcpy_wait = model_memcpy_wait,
	.send_msi = model_send_msi,
};

static struct dma *open_model(void)
{
	struct dma *dma;

	fake.config[0] = 0x86;
	fake.config[1] = 0x80;
	dma = dma_open(3, RINGS);
	CHECK(fake.master);
	dma_map_rings(dma, 1, 2);
	CHECK(model.rings_size == dma_rings_size());
	return dma;
}

/* Every length, so that no part is shorter than the device can, and none begins at an odd address. */
static void every_length(struct dma *dma)
{
	static _Alignas(BOUNDARY) uint8_t memory[8 * MOST], data[8 * MOST], before[8 * MOST];
	size_t length;

	for (length = LEAST; length < BOUNDARY; length++) {
		canary_fill(memory, sizeof(memory), (uint8_t)length);
		CHECK(!dma_write(dma, (uintptr_t)memory + 2, length, data));
		CHECK(canary_holds_only(memory, sizeof(memory), (uint8_t)length, 2, data, length));
		if (length > LEAST) {
			size_t i;

			for (i = 0; i < length - 1; i++)
				CHECK(data[i] != before[i]);
		}
		memcpy(before, data, sizeof(data));
		CHECK(!dma_read(dma, (uintptr_t)memory + 1, length, data));
		CHECK(!memcmp(data, memory + 1, length));
		CHECK(!dma_copy(dma, (uintptr_t)memory, (uintptr_t)data + 4, length));
		CHECK(!memcmp(data + 4, memory, length));
	}
}

/* Lengths that leave little for the last page, and the longest. */
static void long_writes(struct dma *dma)
{
	static _Alignas(4096) uint8_t memory[0x10000], data[0x10000];
	size_t length;

	for (length = 4 * MOST - 8; length <= 4 * MOST + 100; length++) {
		CHECK(!dma_write(dma, (uintptr_t)memory, length, data));
		CHECK(!memcmp(memory, data, length));
	}
	CHECK(!dma_write(dma, (uintptr_t)memory, sizeof(memory), data));
	CHECK(!memcmp(memory, data, sizeof(memory)));
}

/* Bytes that a NIC would take for IP, which QEMU's drops: one in 65,536 frames of chance. */
static void no_frame_is_ip(struct dma *dma)
{
	static uint8_t memory[LEAST], data[LEAST];
	int i;

	for (i = 0; i < 300000; i++) {
		CHECK(!dma_write(dma, (uintptr_t)memory, LEAST, data));
		CHECK(data[12] != 8 || data[13] != 0);
	}
}

/* A test that asks for more than there is, is ended. */
static void limits(struct dma *dma)
{
	static _Alignas(BOUNDARY) uint8_t data[0x20000];
	uint64_t iova = (uintptr_t)data;

	CHECK(dma_write_limits(dma)->smallest == LEAST);
	CHECK_ENDS(dma_write(dma, iova, LEAST - 1, data));
	CHECK_ENDS(dma_write(dma, iova, dma_write_limits(dma)->largest + 1, data));
	CHECK_ENDS(dma_write(dma, iova + 1, LEAST, data));
	CHECK_ENDS(dma_read(dma, iova, LEAST - 1, data));
	CHECK_ENDS(dma_read(dma, iova + BOUNDARY - LEAST + 1, LEAST, data));
	CHECK_ENDS(dma_read(dma, UINT64_MAX - LEAST + 2, LEAST, data));
	CHECK_ENDS(dma_copy(dma, iova, iova + 1, LEAST));
	CHECK_ENDS(dma_storm_start(dma, iova, LEAST - 1));
	dma_distrust(dma, DMA_WRITE);
	CHECK_ENDS(dma_write(dma, iova, LEAST, data));
	CHECK(!dma_copy(dma, iova, iova + LEAST, LEAST));
	dma_distrust(dma, 0);
	CHECK(!dma_write(dma, iova, LEAST, data));
}

static void failure(struct dma *dma)
{
	_Alignas(64) uint8_t memory[LEAST], data[LEAST];
	int eventfd = dma_msi_eventfd(dma);
	int resets = fake.resets;

	canary_fill(memory, sizeof(memory), 1);
	canary_fill(data, sizeof(data), 2);
	model.out_of_reach = true;
	/* The device's lock is taken the first two times. */
	fake.busy = resets + 2;
	CHECK(dma_write(dma, (uintptr_t)memory, LEAST, data) == -ETIMEDOUT);
	CHECK(fake.resets == resets + 3);
	CHECK(dma_read(dma, (uintptr_t)memory, LEAST, data) == -ETIMEDOUT);
	CHECK(canary_intact(memory, sizeof(memory), 1) && canary_intact(data, sizeof(data), 2));
	model.out_of_reach = false;
	CHECK(!dma_write(dma, (uintptr_t)memory, LEAST, data));
	CHECK(!memcmp(memory, data, LEAST));
	CHECK(fake.eventfd == eventfd && dma_msi_eventfd(dma) == eventfd);
}

static void interrupt(struct dma *dma)
{
	struct pollfd fd = { .fd = dma_msi_eventfd(dma), .events = POLLIN };

	CHECK(poll(&fd, 1, 0) == 0);
	dma_send_msi(dma);
	CHECK(poll(&fd, 1, 0) == 1);
}

static void storms(struct dma *dma)
{
	static _Alignas(8) uint8_t memory[5 * MOST];
	int copies;

	canary_fill(memory, sizeof(memory), 9);
	dma_storm_start(dma, (uintptr_t)memory + 2, 3 * MOST + 1);
	/* It goes on after the last byte was written. */
	while (canary_changed(memory, sizeof(memory), 9, 3 * MOST) == sizeof(memory))
		;
	copies = atomic_load(&model.copies);
	while (atomic_load(&model.copies) < copies + 10)
		;
	CHECK(dma_storm_reaches(dma, memory, sizeof(memory), 9));
	CHECK(!dma_storm_stop(dma));
	CHECK(canary_changed(memory, sizeof(memory), 9, 0) >= 2);
	CHECK(canary_changed(memory, sizeof(memory), 9, 3 * MOST + 3) == sizeof(memory));
	canary_fill(memory, sizeof(memory), 9);
	CHECK(canary_intact(memory, sizeof(memory), 9));
	model.out_of_reach = true;
	dma_storm_start(dma, (uintptr_t)memory + 2, LEAST);
	copies = atomic_load(&model.copies);
	dma_storm_go_on(dma);
	CHECK(atomic_load(&model.copies) > copies);
	CHECK(!dma_storm_reaches(dma, memory, sizeof(memory), 9));
	CHECK(dma_storm_stop(dma) == -ETIMEDOUT);
	model.out_of_reach = false;
}

/* A device that the tree's driver won't have ends the test, and so does what it says by exit(). */
static void gives_up(void)
{
	extern void libvfio_exit(int status);

	fake.config[0] = 0;
	CHECK_ENDS(dma_open(3, RINGS));
	CHECK_ENDS(libvfio_exit(1));
}

int main(void)
{
	struct dma *dma = open_model();

	CHECK(dma_capabilities() == (DMA_WRITE | DMA_READ | DMA_COPY | DMA_MSI | DMA_STORM));
	CHECK(!strcmp(dma_driver_name(), "igb"));
	every_length(dma);
	long_writes(dma);
	no_frame_is_ip(dma);
	limits(dma);
	failure(dma);
	interrupt(dma);
	storms(dma);
	dma_storm_start(dma, (uintptr_t)fake.config, LEAST);
	dma_close(dma);
	CHECK(!fake.master && fake.eventfd == -1);
	CHECK(model.inits == 1);
	gives_up();
	return 0;
}
