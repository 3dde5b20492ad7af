// SPDX-License-Identifier: GPL-2.0-only
/*
 * The endpoint in software (fixtures/endpoint, docs/endpoint.md): a PCI Express function whose DMA
 * engine is told by registers, without rings or buffers in memory.
 *
 * What a test may believe:
 * - It writes bytes of the driver's choice, by a seed that is never the same twice. What it reads
 *   goes to its own memory, which a BAR shows; what was there before is not taken for it, since the
 *   result says whether the read was done.
 * - BUSY falls when an operation is over, and nothing is under way after that. A transaction has up
 *   to 64 KiB and is done or refused as a whole as far as the device knows; a refused write may
 *   have reached the pages before the one that refused it.
 * - It learns of every refusal, at once: -EIO. The device stays as it is.
 * - It puts out all 64 bits of an IOVA.
 * - Each access is translated by the virtual machine at that moment; the endpoint keeps nothing of
 *   mappings.
 * - A storm is the device's own: it goes on without the process. Each round writes other bytes than
 *   the one before.
 * - Every reset ends what is under way, but for a storm that was told to be stubborn: that goes on
 *   through resets and whatever its enable bits say, until open() or close() here. A transaction
 *   that was on its way at the reset may arrive after it.
 * - One that has a side channel tags requests with PASIDs (DMA_PASID), along the tables that it
 *   finds in memory, and keeps what it found as an IOMMU and a device with ATS do. Where PRI is
 * enabled it asks the kernel for pages that these accesses miss (DMA_PRI), in the IOMMU's place.
 * - It interrupts by MSI-X alone, and only when told to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../fixtures/endpoint/registers.h"
#include "check.h"
#include "driver.h"
#include "registers.h"
#include "rid.h"
#include "sysfs.h"

#define LENGTH_MAX 0x10000

#define DEADLINE_NS 10000000000ULL

/* What a BAR reads as where nobody answers. */
#define NOBODY 0xffffffff

struct state {
	uint64_t seed;
	size_t length; /* of what was started */
	bool reads;
	bool stubborn; /* of the next storm */
};

static bool match(uint16_t vendor, uint16_t device, uint32_t class)
{
	return vendor == ENDPOINT_VENDOR && device == ENDPOINT_DEVICE && class == ENDPOINT_CLASS;
}

/* One with a side channel. */
static bool match_pasid(uint16_t vendor, uint16_t device, uint32_t class)
{
	return vendor == ENDPOINT_VENDOR && device == ENDPOINT_DEVICE_PASID &&
	       class == ENDPOINT_CLASS;
}

static uint32_t get(const struct dma *dma, uint32_t reg)
{
	return register_read(dma->function.bar[0], reg);
}

static void set(const struct dma *dma, uint32_t reg, uint32_t value)
{
	register_write(dma->function.bar[0], reg, value);
}

/* In one access: each takes the emulator tens of microseconds. */
static void set64(const struct dma *dma, uint32_t reg, uint64_t value)
{
	volatile uint8_t *bar = dma->function.bar[0];

	*(volatile uint64_t *)(bar + reg) = htole64(value);
}

/*
 * Waits until nothing is under way and returns what the last operation ended with: 0, -EIO, or
 * -ETIMEDOUT where the function doesn't answer, because it sleeps or its BARs are off.
 */
static int wait_until_idle(const struct dma *dma)
{
	uint32_t result;

	if (!register_wait(dma->function.bar[0], ENDPOINT_BUSY, 1, 0, DEADLINE_NS)) {
		if (get(dma, ENDPOINT_BUSY) == NOBODY)
			return -ETIMEDOUT;
		cts_lab_error("endpoint: an operation has not come to its end after 10 s");
	}
	result = get(dma, ENDPOINT_RESULT);
	switch (result) {
	case ENDPOINT_GOOD:
		return 0;
	case ENDPOINT_READ_REFUSED:
	case ENDPOINT_WRITE_REFUSED:
	case ENDPOINT_NO_MASTER:
	case ENDPOINT_NO_PASID:
		return -EIO;
	case ENDPOINT_NOT_ASKED:
		cts_lab_error("endpoint: a page request was not taken: %s",
			      strerror((int)get(dma, ENDPOINT_DETAIL)));
	default:
		cts_lab_error("endpoint: an operation has ended with %u", result);
	}
}

/* SOURCE and DESTINATION are set. */
static void start(const struct dma *dma, uint32_t operation, size_t length)
{
	set(dma, ENDPOINT_LENGTH, (uint32_t)length);
	set(dma, ENDPOINT_DOORBELL, operation);
}

static int operate(const struct dma *dma, uint32_t operation, size_t length)
{
	start(dma, operation, length);
	return wait_until_idle(dma);
}

/* Ends a storm, however stubborn. */
static void calm(struct dma *dma)
{
	set(dma, ENDPOINT_STUBBORN, 0);
	set(dma, ENDPOINT_VECTOR, ENDPOINT_NO_VECTOR);
	set(dma, ENDPOINT_DOORBELL, ENDPOINT_STOP);
	register_wait(dma->function.bar[0], ENDPOINT_BUSY, 1, 0, DEADLINE_NS);
}

static void endpoint_open(struct dma *dma)
{
	struct state *state = calloc(1, sizeof(*state));

	cts_lab_require(state, "memory for the state of a device");
	state->seed = measure_now();
	dma->state = state;
	function_map_bar(&dma->function, 0);
	function_map_bar(&dma->function, 2);
	if (get(dma, ENDPOINT_ID) != ENDPOINT_ID_VALUE)
		cts_lab_error("endpoint: its id is %#x", get(dma, ENDPOINT_ID));
	calm(dma);
}

static void new_seed(const struct dma *dma)
{
	struct state *state = dma->state;

	set64(dma, ENDPOINT_SEED, ++state->seed);
}

/* FILL and LOAD, or what has their place with a PASID. */
static void start_write(struct dma *dma, uint32_t operation, uint64_t iova, size_t length)
{
	struct state *state = dma->state;

	new_seed(dma);
	set64(dma, ENDPOINT_DESTINATION, iova);
	state->length = length;
	state->reads = false;
	start(dma, operation, length);
}

static void start_read(struct dma *dma, uint32_t operation, uint64_t iova, size_t length)
{
	struct state *state = dma->state;

	set64(dma, ENDPOINT_SOURCE, iova);
	set64(dma, ENDPOINT_DESTINATION, 0);
	state->length = length;
	state->reads = true;
	start(dma, operation, length);
}

static int finish(struct dma *dma, void *moved)
{
	const struct state *state = dma->state;
	int status = wait_until_idle(dma);
	uint8_t *bytes = moved;
	size_t i;

	if (!status && state->reads)
		memcpy(moved, (const void *)dma->function.bar[2], state->length);
	for (i = 0; !status && !state->reads && i < state->length; i++)
		bytes[i] = endpoint_byte(state->seed, i);
	return status;
}

static int write_by(struct dma *dma, uint32_t operation, uint64_t iova, size_t length, void *wrote)
{
	start_write(dma, operation, iova, length);
	return finish(dma, wrote);
}

static int read_by(struct dma *dma, uint32_t operation, uint64_t iova, size_t length, void *saw)
{
	start_read(dma, operation, iova, length);
	return finish(dma, saw);
}

static int endpoint_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	return write_by(dma, ENDPOINT_FILL, iova, length, wrote);
}

static int endpoint_read(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	return read_by(dma, ENDPOINT_LOAD, iova, length, saw);
}

static int endpoint_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length)
{
	set64(dma, ENDPOINT_SOURCE, from);
	set64(dma, ENDPOINT_DESTINATION, to);
	return operate(dma, ENDPOINT_COPY, length);
}

static void endpoint_send_msi(struct dma *dma)
{
	set(dma, ENDPOINT_VECTOR, 0);
	set(dma, ENDPOINT_DOORBELL, ENDPOINT_INTERRUPT);
	wait_until_idle(dma);
	set(dma, ENDPOINT_VECTOR, ENDPOINT_NO_VECTOR);
}

static void endpoint_storm_start(struct dma *dma, uint64_t iova, size_t length)
{
	const struct state *state = dma->state;

	new_seed(dma);
	set64(dma, ENDPOINT_DESTINATION, iova);
	set(dma, ENDPOINT_LENGTH, (uint32_t)length);
	set(dma, ENDPOINT_STUBBORN, state->stubborn);
	set(dma, ENDPOINT_DOORBELL, ENDPOINT_STORM);
}

static unsigned int endpoint_storm_rounds(struct dma *dma)
{
	return get(dma, ENDPOINT_ROUNDS);
}

static int endpoint_storm_stop(struct dma *dma)
{
	set(dma, ENDPOINT_DOORBELL, ENDPOINT_STOP);
	return wait_until_idle(dma);
}

static void endpoint_make_stubborn(struct dma *dma)
{
	struct state *state = dma->state;

	state->stubborn = true;
}

static void endpoint_vanish(struct dma *dma)
{
	set(dma, ENDPOINT_DOORBELL, ENDPOINT_VANISH);
}

static void endpoint_launch(struct dma *dma, uint64_t iova, size_t length)
{
	endpoint_storm_start(dma, iova, length < LENGTH_MAX ? length : LENGTH_MAX);
}

static void use_pasid(const struct dma *dma, uint32_t pasid)
{
	struct rid rid;

	if (!rid_parse(sysfs_device(), &rid))
		cts_lab_error("%s is no address of a PCI function", sysfs_device());
	set(dma, ENDPOINT_REQUESTER, (uint32_t)rid.bus << 8 | rid.devfn);
	set(dma, ENDPOINT_PASID, pasid);
}

static int endpoint_pasid_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length,
				void *wrote)
{
	use_pasid(dma, pasid);
	return write_by(dma, ENDPOINT_PASID_FILL, iova, length, wrote);
}

static int endpoint_pasid_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length,
			       void *saw)
{
	use_pasid(dma, pasid);
	return read_by(dma, ENDPOINT_PASID_LOAD, iova, length, saw);
}

static void endpoint_ask_apart(struct dma *dma)
{
	set(dma, ENDPOINT_APART, 1);
}

static void endpoint_start_write(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length)
{
	use_pasid(dma, pasid);
	start_write(dma, ENDPOINT_PASID_FILL, iova, length);
}

static void endpoint_start_read(struct dma *dma, uint32_t pasid, uint64_t iova, size_t length)
{
	use_pasid(dma, pasid);
	start_read(dma, ENDPOINT_PASID_LOAD, iova, length);
}

static bool endpoint_goes_on(struct dma *dma)
{
	return get(dma, ENDPOINT_BUSY) == 1;
}

/* One that nobody has answered isn't the endpoint's fault. */
static int endpoint_finish(struct dma *dma, void *moved)
{
	if (!register_wait(dma->function.bar[0], ENDPOINT_BUSY, 1, 0, DEADLINE_NS))
		return -ETIMEDOUT;
	return finish(dma, moved);
}

_Static_assert(DMA_NO_PASID == ENDPOINT_WITHOUT_PASID, "a PASID is passed on as it is");

#define CAPABILITIES                                                                             \
	(DMA_WRITE | DMA_READ | DMA_COPY | DMA_MSI | DMA_STORM | DMA_AUTONOMOUS | DMA_STUBBORN | \
	 DMA_VANISH)

/* What both kinds have. */
#define EITHER                                                                                   \
	.highest_iova = UINT64_MAX,                                                              \
	.write_limits = { .smallest = DMA_WRITE_SHORTEST,                                        \
			  .largest = LENGTH_MAX,                                                 \
			  .step = 1,                                                             \
			  .align = 1 },                                                          \
	.read_limits = { .smallest = 1, .largest = LENGTH_MAX, .step = 1, .align = 1 },          \
	.access_ns = 1000000, .refused_ns = 1000000, .msi_index = VFIO_PCI_MSIX_IRQ_INDEX,       \
	.idle = { .offset = ENDPOINT_SCRATCH, .size = 8 }, .open = endpoint_open, .close = calm, \
	.write = endpoint_write, .read = endpoint_read, .copy = endpoint_copy,                   \
	.send_msi = endpoint_send_msi, .storm_start = endpoint_storm_start,                      \
	.storm_rounds = endpoint_storm_rounds, .storm_stop = endpoint_storm_stop,                \
	.make_stubborn = endpoint_make_stubborn, .launch = endpoint_launch,                      \
	.vanish = endpoint_vanish

const struct dma_driver dma_driver_endpoint = {
	.name = "endpoint",
	.capabilities = CAPABILITIES,
	.match = match,
	EITHER,
};

const struct dma_driver dma_driver_endpoint_pasid = {
	.name = "endpoint-pasid",
	.capabilities = CAPABILITIES | DMA_PASID | DMA_PRI,
	.match = match_pasid,
	.pasid_write = endpoint_pasid_write,
	.pasid_read = endpoint_pasid_read,
	.ask_apart = endpoint_ask_apart,
	.start_write = endpoint_start_write,
	.start_read = endpoint_start_read,
	.goes_on = endpoint_goes_on,
	.finish = endpoint_finish,
	EITHER,
};
