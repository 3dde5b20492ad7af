/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requester IDs: under which addresses the DMA of a PCI function can reach the IOMMU, and so under
 * which a fault of it may be logged. Nothing but libc: cts-exec is built with it too.
 *
 * Bridges to conventional PCI put an address of their own on what comes from below: PCI Express to
 * PCI/PCI-X Bridge Specification 1.0, 2.3. The kernel walks the same way, pci_for_each_dma_alias().
 * What it knows of single broken devices (drivers/pci/quirks.c) shows nowhere in sysfs and is not
 * known here.
 */
#ifndef CTS_RID_H
#define CTS_RID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RID_TEXT 20	/* "10000:e1:00.0" and longer, with its NUL */
#define RID_PATH_MAX 32 /* bridges between a function and its root bus */

struct rid {
	uint32_t domain;
	uint8_t bus;
	uint8_t devfn; /* the device in the upper five bits, the function in the lower three */
};

/* Where a function is: the bridges above it, the nearest first. */
struct rid_path {
	size_t count;
	struct rid bridges[RID_PATH_MAX];
	/*
	 * The function's root bus is itself below a function (a VMD), which stands for all that is
	 * there: @owner is valid.
	 */
	bool owned;
	struct rid owner;
};

/* What of a bridge's configuration space decides. */
struct rid_bridge {
	bool express;
	uint8_t type;	   /* PCI_EXP_TYPE_*, if express */
	uint8_t secondary; /* the number of the bus below */
};

/* "0000:01:00.0" and the like, all of @text. */
bool rid_parse(const char *text, struct rid *rid);
void rid_format(const struct rid *rid, char text[RID_TEXT]);
bool rid_equal(const struct rid *a, const struct rid *b);

/*
 * The path from where /sys/bus/pci/devices/<bdf> points to
 * ("../../../devices/pci0000:00/0000:00:1c.0/ 0000:01:00.0"). Bridges beyond RID_PATH_MAX are left
 * out.
 */
void rid_parse_path(const char *link, struct rid_path *path);

/*
 * Fills @bridge from @size bytes of a bridge's configuration space. 0, -EINVAL if it is no bridge,
 * or -ENODATA where the bytes end before the answer does: who may not read all of it gets 64 bytes.
 */
int rid_read_bridge(const uint8_t *config, size_t size, struct rid_bridge *bridge);

/*
 * The addresses that stand for a function of @path beside its own; bridges[i] is what
 * rid_read_bridge() said of path->bridges[i]. Returns how many went to @aliases, each once.
 */
size_t rid_aliases(const struct rid_path *path, const struct rid_bridge *bridges,
		   struct rid aliases[2 * RID_PATH_MAX]);

#endif
