// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's edu (docs/specs/edu.rst), a conventional PCI function with a buffer of 4096 bytes that it
 * fills from memory and empties into it.
 *
 * What a test may believe:
 * - An access takes 100 ms and more: it runs on a timer. The RUN bit says that it is over, and
 *   nothing is under way when a call returns. Good for a look, not for loops.
 * - It never learns that an access was refused: the status is always 0 where the device's own
 *   buffers can be reached. Memory is the only witness. After a refused read the buffer holds
 *   zeros, and that is what dma_read() says it saw and what dma_copy() goes on to write.
 * - dma_write() loads bytes of the driver's choice from the rings, has the device show what it
 *   holds, and then writes that. Where the rings can't be reached it still writes, for the
 *   canary's sake, what nobody knows, and says -ETIMEDOUT. dma_copy() needs no rings at all.
 * - Addresses are cut to 28 bits. QEMU can be told another mask (`dma_mask=`), which can't be seen
 *   from here.
 * - Told to write, it does so by itself a tenth of a second later: dma_launch() is one such write,
 *   of bytes that the rings had.
 * - It has no reset: what is under way when its file is closed would go on when bus mastering
 *   comes back. So dma_open() waits for the end of it, with bus mastering off.
 * - Its one MSI is sent by a register, once for each write to it, and by nothing else that is done
 *   here. Without MSI the same register raises its interrupt pin, and another lowers it.
 *
 * A range outside the buffer makes QEMU stop or worse; the limits keep every access inside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "driver.h"
#include "registers.h"

#define BUFFER 0x40000 /* where the device's buffer lies for its own DMA engine */
#define BUFFER_SIZE 4096

#define RAISE 0x60
#define ACKNOWLEDGE 0x64
/* These three have 64 bits. A write of 32 sets them all, and more is never needed. */
#define SOURCE 0x80
#define DESTINATION 0x88
#define COUNT 0x90
#define COMMAND 0x98

#define COMMAND_RUN 0x1
#define COMMAND_TO_MEMORY 0x2

#define INTERRUPT 0x1

#define DEADLINE_NS 10000000000ULL
#define POLL_NS 2000000

/* The rings: what the device loads, and where it shows what it holds. */
struct rings {
	uint8_t load[BUFFER_SIZE];
	uint8_t shown[BUFFER_SIZE];
};

static bool match(uint16_t vendor, uint16_t device, uint32_t class)
{
	return vendor == 0x1234 && device == 0x11e8 && class == 0x00ff00;
}

static uint64_t load_iova(const struct dma *dma)
{
	return dma->rings_iova + offsetof(struct rings, load);
}

static uint64_t shown_iova(const struct dma *dma)
{
	return dma->rings_iova + offsetof(struct rings, shown);
}

/* Until nothing is under way. Looks now and then: each look stops the emulator. */
static void wait_until_idle(const struct dma *dma)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint64_t start = measure_now();
	bool late = false;

	/* Looked at once more after the deadline: this process may have been away that long. */
	while (register_read(dma->function.bar[0], COMMAND) & COMMAND_RUN) {
		if (late)
			cts_lab_error("edu: an access has not come to its end after 10 s");
		late = measure_now() - start > DEADLINE_NS;
		nanosleep(&pause, NULL);
	}
	__sync_synchronize();
}

static void start(const struct dma *dma, uint32_t direction, uint64_t iova, size_t length)
{
	volatile void *bar = dma->function.bar[0];

	register_write(bar, SOURCE, direction ? BUFFER : (uint32_t)iova);
	register_write(bar, DESTINATION, direction ? (uint32_t)iova : BUFFER);
	register_write(bar, COUNT, (uint32_t)length);
	register_write(bar, COMMAND, COMMAND_RUN | direction);
}

static void transfer(const struct dma *dma, uint32_t direction, uint64_t iova, size_t length)
{
	start(dma, direction, iova, length);
	wait_until_idle(dma);
}

static void load_from(const struct dma *dma, uint64_t iova, size_t length)
{
	transfer(dma, 0, iova, length);
}

static void store_to(const struct dma *dma, uint64_t iova, size_t length)
{
	transfer(dma, COMMAND_TO_MEMORY, iova, length);
}

/*
 * Has the device show the first @length bytes of its buffer in the rings; false if they can't be
 * reached. What it shows may by chance be what was there, but not twice.
 */
static bool show(const struct dma *dma, size_t length)
{
	static const uint8_t marks[] = { 0x5a, 0xa5 };
	volatile uint8_t *shown = ((struct rings *)dma->rings)->shown;
	uint8_t changed = 0;
	size_t i, j;

	for (i = 0; i < 2 && !changed; i++) {
		memset((void *)shown, marks[i], length);
		store_to(dma, shown_iova(dma), length);
		for (j = 0; j < length; j++)
			changed |= shown[j] ^ marks[i];
	}
	return changed;
}

static void edu_open(struct dma *dma)
{
	function_map_bar(&dma->function, 0);
	wait_until_idle(dma);
	dma->state = malloc(sizeof(uint64_t));
	cts_lab_require(dma->state, "memory for the state of a device");
	*(uint64_t *)dma->state = measure_now() | 1;
}

static void edu_close(struct dma *dma)
{
	wait_until_idle(dma);
}

/* Bytes that are not those of the last time (xorshift64, from a seed that isn't 0). */
static void choose(struct dma *dma, uint8_t *bytes, size_t length)
{
	uint64_t *state = dma->state;
	size_t i;

	for (i = 0; i < length; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		bytes[i] = (uint8_t)*state;
	}
}

static int edu_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	struct rings *rings = dma->rings;
	bool known;

	choose(dma, rings->load, length);
	load_from(dma, load_iova(dma), length);
	known = show(dma, length) && !memcmp(rings->shown, rings->load, length);
	store_to(dma, iova, length);
	if (!known)
		return -ETIMEDOUT;
	memcpy(wrote, rings->load, length);
	return 0;
}

static int edu_read(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	struct rings *rings = dma->rings;

	load_from(dma, iova, length);
	if (!show(dma, length))
		return -ETIMEDOUT;
	memcpy(saw, rings->shown, length);
	return 0;
}

static int edu_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length)
{
	load_from(dma, from, length);
	store_to(dma, to, length);
	return 0;
}

static void edu_launch(struct dma *dma, uint64_t iova, size_t length)
{
	struct rings *rings = dma->rings;

	if (length > BUFFER_SIZE)
		length = BUFFER_SIZE;
	choose(dma, rings->load, length);
	load_from(dma, load_iova(dma), length);
	start(dma, COMMAND_TO_MEMORY, iova, length);
}

static void edu_raise(struct dma *dma)
{
	register_write(dma->function.bar[0], RAISE, INTERRUPT);
}

static void edu_lower(struct dma *dma)
{
	register_write(dma->function.bar[0], ACKNOWLEDGE, INTERRUPT);
}

static void edu_send_msi(struct dma *dma)
{
	edu_raise(dma);
	edu_lower(dma);
}

const struct dma_driver dma_driver_edu = {
	.name = "edu",
	.capabilities = DMA_WRITE | DMA_READ | DMA_COPY | DMA_MSI | DMA_AUTONOMOUS | DMA_INTX,
	.silent = true,
	.rings_size = sizeof(struct rings),
	.highest_iova = (1U << 28) - 1,
	.write_limits = { .smallest = DMA_WRITE_SHORTEST,
			  .largest = BUFFER_SIZE,
			  .step = 1,
			  .align = 1 },
	.read_limits = { .smallest = 1, .largest = BUFFER_SIZE, .step = 1, .align = 1 },
	.access_ns = 300000000,
	.refused_ns = 400000000,
	.msi_index = VFIO_PCI_MSI_IRQ_INDEX,
	.idle = { .offset = SOURCE, .size = 8 },
	.match = match,
	.open = edu_open,
	.close = edu_close,
	.write = edu_write,
	.read = edu_read,
	.copy = edu_copy,
	.send_msi = edu_send_msi,
	.launch = edu_launch,
	.raise_intx = edu_raise,
	.lower_intx = edu_lower,
};
