/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture of most tests here: a PF that vfio-pci has and whose token nobody has set, and its
 * VFs, each with a parked file.
 */
#ifndef SRIOV_PF_H
#define SRIOV_PF_H

#include <sys/ioctl.h>

#include "gates.h"
#include "iommufd.h"
#include "sriov.h"
#include "test.h"
#include "vfio.h"

#define VFS 2

FIXTURE(sriov)
{
	struct sriov_before before;
	struct vfio_layout layout; /* of the PF; configuration space lies alike in a VF's file */
	struct sriov_token token;  /* none that was set */
	struct sriov_token wrong;
	char bdf[VFS][SYSFS_BDF];
	int iommufd;
	int pf;
	int vf[VFS];
};

/* VFIO_DEVICE_FEATURE of the token with @operation, and @size bytes of data at @data. */
static inline int ask_token(int device, uint32_t operation, const void *data, uint32_t size)
{
	struct {
		struct vfio_device_feature header;
		uint8_t data[sizeof(struct sriov_token)];
	} args = {
		.header.argsz = (uint32_t)sizeof(args.header) + size,
		.header.flags = operation | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};

	memcpy(args.data, data, size);
	return ioctl(device, VFIO_DEVICE_FEATURE, &args) ? -errno : 0;
}

/* The PF's user sets @token, and goes. */
static inline void set_token(int iommufd, const struct sriov_token *token)
{
	int pf = vfio_open();

	vfio_bind(pf, iommufd);
	cts_require(!ask_token(pf, VFIO_DEVICE_FEATURE_SET, token, sizeof(*token)),
		    "VFIO_DEVICE_FEATURE_SET of the token");
	cts_close(&pf);
}

/* In a setup: makes the PF ready, without VFs. */
#define PF_OR_SKIP(self)                                       \
	do {                                                   \
		const char *__lacks;                           \
                                                               \
		CTS_CHECK_NEEDS();                             \
		VFIO_SURVEY_OR_SKIP(&(self)->layout);          \
		__lacks = sriov_missing();                     \
		if (__lacks)                                   \
			CTS_SKIP(DEVICE_LACKS, "%s", __lacks); \
		sriov_begin(&(self)->before);                  \
		(self)->token = sriov_token(1);                \
		(self)->wrong = sriov_token(2);                \
		(self)->iommufd = iommufd_open();              \
		(self)->pf = vfio_open();                      \
	} while (0)

/* Then: makes VFs, and opens them. */
#define VFS_OR_SKIP(self)                                                           \
	do {                                                                        \
		int __made = __sriov_set_count(VFS);                                \
		unsigned int __i;                                                   \
                                                                                    \
		if (__made == -ENOMEM || __made == -ERANGE)                         \
			CTS_SKIP(DEVICE_LACKS, "there is no room for %d VFs", VFS); \
		ASSERT_EQ(0, __made);                                               \
		for (__i = 0; __i < VFS; __i++) {                                   \
			sriov_vf(__i, (self)->bdf[__i]);                            \
			(self)->vf[__i] = vfio_open_function((self)->bdf[__i]);     \
		}                                                                   \
	} while (0)

/* Every gate of @device but mmap refuses. */
#define EXPECT_PARKED(device)                                                \
	do {                                                                 \
		EXPECT_EQ(-EINVAL, gate_ioctl.probe(device, &self->layout)); \
		EXPECT_EQ(-EINVAL, gate_read.probe(device, &self->layout));  \
		EXPECT_EQ(-EINVAL, gate_write.probe(device, &self->layout)); \
	} while (0)

#define EXPECT_WORKS(device)                                          \
	do {                                                          \
		EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));  \
		EXPECT_EQ(0, gate_read.probe(device, &self->layout)); \
	} while (0)

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

#endif
