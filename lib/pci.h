/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a host knows of its PCI functions: identity and capabilities through libpci, group, cdev and
 * place through sysfs (Documentation/ABI/testing/sysfs-bus-pci, sysfs-kernel-iommu_groups).
 *
 * Only what is asked for is read: never the list of all functions, nor that of all groups, so that
 * the size of the host does not matter. Nothing is written.
 *
 * libpci is to be had as a shared library only, so this is for programs that bring it along, and
 * not for the suites, which are static. What libpci itself can't cope with (an attribute that every
 * function has is missing) it reports on stderr and ends the program.
 */
#ifndef CTS_PCI_H
#define CTS_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rid.h"

#define CTS_PCI_NAME 64

enum cts_pci_capability {
	CTS_PCI_MSI = 1 << 0,
	CTS_PCI_MSIX = 1 << 1,
	CTS_PCI_ATS = 1 << 2,
	CTS_PCI_PRI = 1 << 3,
	CTS_PCI_PASID = 1 << 4,
	CTS_PCI_ACS = 1 << 5,
	CTS_PCI_SRIOV = 1 << 6,
	CTS_PCI_AER = 1 << 7,
	CTS_PCI_FLR = 1 << 8,	   /* function level reset, PCIe or advanced features */
	CTS_PCI_PM_RESET = 1 << 9, /* D3hot and back resets: no soft reset bit is clear */
};

struct cts_pci_function {
	struct rid rid;
	uint16_t vendor, device;
	uint32_t class;		   /* 24 bits: base class, sub-class, programming interface */
	char driver[CTS_PCI_NAME]; /* empty: none */
	char cdev[CTS_PCI_NAME];   /* its name in /dev/vfio/devices; empty: none */
	int group;		   /* -1: none */
	int numa_node;		   /* -1: none */
	bool multifunction, bridge;

	/*
	 * False for a reader who may not see all of the configuration space (CAP_SYS_ADMIN): then
	 * nothing below is known.
	 */
	bool complete;
	bool express;
	uint8_t type;		   /* PCI_EXP_TYPE_*, if express */
	unsigned int capabilities; /* enum cts_pci_capability */
	uint16_t acs_able, acs_on; /* PCI_ACS_*: what it offers, and what is switched on */
	uint16_t vfs;		   /* that SR-IOV can make */
};

struct cts_pci;

/* Everything below @sysfs, "/sys" but in tests. NULL without memory. */
struct cts_pci *cts_pci_open(const char *sysfs);
void cts_pci_close(struct cts_pci *pci);

/* Reads one function. 0, -EINVAL where @bdf is no BDF, -ENODEV where there is no such function. */
int cts_pci_read(struct cts_pci *pci, const char *bdf, struct cts_pci_function *function);

/* Where the function is; -ENODEV. Its bridges can be read as functions. */
int cts_pci_path(struct cts_pci *pci, const struct rid *rid, struct rid_path *path);

/*
 * The requester IDs that stand for a function on @path beside its own (rid.h). Returns how many,
 * -ENODATA where a bridge's configuration space may not be read.
 */
int cts_pci_aliases(struct cts_pci *pci, const struct rid_path *path,
		    struct rid aliases[2 * RID_PATH_MAX]);

/*
 * Calls @each for the functions of IOMMU group @group, in the order of their addresses. Returns how
 * many, or -ENOENT.
 */
int cts_pci_members(struct cts_pci *pci, int group, void (*each)(const char *bdf, void *arg),
		    void *arg);

#endif
