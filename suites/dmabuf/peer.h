/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA from device to device: the device under test writes to registers of another one, its peer.
 *
 * Those registers are the table of MSI-X, the one place in a BAR that is alike in every device: as
 * long as MSI-X is off nothing comes of what it holds (PCI Express Base Specification, MSI-X Table
 * Structure). Of an entry of 16 bytes the upper half of the address and the data hold all that is
 * written to them, and are what is looked at.
 */
#ifndef DMABUF_PEER_H
#define DMABUF_PEER_H

#include <dirent.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "../ioas/calls.h"
#include "../pci/bar.h"
#include "dmabuf.h"
#include "dut.h"

#define ENTRY 16 /* bytes */
#define ENTRY_UPPER 4
#define ENTRY_DATA 8

/* The longest write of any test, bytes. */
#define LONGEST 4096

struct peer {
	char bdf[SYSFS_BDF];
	struct bound bound; /* to the iommufd of the device under test */
	uint32_t bar;
	uint64_t table; /* where the table is in the BAR, bytes */
	uint32_t entries;
};

FIXTURE(peer)
{
	struct dut dut; /* attached */
	struct peer peer;
	size_t page;
	size_t length; /* of a write, whole entries */
	uint64_t iova; /* of as many bytes as the BAR has, free */
};

/* Finds the table of the bound function: false if there is none that can be mapped. */
static inline bool peer_find_table(struct peer *peer)
{
	const struct function *function = &peer->bound.function;
	uint32_t msix = function_capability(function, PCI_CAP_ID_MSIX), word;

	if (!msix)
		return false;
	word = function_config_read(function, msix + PCI_MSIX_TABLE, 4);
	peer->bar = word & PCI_MSIX_TABLE_BIR;
	peer->table = word & PCI_MSIX_TABLE_OFFSET;
	word = function_config_read(function, msix + PCI_MSIX_FLAGS, 2);
	peer->entries = (word & PCI_MSIX_FLAGS_QSIZE) + 1;
	return function->region[peer->bar].flags & VFIO_REGION_INFO_FLAG_MMAP &&
	       function->region[peer->bar].size % page_size() == 0;
}

/* Opens peer->bdf, for the first time or again, and binds it to @iommufd. 0 or -errno. */
static inline int peer_open(struct peer *peer, int iommufd)
{
	struct bound *bound = &peer->bound;
	int rc;

	bound->device = vfio_open_function(peer->bdf);
	rc = __vfio_bind(bound->device, iommufd, &bound->device_id);
	if (rc) {
		cts_close(&bound->device);
		return rc;
	}
	function_init(&bound->function, bound->device);
	return 0;
}

/* Is @bdf a function of another group that can be bound and has a table of @entries or more? */
static inline bool peer_try(struct peer *peer, const char *bdf, int iommufd, size_t entries)
{
	char path[SYSFS_PATH], ours[SYSFS_PATH], theirs[SYSFS_PATH];

	if (!strchr(bdf, ':') || strlen(bdf) >= SYSFS_BDF || !strcmp(bdf, sysfs_device()) ||
	    __sysfs_cdev_path_of(bdf, path))
		return false;
	if (__sysfs_group_path(ours) || __sysfs_group_path_of(bdf, theirs) || !strcmp(ours, theirs))
		return false;
	strcpy(peer->bdf, bdf);
	if (peer_open(peer, iommufd))
		return false;
	if (peer_find_table(peer) && peer->entries >= entries)
		return true;
	bound_close_device(&peer->bound);
	return false;
}

/* Finds a peer among the functions that the driver of the device under test has. */
static inline bool peer_find(struct peer *peer, int iommufd, size_t entries)
{
	char driver[SYSFS_PATH], path[2 * SYSFS_PATH];
	struct dirent **functions;
	bool found = false;
	int count, i;

	sysfs_driver(driver);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", driver);
	count = scandir(path, &functions, NULL, alphasort);
	cts_lab_require(count >= 0, "%s", path);
	for (i = 0; i < count; i++) {
		found = found || peer_try(peer, functions[i]->d_name, iommufd, entries);
		free(functions[i]);
	}
	free(functions);
	return found;
}

/* The table, through a mapping of the processor's. */
static inline volatile uint8_t *peer_table(struct peer *peer)
{
	return (volatile uint8_t *)function_map_bar(&peer->bound.function, peer->bar) + peer->table;
}

/* What a register is filled with: no two are alike, and no device is likely to write one. */
static inline uint32_t peer_canary(uint32_t entry, uint32_t field)
{
	return 0xc5000000 | entry << 8 | 0x90 | field;
}

static inline void peer_fill(struct peer *peer)
{
	volatile uint8_t *table = peer_table(peer);
	uint32_t i;

	for (i = 0; i < peer->entries; i++) {
		*(volatile uint32_t *)(table + i * ENTRY + ENTRY_UPPER) =
			htole32(peer_canary(i, ENTRY_UPPER));
		*(volatile uint32_t *)(table + i * ENTRY + ENTRY_DATA) =
			htole32(peer_canary(i, ENTRY_DATA));
	}
}

/*
 * Do the entries of the first @length bytes hold what is at @expected, and the others what they
 * were filled with?
 */
static inline bool peer_holds(struct peer *peer, const uint8_t *expected, size_t length)
{
	static const uint32_t fields[] = { ENTRY_UPPER, ENTRY_DATA };
	const volatile uint8_t *table = peer_table(peer);
	uint32_t i, k;

	for (i = 0; i < peer->entries; i++) {
		for (k = 0; k < ARRAY_SIZE(fields); k++) {
			uint32_t at = i * ENTRY + fields[k], is, wanted;

			is = *(const volatile uint32_t *)(table + at);
			wanted = htole32(peer_canary(i, fields[k]));
			if (at < length)
				memcpy(&wanted, expected + at, sizeof(wanted));
			if (is != wanted)
				return false;
		}
	}
	return true;
}

/*
 * Makes the device write at @iova, and says what became of the table: "the table", it holds what
 * was written; "nothing"; or "something else". What the device says of its write doesn't count.
 */
static inline const char *peer_write(FIXTURE_DATA(peer) * self, uint64_t iova)
{
	uint8_t wrote[LONGEST];

	memset(wrote, 0, sizeof(wrote));
	peer_fill(&self->peer);
	dma_write(self->dut.dma, iova, self->length, wrote);
	if (peer_holds(&self->peer, NULL, 0))
		return "nothing";
	return peer_holds(&self->peer, wrote, self->length) ? "the table" : "something else";
}

#define EXPECT_WRITE(what, self, iova) EXPECT_STREQ(what, peer_write(self, iova))

/* Maps @length bytes of the dma-buf @fd from @start on, at the IOVA of the fixture: 0 or -errno. */
static inline int peer_map(const FIXTURE_DATA(peer) * self, int fd, uint64_t start, uint64_t length)
{
	uint64_t iova = self->iova;

	return map_file(self->dut.iommufd, self->dut.ioas, FIXED | READ_WRITE, fd, start, length,
			&iova);
}

/* The pages of the BAR that the table's beginning, as long as a write, lies in. */
static inline uint64_t peer_first_page(const FIXTURE_DATA(peer) * self)
{
	return self->peer.table & ~((uint64_t)self->page - 1);
}

static inline uint64_t peer_pages(const FIXTURE_DATA(peer) * self)
{
	uint64_t end = self->peer.table + self->length + self->page - 1;

	return (end & ~((uint64_t)self->page - 1)) - peer_first_page(self);
}

/* Where the table is in them, bytes. */
static inline uint64_t peer_in_page(const FIXTURE_DATA(peer) * self)
{
	return self->peer.table - peer_first_page(self);
}

/* A dma-buf of just them. */
static inline int peer_export(const FIXTURE_DATA(peer) * self)
{
	return dmabuf_export(self->peer.bound.device, self->peer.bar, peer_first_page(self),
			     peer_pages(self));
}

FIXTURE_SETUP(peer)
{
	const struct dma_limits *limits;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	DMABUF_OR_SKIP(self->dut.device);
	MAP_FILE_OR_SKIP(self->dut.iommufd);
	limits = dma_write_limits(self->dut.dma);
	self->page = page_size();
	self->length = (limits->smallest + ENTRY - 1) / ENTRY * ENTRY;
	if (self->length % limits->step || self->length > limits->largest ||
	    self->length > LONGEST || limits->align > ENTRY)
		CTS_SKIP(DEVICE_LACKS, "the device can't write a few registers");
	if (!peer_find(&self->peer, self->dut.iommufd, self->length / ENTRY))
		CTS_SKIP(ONE_GROUP, "no other group has a device with so large a table of MSI-X");
	self->iova = iova_alloc(&self->dut.space,
				self->peer.bound.function.region[self->peer.bar].size + self->page,
				self->page);
}

FIXTURE_TEARDOWN(peer)
{
	if (self->peer.bound.function.fd)
		bound_close_device(&self->peer.bound);
	dut_close(&self->dut);
}

#endif
