// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program leaves to the one that it executes: descriptors without O_CLOEXEC, and through
 * them all that is in the iommufd, also mappings of memory that is no process's any more.
 *
 * The test executes itself: as the heir it finds numbers of descriptors and the like in its
 * arguments.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "buffer.h"
#include "canary.h"
#include "child.h"
#include "dut.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

#define HEIR "--heir"
#define PAGES 8

/* Memory taken anew, which gets the pages that were given up too early first. */
#define FRESH 1024

FIXTURE(exec)
{
	struct vfio_layout layout;
};

FIXTURE_SETUP(exec)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
}

FIXTURE_TEARDOWN(exec)
{
}

/* What the heir is told, in this order. */
enum {
	IOMMUFD,
	DEVICE,
	IOAS,
	IOVA,
	PINS,	  /* pages that are pinned as long as the mapping is there */
	CLOSED,	  /* a descriptor that must not have come along; -1: there was none */
	WITH_DMA, /* write by the device */
	DISTRUSTED,
	TOLD,
};

struct will {
	uint64_t told[TOLD];
};

/* Writes by the device to pages that only the mapping holds: not a byte of memory taken anew
 * changes. */
static void write_to_the_gone(const struct will *will)
{
	struct dut dut = { .iommufd = (int)will->told[IOMMUFD], .device = (int)will->told[DEVICE] };
	uint64_t iova = will->told[IOVA], rings = iova + PAGES * page_size();
	size_t length;
	struct buffer fresh;
	uint8_t *bytes, *seen;

	dut.ioas = (uint32_t)will->told[IOAS];
	buffer_alloc(&fresh, BUFFER_BASE, FRESH * page_size());
	canary_fill(fresh.memory, fresh.size, 0);
	dut.dma = dma_open(dut.device, rings);
	dma_map_rings(dut.dma, dut.iommufd, dut.ioas);
	dma_distrust(dut.dma, (unsigned int)will->told[DISTRUSTED]);
	length = dma_write_limits(dut.dma)->smallest;
	if (dma_capabilities() & DMA_READ && length < dma_read_limits(dut.dma)->smallest)
		length = dma_read_limits(dut.dma)->smallest;
	bytes = malloc(length);
	seen = calloc(1, length);
	cts_lab_require(bytes && seen, "memory for %zu bytes", length);
	cts_require(!dma_write(dut.dma, iova, length, bytes), "a write to the old mapping");
	cts_require(canary_intact(fresh.memory, fresh.size, 0), "memory taken anew was written");
	if (dma_capabilities() & DMA_READ) {
		cts_require(!dma_read(dut.dma, iova, length, seen) && !memcmp(seen, bytes, length),
			    "the old mapping doesn't hold what was written");
	}
	dma_unmap_rings(dut.dma, dut.iommufd, dut.ioas);
	dma_close(dut.dma);
}

static int inherit(char **arguments)
{
	struct vfio_device_info info;
	struct will will;
	uint64_t length;
	int i;

	for (i = 0; i < TOLD; i++)
		will.told[i] = strtoull(arguments[i], NULL, 0);
	cts_require(!__vfio_info((int)will.told[DEVICE], &info), "VFIO_DEVICE_GET_INFO");
	cts_require((int)will.told[CLOSED] == -1 || fcntl((int)will.told[CLOSED], F_GETFD) == -1,
		    "a fault queue's descriptor came along");
	cts_require(pins_become((long)will.told[PINS]), "what was mapped is not pinned");
	if (will.told[WITH_DMA])
		write_to_the_gone(&will);
	length = PAGES * page_size();
	cts_require(!__iommufd_unmap((int)will.told[IOMMUFD], (uint32_t)will.told[IOAS],
				     will.told[IOVA], &length),
		    "unmap");
	cts_require(length == PAGES * page_size(), "unmap says %llu", (unsigned long long)length);
	cts_require(pins_become((long)will.told[PINS] - PAGES), "unmapped pages are pinned");
	vfio_detach((int)will.told[DEVICE]);
	return 0;
}

static void __attribute__((noreturn)) become_the_heir(const struct will *will)
{
	char text[TOLD][24], *arguments[TOLD + 3] = { "exec", HEIR };
	int i;

	for (i = 0; i < TOLD; i++) {
		snprintf(text[i], sizeof(text[i]), "%llu", (unsigned long long)will->told[i]);
		arguments[i + 2] = text[i];
	}
	execv("/proc/self/exe", arguments);
	cts_lab_error("execv: %s", strerror(errno));
}

/* Takes everything and executes the heir. */
static void leave(void *argument)
{
	struct will *will = argument;
	struct iova_space space;
	struct buffer buffer;
	uint32_t queue;
	int iommufd = iommufd_open(), device = vfio_open(), fd = -1;
	long pins = pins_now();

	vfio_bind(device, iommufd);
	will->told[IOAS] = iommufd_ioas_alloc(iommufd);
	vfio_attach(device, (uint32_t)will->told[IOAS]);
	buffer_alloc(&buffer, BUFFER_BASE, PAGES * page_size());
	iova_init(&space, iommufd, (uint32_t)will->told[IOAS], dma_highest_iova());
	/* The rings of the device follow. */
	will->told[IOVA] = iova_alloc(
		&space, buffer.size + (will->told[WITH_DMA] ? dma_rings_size() : 0), page_size());
	iommufd_map(iommufd, (uint32_t)will->told[IOAS], buffer.memory, buffer.size,
		    will->told[IOVA]);
	if (__iommufd_fault_queue_alloc(iommufd, &queue, &fd))
		fd = -1;
	will->told[IOMMUFD] = (uint64_t)iommufd;
	will->told[DEVICE] = (uint64_t)device;
	will->told[CLOSED] = (uint64_t)fd;
	will->told[PINS] = (uint64_t)(pins + PAGES);
	cts_require(!fcntl(iommufd, F_SETFD, 0) && !fcntl(device, F_SETFD, 0), "F_SETFD");
	become_the_heir(will);
}

CTS_TEST_F(exec, descriptors_go_on,
	   .title = "Descriptors and mappings outlive an exec, and a fault queue's descriptor is closed by it",
	   .requirements = { "LIFE-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 60)
{
	struct will *will = child_share(sizeof(*will));
	long pins = pins_now();

	EXPECT_EQ(0, child_join(child_start(leave, will)));
	EXPECT_TRUE(pins_become(pins));
}

CTS_TEST_F(exec, dma_reaches_no_other_memory,
	   .title = "After an exec DMA through the mappings of the program that is gone reaches no memory taken anew",
	   .requirements = { "LIFE-009" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct will *will = child_share(sizeof(*will));
	long pins = pins_now();

	will->told[WITH_DMA] = true;
	will->told[DISTRUSTED] = dut_distrusted();
	EXPECT_EQ(0, child_join(child_start(leave, will)));
	EXPECT_TRUE(pins_become(pins));
}

int main(int argc, char **argv)
{
	if (argc == TOLD + 2 && !strcmp(argv[1], HEIR))
		return inherit(argv + 2);
	return cts_main(argc, argv);
}
