/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mediated device, bound to a new iommufd and attached to nothing, and an empty IOAS. What the
 * devices of fixtures/mdev do when they are told to: those tests are skipped on others. Addresses
 * and lengths are in bytes.
 */
#ifndef EMULATED_MEDIATED_H
#define EMULATED_MEDIATED_H

#include <endian.h>
#include <unistd.h>

#include "../../fixtures/mdev/cts_mdev.h"
#include "../attach/calls.h"
#include "buffer.h"
#include "device_fixture.h"
#include "memory.h"
#include "sysfs.h"

/* No id of an object that there is. */
#define NO_ID 0x7ffffff0U

#define PAGES 8

FIXTURE(mediated)
{
	DEVICE_FIELDS;
	size_t page;
	struct buffer buffer; /* PAGES pages, mapped nowhere yet */
	char *memory;	      /* of it */
	uint64_t iova;	      /* where there is room for them in an IOAS without tables */
};

FIXTURE_SETUP(mediated)
{
	DEVICE_SETUP_OR_SKIP(self);
	self->page = page_size();
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * self->page);
	self->memory = self->buffer.memory;
	self->iova = iommufd_usable_iova(self->iommufd, self->ioas, self->buffer.size, self->page) +
		     self->buffer.size;
}

FIXTURE_TEARDOWN(mediated)
{
	DEVICE_TEARDOWN(self);
	buffer_free(&self->buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_MEDIATED)

/* First line of a test that tells the device to do something. */
#define ENGINE_OR_SKIP(self)                                                                  \
	do {                                                                                  \
		if (le32toh((self)->layout.ids) != (CTS_MDEV_VENDOR | CTS_MDEV_DEVICE << 16)) \
			CTS_SKIP(DEVICE_LACKS, "it does nothing that it is told to");         \
	} while (0)

/* The same of one that has it pin something. */
#define PINS_OR_SKIP(self)                                                                      \
	do {                                                                                    \
		char __type[SYSFS_PATH];                                                        \
                                                                                                \
		ENGINE_OR_SKIP(self);                                                           \
		cts_require(!__sysfs_attribute("mdev_type/name", __type), "the device's type"); \
		if (strcmp(__type, CTS_MDEV_TYPE_DMA))                                          \
			CTS_SKIP(DEVICE_LACKS, "its driver can't pin");                         \
	} while (0)

static inline off_t register_at(const struct vfio_layout *layout, enum cts_mdev_register offset)
{
	return (off_t)(layout->region[VFIO_PCI_BAR0_REGION_INDEX].offset + (uint64_t)offset);
}

/* A register of the device @device, which is bound. */
static inline uint64_t engine_get(int device, const struct vfio_layout *layout,
				  enum cts_mdev_register offset)
{
	uint64_t value;

	cts_lab_require(pread(device, &value, sizeof(value), register_at(layout, offset)) ==
				sizeof(value),
			"reading register %#x", offset);
	return value;
}

static inline void engine_set(int device, const struct vfio_layout *layout,
			      enum cts_mdev_register offset, uint64_t value)
{
	cts_lab_require(pwrite(device, &value, sizeof(value), register_at(layout, offset)) ==
				sizeof(value),
			"writing register %#x", offset);
}

/* What @command at [@iova, @iova + @length) ends in: 0 or -errno. */
static inline int engine_do(int device, const struct vfio_layout *layout,
			    enum cts_mdev_command command, uint64_t iova, uint64_t length)
{
	engine_set(device, layout, CTS_MDEV_IOVA, iova);
	engine_set(device, layout, CTS_MDEV_LENGTH, length);
	engine_set(device, layout, CTS_MDEV_COMMAND, command);
	return (int)engine_get(device, layout, CTS_MDEV_STATUS);
}

/* The device's own memory: what a command has copied there, or will copy. */
static inline void engine_load(int device, const struct vfio_layout *layout, const void *bytes,
			       size_t length)
{
	off_t window = (off_t)layout->region[VFIO_PCI_BAR2_REGION_INDEX].offset;

	cts_lab_require(pwrite(device, bytes, length, window) == (ssize_t)length,
			"writing %zu bytes of the window", length);
}

static inline void engine_show(int device, const struct vfio_layout *layout, void *bytes,
			       size_t length)
{
	off_t window = (off_t)layout->region[VFIO_PCI_BAR2_REGION_INDEX].offset;

	cts_lab_require(pread(device, bytes, length, window) == (ssize_t)length,
			"reading %zu bytes of the window", length);
}

/* Any of these for the device of a fixture. */
#define REGISTER(self, name) engine_get((self)->device, &(self)->layout, CTS_MDEV_##name)
#define SET_REGISTER(self, name, value) \
	engine_set((self)->device, &(self)->layout, CTS_MDEV_##name, value)
#define DO(self, command, iova, length) \
	engine_do((self)->device, &(self)->layout, CTS_MDEV_##command, iova, length)

/* Maps pages @first to @first + @count of the fixture's memory, each at its place behind @iova. */
#define MAP(self, ioas, first, count)                                               \
	iommufd_map((self)->iommufd, ioas, (self)->memory + (first) * (self)->page, \
		    (count) * (self)->page, (self)->iova + (first) * (self)->page)

/* The IOVA of a page of the fixture's memory. */
#define AT(self, number) ((self)->iova + (number) * (self)->page)

#endif
