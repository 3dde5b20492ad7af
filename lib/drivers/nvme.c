// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any NVMe controller (NVM Express Base Specification 1.4 and newer), by its admin queue alone: no
 * I/O queue is made and no namespace is touched.
 *
 * What a test may believe:
 * - A write is a Get Log Page of the commands supported and effects log, whose 4096 bytes are
 *   constant and learned at the first write through a buffer of the driver's own. Different parts
 *   of it are read (log page offset), so that a write differs from the one before where it is
 *   shorter than the log. Nearly all of the log is zeros and small numbers: it takes a canary to
 *   see that something was written.
 * - A command is over when its completion is in the queue, and one is under way at a time. The
 *   completion queue, the submission queue and the buffer are the rings: where the device can't
 *   reach them, nothing of a command happens, the access ends with -ETIMEDOUT and the controller
 *   is reset.
 * - A refused transfer is -EIO if the controller says so (Data Transfer Error). QEMU's controller
 *   (1b36:0010, hw/nvme/ctrl.c) does not: it ignores how a transfer ended, and the access ends
 *   with 0. There memory is the only witness.
 * - That controller in turn keeps the 512 bytes of the Host Behavior Support feature as they are,
 *   and shows them again: so it can read and copy. The specification lets a controller keep only
 *   the bits that it knows, and the one other thing that a controller reads and shows, the
 *   Timestamp, has moved on when it does; so no other controller claims DMA_READ. After a refused
 *   read QEMU's holds, and copies, zeros. The feature lasts until the controller's reset at the
 *   latest; one of its bytes hides the formats beyond the sixteenth of a namespace.
 * - The interrupt of the admin queue comes with every completion. While the eventfd is in use, the
 *   interrupt of any other command is waited for and taken away: what is left there are the ones
 *   that dma_send_msi() asked for.
 * - A virtual function is a controller of its own, which is off until the PF's has given it two
 *   queues and a vector and switched it on (Virtualization Management). Then it is driven like any.
 *   A reset of the PF's controller switches it off.
 * - A storm is a thread that starts one write after the other (storm.h). dma_launch() fills the
 *   longest submission queue that there can be with writes of the whole log and rings the doorbell
 *   once: the controller fetches and does them all by itself.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "registers.h"
#include "storm.h"

#define CAP 0x00 /* 64 bits */
#define CC 0x14
#define CSTS 0x1c
#define AQA 0x24
#define ASQ 0x28 /* 64 bits, as is the next one */
#define ACQ 0x30
#define DOORBELLS 0x1000

#define CAP_TIMEOUT(cap) ((uint64_t)((cap) >> 24 & 0xff) * 500000000) /* nanoseconds */
#define CAP_STRIDE(cap) (4U << ((cap) >> 32 & 0xf))		      /* bytes */
#define CAP_NVM_COMMANDS(cap) ((cap) >> 37 & 1)
#define CAP_SMALLEST_PAGE(cap) ((cap) >> 48 & 0xf)

#define CC_ENABLE 0x1
#define CC_ADMIN_ONLY (7U << 4)
#define CC_ENTRY_SIZES (6U << 16 | 4U << 20) /* 64 and 16 bytes */

#define CSTS_READY 0x1
#define CSTS_FATAL 0x2

#define GET_LOG_PAGE 0x02
#define IDENTIFY 0x06
#define SET_FEATURES 0x09
#define GET_FEATURES 0x0a
#define VIRTUALIZATION 0x1c

#define IDENTIFY_CONTROLLER 0x01
#define IDENTIFY_SECONDARIES 0x15

/* What Virtualization Management does, with what, and to whom. */
#define PRIMARY_KEEPS 1
#define SECONDARY_GETS 8
#define SECONDARY_ON 9
#define QUEUES (0U << 8)
#define VECTORS (1U << 8)
#define TO(controller) ((uint32_t)(controller) << 16)

#define LOG_EFFECTS 0x05
#define FEATURE_NUMBER_OF_QUEUES 0x07
#define FEATURE_HOST_BEHAVIOR 0x16

#define STATUS_TRANSFER_ERROR 0x04 /* generic command status */

#define ENTRIES 16
#define MOST_ENTRIES 4096 /* of an admin queue */
#define PAGE 4096	  /* as the controller is set to */
#define LOG_SIZE 4096
#define FEATURE_SIZE 512

/* How long a command may take that the controller doesn't end, nanoseconds. */
#define DEADLINE_NS 5000000000ULL
#define INTERRUPT_DEADLINE_MS 1000

/* A submission queue entry. */
struct command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t namespace;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t dword10;
	uint32_t dword11;
	uint32_t dword12;
	uint32_t dword13;
	uint32_t dword14;
	uint32_t dword15;
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t head;
	uint16_t queue;
	uint16_t id;
	uint16_t status; /* bit 0 is the phase */
};

/* Each queue at the start of a page. */
struct rings {
	struct command submitted[MOST_ENTRIES] __attribute__((aligned(PAGE)));
	struct completion completed[MOST_ENTRIES] __attribute__((aligned(PAGE)));
	uint8_t buffer[LOG_SIZE] __attribute__((aligned(PAGE)));
};

struct nvme {
	uint32_t stride;
	uint64_t timeout; /* of switching on and off, nanoseconds */
	uint32_t configuration;
	uint16_t next;	/* entry of both queues */
	uint16_t phase; /* of the next completion */
	bool deaf;	/* an interrupt did not come */
	uint8_t log[LOG_SIZE];
	bool log_known;
	size_t offset;	/* in the log, of the last write */
	bool has_given; /* what it had for VFs is free for them */
	struct storm storm;
};

static bool is_controller(uint32_t class)
{
	return class == 0x010802;
}

static bool is_qemu(uint16_t vendor, uint16_t device)
{
	return vendor == 0x1b36 && device == 0x0010;
}

static bool match(uint16_t vendor, uint16_t device, uint32_t class)
{
	return is_controller(class) && !is_qemu(vendor, device);
}

static bool match_qemu(uint16_t vendor, uint16_t device, uint32_t class)
{
	return is_controller(class) && is_qemu(vendor, device);
}

static uint64_t buffer_iova(const struct dma *dma)
{
	return dma->rings_iova + offsetof(struct rings, buffer);
}

static void disable(const struct dma *dma)
{
	const struct nvme *nvme = dma->state;
	volatile void *bar = dma->function.bar[0];

	register_write(bar, CC, 0);
	if (!register_wait(bar, CSTS, CSTS_READY, 0, nvme->timeout))
		cts_lab_error("nvme: the controller doesn't stop");
}

/* From any state to an empty pair of queues of @entries each. Reaches no memory. */
static void restart(struct dma *dma, uint32_t entries)
{
	struct nvme *nvme = dma->state;
	struct rings *rings = dma->rings;
	volatile void *bar = dma->function.bar[0];

	disable(dma);
	memset(rings->completed, 0, entries * sizeof(rings->completed[0]));
	nvme->next = 0;
	nvme->phase = 1;
	register_write(bar, AQA, (entries - 1) << 16 | (entries - 1));
	register_write64(bar, ASQ, dma->rings_iova + offsetof(struct rings, submitted));
	register_write64(bar, ACQ, dma->rings_iova + offsetof(struct rings, completed));
	register_write(bar, CC, nvme->configuration | CC_ENABLE);
	if (!register_wait(bar, CSTS, CSTS_READY, CSTS_READY, nvme->timeout))
		cts_lab_error("nvme: the controller doesn't start");
}

static void nvme_open(struct dma *dma)
{
	struct nvme *nvme = calloc(1, sizeof(*nvme));
	uint64_t cap;

	cts_lab_require(nvme, "memory for the state of a device");
	dma->state = nvme;
	cap = register_read64(function_map_bar(&dma->function, 0), CAP);
	if (CAP_SMALLEST_PAGE(cap))
		cts_lab_error("nvme: the controller has no pages of %u bytes", PAGE);
	nvme->stride = CAP_STRIDE(cap);
	nvme->timeout = CAP_TIMEOUT(cap);
	nvme->configuration = CC_ENTRY_SIZES | (CAP_NVM_COMMANDS(cap) ? 0 : CC_ADMIN_ONLY);
	restart(dma, ENTRIES);
}

static void nvme_close(struct dma *dma)
{
	struct nvme *nvme = dma->state;

	storm_stop(&nvme->storm);
	disable(dma);
}

/*
 * Waits for the completion of the one command that is under way: its status without the phase, -1
 * if it doesn't come. The register is looked at now and then only: that is slow.
 */
static int wait_for_completion(const struct dma *dma)
{
	const struct nvme *nvme = dma->state;
	const struct rings *rings = dma->rings;
	const volatile struct completion *entry = &rings->completed[nvme->next];
	uint64_t start = measure_now();
	unsigned int looks = 0;
	bool late = false;
	uint16_t status;

	/* Looked at once more after the deadline: this process may have been away that long. */
	while (((status = le16toh(entry->status)) & 1) != nvme->phase) {
		if (late)
			return -1;
		if (++looks % 256)
			continue;
		late = register_read(dma->function.bar[0], CSTS) & CSTS_FATAL ||
		       measure_now() - start > DEADLINE_NS;
		sched_yield();
	}
	__sync_synchronize();
	if (le16toh(entry->id) != nvme->next)
		cts_lab_error("nvme: completion of command %u, not of %u", le16toh(entry->id),
			      nvme->next);
	return status >> 1;
}

/* Takes the interrupt of a completion away, if interrupts are in use. */
static void swallow_interrupt(struct dma *dma)
{
	struct pollfd events = { .fd = dma->msi_eventfd, .events = POLLIN };
	struct nvme *nvme = dma->state;
	uint64_t count;

	if (dma->msi_eventfd < 0 || nvme->deaf)
		return;
	if (poll(&events, 1, INTERRUPT_DEADLINE_MS) == 1)
		cts_require(read(dma->msi_eventfd, &count, sizeof(count)) == sizeof(count),
			    "read of an eventfd");
	else
		nvme->deaf = true;
}

/* Runs @command to its end, all but its interrupt: 0, -EIO or -ETIMEDOUT. */
static int submit(struct dma *dma, const struct command *command)
{
	struct nvme *nvme = dma->state;
	struct rings *rings = dma->rings;
	volatile void *bar = dma->function.bar[0];
	int status;

	rings->submitted[nvme->next] = *command;
	rings->submitted[nvme->next].id = htole16(nvme->next);
	register_write(bar, DOORBELLS, (nvme->next + 1) % ENTRIES);
	status = wait_for_completion(dma);
	if (status < 0) {
		restart(dma, ENTRIES);
		return -ETIMEDOUT;
	}
	nvme->next = (nvme->next + 1) % ENTRIES;
	if (!nvme->next)
		nvme->phase ^= 1;
	register_write(bar, DOORBELLS + nvme->stride, nvme->next);
	if ((status & 0x7ff) == STATUS_TRANSFER_ERROR)
		return -EIO;
	if (status & 0x7ff)
		cts_lab_error("nvme: admin command %#x ended with status %#x", command->opcode,
			      status & 0x7ff);
	return 0;
}

/* The same for a command that transfers @length bytes, at most a page of them, at @iova. */
static int transfer(struct dma *dma, struct command command, uint64_t iova, size_t length)
{
	uint64_t next_page = (iova | (PAGE - 1)) + 1;
	int status;

	command.prp1 = htole64(iova);
	if (iova + length > next_page)
		command.prp2 = htole64(next_page);
	status = submit(dma, &command);
	if (status != -ETIMEDOUT)
		swallow_interrupt(dma);
	return status;
}

/* Asks for @length bytes of the log from @offset on. */
static struct command get_log_command(size_t offset, size_t length)
{
	return (struct command){
		.opcode = GET_LOG_PAGE,
		.namespace = htole32(0xffffffff),
		.dword10 = htole32(LOG_EFFECTS | (uint32_t)(length / 4 - 1) << 16),
		.dword12 = htole32((uint32_t)offset),
	};
}

static int get_log(struct dma *dma, size_t offset, uint64_t iova, size_t length)
{
	return transfer(dma, get_log_command(offset, length), iova, length);
}

static int learn_log(struct dma *dma)
{
	struct nvme *nvme = dma->state;
	struct rings *rings = dma->rings;
	int status;

	if (nvme->log_known)
		return 0;
	memset(rings->buffer, 0xff, LOG_SIZE);
	status = get_log(dma, 0, buffer_iova(dma), LOG_SIZE);
	if (status)
		return status;
	/* The last bytes are reserved, so zero; or the rings were out of reach while it wrote. */
	if (rings->buffer[LOG_SIZE - 1])
		return -ETIMEDOUT;
	memcpy(nvme->log, rings->buffer, LOG_SIZE);
	nvme->log_known = true;
	return 0;
}

/* A part of the log of @length bytes that differs from the one of last time, if there is one. */
static size_t other_offset(const struct nvme *nvme, size_t length)
{
	size_t places = (LOG_SIZE - length) / 4 + 1;
	size_t last = nvme->offset / 4 % places, i;

	for (i = 1; i < places; i++) {
		size_t offset = (last + i) % places * 4;

		if (memcmp(nvme->log + offset, nvme->log + last * 4, length))
			return offset;
	}
	return last * 4;
}

static int nvme_write(struct dma *dma, uint64_t iova, size_t length, void *wrote)
{
	struct nvme *nvme = dma->state;
	int status = learn_log(dma);

	if (status)
		return status;
	nvme->offset = other_offset(nvme, length);
	status = get_log(dma, nvme->offset, iova, length);
	if (!status)
		memcpy(wrote, nvme->log + nvme->offset, length);
	return status;
}

/* SET_FEATURES: has the controller read the feature's bytes; GET_FEATURES: write them. */
static int host_behavior(struct dma *dma, uint8_t opcode, uint64_t iova)
{
	struct command command = {
		.opcode = opcode,
		.dword10 = htole32(FEATURE_HOST_BEHAVIOR),
	};

	return transfer(dma, command, iova, FEATURE_SIZE);
}

static int nvme_copy(struct dma *dma, uint64_t from, uint64_t to, size_t length)
{
	int status = 0;
	size_t done;

	for (done = 0; done < length && !status; done += FEATURE_SIZE) {
		status = host_behavior(dma, SET_FEATURES, from + done);
		if (!status)
			status = host_behavior(dma, GET_FEATURES, to + done);
	}
	return status;
}

static int nvme_read(struct dma *dma, uint64_t iova, size_t length, void *saw)
{
	struct rings *rings = dma->rings;
	int status = nvme_copy(dma, iova, buffer_iova(dma), length);

	if (!status)
		memcpy(saw, rings->buffer, length);
	return status;
}

static void nvme_send_msi(struct dma *dma)
{
	struct command command = {
		.opcode = GET_FEATURES,
		.dword10 = htole32(FEATURE_NUMBER_OF_QUEUES),
	};

	if (submit(dma, &command))
		cts_lab_error(
			"nvme: the controller can't reach its queues, so it sends no interrupt");
}

static void nvme_storm_start(struct dma *dma, uint64_t iova, size_t length)
{
	struct nvme *nvme = dma->state;

	storm_start(&nvme->storm, dma, iova, length);
}

static int nvme_storm_stop(struct dma *dma)
{
	struct nvme *nvme = dma->state;

	return storm_stop(&nvme->storm);
}

static void nvme_launch(struct dma *dma, uint64_t iova, size_t length)
{
	struct rings *rings = dma->rings;
	uint32_t i;

	restart(dma, MOST_ENTRIES);
	for (i = 0; i < MOST_ENTRIES - 1; i++) {
		rings->submitted[i] = get_log_command(0, LOG_SIZE);
		rings->submitted[i].id = htole16((uint16_t)i);
		rings->submitted[i].prp1 = htole64(iova + (uint64_t)i * LOG_SIZE % length);
	}
	register_write(dma->function.bar[0], DOORBELLS, MOST_ENTRIES - 1);
}

/* Has the controller describe itself in the rings. */
static void identify(struct dma *dma, uint32_t what)
{
	struct command command = { .opcode = IDENTIFY, .dword10 = htole32(what) };

	if (transfer(dma, command, buffer_iova(dma), LOG_SIZE))
		cts_lab_error("nvme: the controller doesn't identify itself");
}

static void virtualize(struct dma *dma, uint32_t what, uint32_t count)
{
	const struct command command = {
		.opcode = VIRTUALIZATION,
		.dword10 = htole32(what),
		.dword11 = htole32(count),
	};

	if (submit(dma, &command))
		cts_lab_error("nvme: the controller gives its VFs nothing");
	swallow_interrupt(dma);
}

/* A secondary controller, as it stands in the list of them behind 32 bytes of header. */
struct secondary {
	uint16_t id;
	uint16_t primary;
	uint8_t state;
	uint8_t reserved[3];
	uint16_t function; /* number of the VF, from 1 */
	uint16_t queues;
	uint16_t vectors;
	uint8_t reserved2[18];
};

_Static_assert(sizeof(struct secondary) == 32, "NVM Express, Secondary Controller List");

static int nvme_bring_up_vf(struct dma *dma, unsigned int index)
{
	struct nvme *nvme = dma->state;
	const struct rings *rings = dma->rings;
	const struct secondary *entry;
	uint16_t id = 0;
	int i;

	identify(dma, IDENTIFY_CONTROLLER);
	/* Optional Admin Command Support, bit 7. */
	if (!(rings->buffer[256] & 0x80))
		return -EOPNOTSUPP;
	if (!nvme->has_given) {
		virtualize(dma, PRIMARY_KEEPS | QUEUES, 0);
		virtualize(dma, PRIMARY_KEEPS | VECTORS, 0);
		restart(dma, ENTRIES);
		nvme->has_given = true;
	}
	identify(dma, IDENTIFY_SECONDARIES);
	entry = (const struct secondary *)rings->buffer + 1;
	for (i = 0; i < rings->buffer[0] && !id; i++)
		if (le16toh(entry[i].function) == index + 1)
			id = le16toh(entry[i].id);
	if (!id)
		return -EOPNOTSUPP;
	virtualize(dma, SECONDARY_GETS | QUEUES | TO(id), 2);
	virtualize(dma, SECONDARY_GETS | VECTORS | TO(id), 1);
	virtualize(dma, SECONDARY_ON | TO(id), 0);
	return 0;
}

const struct dma_driver dma_driver_nvme = {
	.name = "nvme",
	.capabilities = DMA_WRITE | DMA_MSI | DMA_STORM | DMA_AUTONOMOUS,
	.rings_size = sizeof(struct rings),
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = 4, .largest = LOG_SIZE, .step = 4, .align = 4 },
	.access_ns = 20000,
	.refused_ns = DEADLINE_NS,
	.msi_index = VFIO_PCI_MSIX_IRQ_INDEX,
	/* A half of where the queue is, of which a controller that is off takes no notice. */
	.idle = { .offset = ASQ + 4, .size = 4 },
	.match = match,
	.open = nvme_open,
	.close = nvme_close,
	.write = nvme_write,
	.send_msi = nvme_send_msi,
	.storm_start = nvme_storm_start,
	.storm_stop = nvme_storm_stop,
	.launch = nvme_launch,
	.bring_up_vf = nvme_bring_up_vf,
};

const struct dma_driver dma_driver_nvme_qemu = {
	.name = "nvme-qemu",
	.capabilities = DMA_WRITE | DMA_READ | DMA_COPY | DMA_MSI | DMA_STORM | DMA_AUTONOMOUS,
	.silent = true,
	.rings_size = sizeof(struct rings),
	.highest_iova = UINT64_MAX,
	.write_limits = { .smallest = 4, .largest = LOG_SIZE, .step = 4, .align = 4 },
	.read_limits = { .smallest = 512, .largest = LOG_SIZE, .step = 512, .align = 4 },
	.access_ns = 20000,
	.refused_ns = 1000000,
	.msi_index = VFIO_PCI_MSIX_IRQ_INDEX,
	/* A half of where the queue is, of which a controller that is off takes no notice. */
	.idle = { .offset = ASQ + 4, .size = 4 },
	.match = match_qemu,
	.open = nvme_open,
	.close = nvme_close,
	.write = nvme_write,
	.read = nvme_read,
	.copy = nvme_copy,
	.send_msi = nvme_send_msi,
	.storm_start = nvme_storm_start,
	.storm_stop = nvme_storm_stop,
	.launch = nvme_launch,
	.bring_up_vf = nvme_bring_up_vf,
};
