// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM, the device that it is told of files by, and a vfio device's file, closed in every order. A
 * VM keeps the files that were added, a device keeps the VM that it belongs to, and when all
 * descriptors are closed nothing is left of either, whatever went last.
 */
#include "buffer.h"
#include "machine.h"
#include "memory.h"
#include "pins.h"

#define PAGES 4

enum {
	VM,
	FILES,
	DEVICE,
	THINGS,
};

FIXTURE(order)
{
	struct vfio_layout layout;
	struct buffer buffer;
	struct vm vm;
	int iommufd;
	int device;
};

FIXTURE_VARIANT(order)
{
	int things[THINGS];
};

/* clang-format off */
FIXTURE_VARIANT_ADD(order, vm_files_device) { .things = { VM, FILES, DEVICE } };
FIXTURE_VARIANT_ADD(order, vm_device_files) { .things = { VM, DEVICE, FILES } };
FIXTURE_VARIANT_ADD(order, files_vm_device) { .things = { FILES, VM, DEVICE } };
FIXTURE_VARIANT_ADD(order, files_device_vm) { .things = { FILES, DEVICE, VM } };
FIXTURE_VARIANT_ADD(order, device_vm_files) { .things = { DEVICE, VM, FILES } };
FIXTURE_VARIANT_ADD(order, device_files_vm) { .things = { DEVICE, FILES, VM } };
/* clang-format on */

FIXTURE_SETUP(order)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	vm_create(&self->vm);
	VM_TRACE_OR_SKIP(&self->vm);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
}

FIXTURE_TEARDOWN(order)
{
	vm_close(&self->vm);
	cts_close(&self->device);
	cts_close(&self->iommufd);
	buffer_free(&self->buffer);
}

/* Attaches the bound device and maps the buffer; then gives the iommufd up, which the device keeps.
 */
static void put_to_use(FIXTURE_DATA(order) * self)
{
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
	uint64_t iova;

	vfio_attach(self->device, ioas);
	iova = iommufd_usable_iova(self->iommufd, ioas, self->buffer.size, page_size());
	iommufd_map(self->iommufd, ioas, self->buffer.memory, self->buffer.size, iova);
	cts_close(&self->iommufd);
}

static void close_one(FIXTURE_DATA(order) * self, int thing)
{
	int *const fds[THINGS] = { &self->vm.fd, &self->vm.files, &self->device };

	cts_close(fds[thing]);
}

CTS_TEST_F(order, of_the_vm,
	   .title = "A VM lives as long as a descriptor of it or a device that belongs to it, and the device as long as it is added",
	   .requirements = { "KVM-006", "KVM-007", "KVM-013" },
	   .needs = NEEDS)
{
	long pins = pins_now();
	bool device, vm;
	int i;

	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	put_to_use(self);
	EXPECT_TRUE(pins_become(pins + PAGES));
	for (i = 0; i < THINGS; i++) {
		close_one(self, variant->things[i]);
		device = self->device >= 0 || self->vm.files >= 0;
		vm = device || self->vm.fd >= 0;
		EXPECT_EQ(vm, vm_exists(&self->vm));
		EXPECT_TRUE(pins_become(pins + (device ? PAGES : 0)));
		EXPECT_EQ(!device, device_is_free());
	}
}

CTS_TEST_F(order, of_none,
	   .title = "A device that was added after bind lives as long as it is added, and keeps no VM",
	   .requirements = { "KVM-005", "KVM-007", "KVM-013" },
	   .needs = NEEDS)
{
	long pins = pins_now();
	bool device, vm;
	int i;

	vfio_bind(self->device, self->iommufd);
	vm_add(&self->vm, self->device);
	put_to_use(self);
	EXPECT_TRUE(pins_become(pins + PAGES));
	for (i = 0; i < THINGS; i++) {
		close_one(self, variant->things[i]);
		device = self->device >= 0 || self->vm.files >= 0;
		vm = self->vm.fd >= 0 || self->vm.files >= 0;
		EXPECT_EQ(vm, vm_exists(&self->vm));
		EXPECT_TRUE(pins_become(pins + (device ? PAGES : 0)));
		EXPECT_EQ(!device, device_is_free());
	}
}

CTS_TEST_F(machine, kept_open,
	   .title = "A file that was added stays bound when its last descriptor is closed, until the VM's vfio device is closed",
	   .requirements = { "KVM-007" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	EXPECT_FALSE(device_is_free());
	cts_close(&self->vm.fd);
	EXPECT_FALSE(device_is_free());
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->vm.files);
	EXPECT_TRUE(device_is_free());
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(machine, taken_away,
	   .title = "A file that was taken away is closed with its last descriptor, while the VM lives",
	   .requirements = { "KVM-007" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	EXPECT_FALSE(device_is_free());
	cts_close(&self->device);
	EXPECT_TRUE(device_is_free());
	EXPECT_TRUE(vm_exists(&self->vm));
}

CTS_TEST_F(machine, taken_from_one_of_two,
	   .title = "A file that was added to two VMs is kept by each until it is taken from it",
	   .requirements = { "KVM-007" },
	   .needs = NEEDS)
{
	struct vm other;

	vm_create(&other);
	vm_add(&self->vm, self->device);
	vm_add(&other, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	cts_close(&self->device);
	EXPECT_FALSE(device_is_free());
	vm_close(&other);
	EXPECT_TRUE(device_is_free());
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_FALSE(vm_exists(&other));
}

CTS_MAIN
