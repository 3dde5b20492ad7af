/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual functions (VFs) of the device under test, where that is a physical function (PF) of
 * SR-IOV that vfio-pci has (Documentation/ABI/testing/sysfs-bus-pci, sriov_*). Who uses one of them
 * has to know the token that the PF's user has set (include/uapi/linux/vfio.h,
 * VFIO_DEVICE_FEATURE_PCI_VF_TOKEN).
 */
#ifndef CTS_SRIOV_H
#define CTS_SRIOV_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "removal.h"
#include "sysfs.h"

/* A token: the 16 bytes of a UUID, in the order in which it is written. */
struct sriov_token {
	uint8_t bytes[16];
};

/* A token that is none of zeros, and another one for each @seed. */
struct sriov_token sriov_token(uint8_t seed);

/* @token as it is written, with its end. */
#define SRIOV_TOKEN_TEXT 37
void sriov_token_text(const struct sriov_token *token, char text[SRIOV_TOKEN_TEXT]);

/*
 * VFIO_DEVICE_BIND_IOMMUFD with VFIO_DEVICE_BIND_FLAG_TOKEN and the 16 bytes at @token, which may
 * be any address. -ENOSYS where the headers have no such flag.
 */
int __sriov_bind(int device, int iommufd, const void *token);

/* Does bind take tokens? @device is a parked file, and stays one. */
bool sriov_binds_take_tokens(int device, int iommufd);

/* In a test or its setup: skips it where bind takes no tokens. */
#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
#define SRIOV_TOKENS_OR_SKIP(device, iommufd)                           \
	do {                                                            \
		if (!sriov_binds_take_tokens(device, iommufd))          \
			CTS_SKIP(KERNEL_LACKS, "bind takes no tokens"); \
	} while (0)
#else
#define SRIOV_TOKENS_OR_SKIP(device, iommufd) CTS_SKIP(BUILT_WITHOUT, "VFIO_DEVICE_BIND_FLAG_TOKEN")
#endif

/* How many VFs the device could have, and how many it has; 0 if it is no PF. */
unsigned int sriov_total(void);
unsigned int sriov_count(void);

/* What becomes of @count written to sriov_numvfs: 0 or -errno. */
int __sriov_set_count(unsigned int count);

/* The BDF of VF number @index, which must be there. */
void sriov_vf(unsigned int index, char bdf[SYSFS_BDF]);

/* What a test of VFs found, and leaves. */
struct sriov_before {
	struct removal_before pf;
	char allowed[4]; /* vfio_pci.enable_sriov; empty: nothing to put back */
};

/* May vfio-pci make VFs, vfio_pci.enable_sriov? 0 or -errno. */
int __sriov_allow(bool allowed);

/*
 * Why the device can't be made to have VFs by its driver, in words; NULL if it can. Looks only.
 */
const char *sriov_missing(void);

/*
 * Remembers how the PF was, gives it to its driver anew, so that nobody has set its token, and lets
 * that make VFs. sriov_undo() puts it back, whatever became of it and its VFs: of those no file may
 * be open any more.
 */
void sriov_begin(struct sriov_before *before);
void sriov_undo(const struct sriov_before *before);

/*
 * A driver of the kernel that has a PF without using it, and lets root make VFs
 * (drivers/pci/pci-pf-stub.c).
 */
#define SRIOV_STUB "pci-pf-stub"

/* Takes the PF from its driver and gives it to @driver: what that answers, 0 or -errno. */
int __sriov_hand_over(const char *driver);

#endif
