// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "rid.h"

#define CONFIG_HEADER 64

bool rid_parse(const char *text, struct rid *rid)
{
	unsigned int domain, bus, device, function;
	int end = 0;

	if (strspn(text, "0123456789abcdef:.") != strlen(text) || strcspn(text, ":") < 4)
		return false;
	if (sscanf(text, "%8x:%2x:%2x.%1o%n", &domain, &bus, &device, &function, &end) != 4 ||
	    text[end] || device > 31)
		return false;
	*rid = (struct rid){ domain, (uint8_t)bus, (uint8_t)(device << 3 | function) };
	return true;
}

void rid_format(const struct rid *rid, char text[RID_TEXT])
{
	snprintf(text, RID_TEXT, "%04x:%02x:%02x.%o", rid->domain, rid->bus, rid->devfn >> 3,
		 rid->devfn & 7);
}

bool rid_equal(const struct rid *a, const struct rid *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->devfn == b->devfn;
}

void rid_parse_path(const char *link, struct rid_path *path)
{
	struct rid above[RID_PATH_MAX + 1]; /* the bridges, and then the function itself */
	char part[RID_TEXT];
	size_t count = 0;

	*path = (struct rid_path){ 0 };
	while (*link) {
		size_t length = strcspn(link, "/");

		snprintf(part, sizeof(part), "%.*s", (int)length, link);
		link += length + (link[length] == '/');
		if (!strncmp(part, "pci", 3) && strchr(part, ':')) {
			/* A root bus: whatever was passed so far only leads to it. */
			path->owned = count > 0;
			if (count)
				path->owner = above[count - 1];
			count = 0;
		} else if (count <= RID_PATH_MAX && rid_parse(part, &above[count])) {
			count++;
		}
	}
	while (count > 1) {
		path->bridges[path->count] = above[count - 2];
		path->count++;
		count--;
	}
}

int rid_read_bridge(const uint8_t *config, size_t size, struct rid_bridge *bridge)
{
	unsigned int at, steps, type;

	if (size < CONFIG_HEADER)
		return -ENODATA;
	type = config[PCI_HEADER_TYPE] & 0x7f;
	if (type != PCI_HEADER_TYPE_BRIDGE && type != PCI_HEADER_TYPE_CARDBUS)
		return -EINVAL;
	*bridge = (struct rid_bridge){ .secondary = config[PCI_SECONDARY_BUS] };
	if (type == PCI_HEADER_TYPE_CARDBUS || !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	at = config[PCI_CAPABILITY_LIST] & ~3U;
	for (steps = 0; at >= CONFIG_HEADER && steps < 48; steps++) {
		if (at + PCI_EXP_FLAGS + 2 > size)
			return -ENODATA;
		if (config[at + PCI_CAP_LIST_ID] == PCI_CAP_ID_EXP) {
			bridge->express = true;
			bridge->type = (config[at + PCI_EXP_FLAGS] & PCI_EXP_FLAGS_TYPE) >> 4;
			return 0;
		}
		at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	return 0;
}

static void add(struct rid *aliases, size_t *count, struct rid alias)
{
	size_t i;

	for (i = 0; i < *count; i++) {
		if (rid_equal(&aliases[i], &alias))
			return;
	}
	aliases[(*count)++] = alias;
}

size_t rid_aliases(const struct rid_path *path, const struct rid_bridge *bridges,
		   struct rid aliases[2 * RID_PATH_MAX])
{
	size_t count = 0, i;

	if (path->owned) {
		aliases[0] = path->owner;
		return 1;
	}
	for (i = 0; i < path->count; i++) {
		const struct rid_bridge *bridge = &bridges[i];
		const struct rid_bridge *above = i + 1 < path->count ? &bridges[i + 1] : NULL;
		struct rid below = { path->bridges[i].domain, bridge->secondary, 0 };

		if (bridge->express && bridge->type == PCI_EXP_TYPE_PCI_BRIDGE) {
			add(aliases, &count, below);
		} else if (bridge->express && bridge->type == PCI_EXP_TYPE_PCIE_BRIDGE) {
			add(aliases, &count, path->bridges[i]);
		} else if (!bridge->express) {
			add(aliases, &count, path->bridges[i]);
			/*
			 * Below a PCIe port it is a PCIe-to-PCI bridge that does not say so. The
			 * kernel knows some of them; which rule such a bridge follows can't be told.
			 */
			if (above && above->express && above->type != PCI_EXP_TYPE_PCI_BRIDGE)
				add(aliases, &count, below);
		}
	}
	return count;
}
