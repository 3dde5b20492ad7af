// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <pci/pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci.h"

#define PATH 512
#define CONFIG_HEADER 64
#define CONFIG_SIZE 256

struct cts_pci {
	struct pci_access *access;
	char sysfs[PATH - 128];
};

struct cts_pci *cts_pci_open(const char *sysfs)
{
	struct cts_pci *pci = calloc(1, sizeof(*pci));
	char bus[PATH], parameter[] = "sysfs.path";

	if (!pci)
		return NULL;
	snprintf(pci->sysfs, sizeof(pci->sysfs), "%s", sysfs);
	pci->access = pci_alloc();
	pci->access->method = PCI_ACCESS_SYS_BUS_PCI;
	snprintf(bus, sizeof(bus), "%s/bus/pci", pci->sysfs);
	pci_set_param(pci->access, parameter, bus);
	pci_init(pci->access);
	return pci;
}

void cts_pci_close(struct cts_pci *pci)
{
	pci_cleanup(pci->access);
	free(pci);
}

/* The path of @name in the directory of the function @rid. */
static void function_path(const struct cts_pci *pci, const struct rid *rid, const char *name,
			  char path[PATH])
{
	char bdf[RID_TEXT];

	rid_format(rid, bdf);
	snprintf(path, PATH, "%s/bus/pci/devices/%s%s%s", pci->sysfs, bdf, *name ? "/" : "", name);
}

static struct pci_dev *get_device(struct cts_pci *pci, const struct rid *rid)
{
	return pci_get_dev(pci->access, (int)rid->domain, rid->bus, rid->devfn >> 3,
			   rid->devfn & 7);
}

static void read_cdev(const struct cts_pci *pci, struct cts_pci_function *function)
{
	const struct dirent *entry;
	char path[PATH];
	DIR *dir;

	function_path(pci, &function->rid, "vfio-dev", path);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "vfio", 4))
			snprintf(function->cdev, sizeof(function->cdev), "%.32s", entry->d_name);
	}
	closedir(dir);
}

static const struct {
	uint16_t id, type;
	enum cts_pci_capability capability;
} capabilities[] = {
	{ PCI_CAP_ID_MSI, PCI_CAP_NORMAL, CTS_PCI_MSI },
	{ PCI_CAP_ID_MSIX, PCI_CAP_NORMAL, CTS_PCI_MSIX },
	{ PCI_EXT_CAP_ID_ATS, PCI_CAP_EXTENDED, CTS_PCI_ATS },
	{ PCI_EXT_CAP_ID_PRI, PCI_CAP_EXTENDED, CTS_PCI_PRI },
	{ PCI_EXT_CAP_ID_PASID, PCI_CAP_EXTENDED, CTS_PCI_PASID },
	{ PCI_EXT_CAP_ID_ACS, PCI_CAP_EXTENDED, CTS_PCI_ACS },
	{ PCI_EXT_CAP_ID_SRIOV, PCI_CAP_EXTENDED, CTS_PCI_SRIOV },
	{ PCI_EXT_CAP_ID_ERR, PCI_CAP_EXTENDED, CTS_PCI_AER },
};

/* Where capability @id is in the configuration space, 0 without it. */
static int find(struct pci_dev *device, unsigned int id, unsigned int type)
{
	const struct pci_cap *found = pci_find_cap(device, id, type);

	return found ? (int)found->addr : 0;
}

static void read_capabilities(struct pci_dev *device, struct cts_pci_function *function)
{
	size_t i;
	int at;

	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if (find(device, capabilities[i].id, capabilities[i].type))
			function->capabilities |= capabilities[i].capability;
	}
	at = find(device, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	function->express = at;
	if (at) {
		function->type = (pci_read_word(device, at + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >>
				 4;
		if (pci_read_long(device, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR)
			function->capabilities |= CTS_PCI_FLR;
	}
	at = find(device, PCI_CAP_ID_AF, PCI_CAP_NORMAL);
	if (at && (pci_read_byte(device, at + PCI_AF_CAP) & PCI_AF_CAP_FLR))
		function->capabilities |= CTS_PCI_FLR;
	at = find(device, PCI_CAP_ID_PM, PCI_CAP_NORMAL);
	if (at && !(pci_read_word(device, at + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET))
		function->capabilities |= CTS_PCI_PM_RESET;
	at = find(device, PCI_EXT_CAP_ID_ACS, PCI_CAP_EXTENDED);
	if (at) {
		function->acs_able = pci_read_word(device, at + PCI_ACS_CAP);
		function->acs_on = pci_read_word(device, at + PCI_ACS_CTRL);
	}
	at = find(device, PCI_EXT_CAP_ID_SRIOV, PCI_CAP_EXTENDED);
	if (at)
		function->vfs = pci_read_word(device, at + PCI_SRIOV_TOTAL_VF);
}

int cts_pci_read(struct cts_pci *pci, const char *bdf, struct cts_pci_function *function)
{
	const char *group, *driver;
	struct pci_dev *device;
	char path[PATH];
	uint8_t type;

	*function = (struct cts_pci_function){ .group = -1, .numa_node = -1 };
	if (!rid_parse(bdf, &function->rid))
		return -EINVAL;
	function_path(pci, &function->rid, "", path);
	if (access(path, F_OK))
		return -ENODEV;
	device = get_device(pci, &function->rid);
	pci_fill_info(device, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT |
				      PCI_FILL_NUMA_NODE | PCI_FILL_IOMMU_GROUP | PCI_FILL_DRIVER |
				      PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
	function->vendor = device->vendor_id;
	function->device = device->device_id;
	function->class = (uint32_t)device->device_class << 8 | device->prog_if;
	function->numa_node = device->numa_node;
	group = pci_get_string_property(device, PCI_FILL_IOMMU_GROUP);
	if (group)
		function->group = atoi(group);
	driver = pci_get_string_property(device, PCI_FILL_DRIVER);
	if (driver)
		snprintf(function->driver, sizeof(function->driver), "%s", driver);
	type = pci_read_byte(device, PCI_HEADER_TYPE);
	function->multifunction = type & PCI_HEADER_TYPE_MFD;
	function->bridge = (type & PCI_HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL;
	function->complete = pci_read_block(device, CONFIG_HEADER, &type, 1);
	if (function->complete)
		read_capabilities(device, function);
	pci_free_dev(device);
	read_cdev(pci, function);
	return 0;
}

int cts_pci_path(struct cts_pci *pci, const struct rid *rid, struct rid_path *path)
{
	char link[PATH], target[4 * PATH];
	ssize_t length;

	function_path(pci, rid, "", link);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return -ENODEV;
	target[length] = '\0';
	rid_parse_path(target, path);
	return 0;
}

int cts_pci_aliases(struct cts_pci *pci, const struct rid_path *path,
		    struct rid aliases[2 * RID_PATH_MAX])
{
	struct rid_bridge bridges[RID_PATH_MAX];
	uint8_t config[CONFIG_SIZE];
	size_t i;

	for (i = 0; !path->owned && i < path->count; i++) {
		struct pci_dev *device = get_device(pci, &path->bridges[i]);
		size_t size = 0;

		if (pci_read_block(device, 0, config, sizeof(config)))
			size = sizeof(config);
		else if (pci_read_block(device, 0, config, CONFIG_HEADER))
			size = CONFIG_HEADER;
		pci_free_dev(device);
		if (rid_read_bridge(config, size, &bridges[i]))
			return -ENODATA;
	}
	return (int)rid_aliases(path, bridges, aliases);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int cts_pci_members(struct cts_pci *pci, int group, void (*each)(const char *bdf, void *arg),
		    void *arg)
{
	struct dirent **entries;
	char path[PATH];
	int count, i;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", pci->sysfs, group);
	count = scandir(path, &entries, visible, alphasort);
	if (count < 0)
		return -ENOENT;
	for (i = 0; i < count; i++) {
		each(entries[i]->d_name, arg);
		free(entries[i]);
	}
	free(entries);
	return count;
}
