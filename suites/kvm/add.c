// SPDX-License-Identifier: GPL-2.0-only
/* A VM is told of a device's file, once, and takes nothing else for one. */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "memory.h"

CTS_TEST_F(machine, parked,
	   .title = "A parked file is added, and can be bound then",
	   .requirements = { "KVM-001" },
	   .needs = NEEDS)
{
	EXPECT_EQ(0, __vm_add(&self->vm, self->device));
	EXPECT_TRUE(is_added(&self->vm, self->device));
	EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_TRUE(is_added(&self->vm, self->device));
}

CTS_TEST_F(machine, bound,
	   .title = "A bound file is added",
	   .requirements = { "KVM-001" },
	   .needs = NEEDS)
{
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_EQ(0, __vm_add(&self->vm, self->device));
	EXPECT_TRUE(is_added(&self->vm, self->device));
	EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
}

CTS_TEST_F(machine, attached,
	   .title = "A file whose device is attached is added, and the device stays attached",
	   .requirements = { "KVM-001" },
	   .needs = NEEDS)
{
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);

	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, ioas);
	EXPECT_EQ(0, __vm_add(&self->vm, self->device));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, ioas));
	EXPECT_EQ(0, __vfio_detach(self->device));
}

CTS_TEST_F(machine, once,
	   .title = "A file that was added is EEXIST, by whatever number, and one FILE_DEL takes it away",
	   .requirements = { "KVM-002", "KVM-004" },
	   .needs = NEEDS)
{
	int again = dup(self->device);

	ASSERT_LE(0, again);
	vm_add(&self->vm, self->device);
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->device));
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, again));
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->device));
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, again));
	EXPECT_EQ(0, __vm_del(&self->vm, again));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->device));
	cts_close(&again);
}

CTS_TEST_F(machine, once_keeps_one,
	   .title = "An add that ended in EEXIST keeps no second reference: FILE_DEL and close give the device up",
	   .requirements = { "KVM-002", "KVM-007" },
	   .needs = NEEDS)
{
	vfio_bind(self->device, self->iommufd);
	vm_add(&self->vm, self->device);
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->device));
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	cts_close(&self->device);
	EXPECT_TRUE(device_is_free());
}

CTS_TEST_F(machine, another_open,
	   .title = "Another open of the device is another file: each is added and taken away by itself",
	   .requirements = { "KVM-002", "KVM-004" },
	   .needs = NEEDS)
{
	int other = vfio_open();

	vm_add(&self->vm, self->device);
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, other));
	EXPECT_EQ(0, __vm_add(&self->vm, other));
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	EXPECT_TRUE(is_added(&self->vm, other));
	EXPECT_FALSE(is_added(&self->vm, self->device));
	cts_close(&other);
}

CTS_TEST_F(machine, two_vms,
	   .title = "Taking a file away from a VM that it was not added to is ENOENT, and leaves it to the one that it was",
	   .requirements = { "KVM-004" },
	   .needs = NEEDS)
{
	struct vm other;

	vm_create(&other);
	vm_add(&self->vm, self->device);
	EXPECT_EQ(-ENOENT, __vm_del(&other, self->device));
	EXPECT_TRUE(is_added(&self->vm, self->device));
	vm_close(&other);
	EXPECT_TRUE(is_added(&self->vm, self->device));
}

CTS_TEST_F(machine, taken_away,
	   .title = "A file that was taken away can be added again; what wasn't added is ENOENT, what isn't open EBADF",
	   .requirements = { "KVM-004" },
	   .needs = NEEDS)
{
	int closed = dup(self->device), round;

	ASSERT_LE(0, closed);
	ASSERT_EQ(0, close(closed));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->device));
	for (round = 0; round < 3; round++) {
		EXPECT_EQ(0, __vm_add(&self->vm, self->device));
		EXPECT_EQ(-EBADF, __vm_del(&self->vm, closed));
		EXPECT_EQ(-EBADF, __vm_del(&self->vm, -1));
		EXPECT_EQ(0, __vm_del(&self->vm, self->device));
		EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->device));
	}
}

CTS_TEST_F(machine, group_names,
	   .title = "GROUP_ADD and GROUP_DEL are FILE_ADD and FILE_DEL of a device's file",
	   .requirements = { "KVM-010" },
	   .needs = NEEDS)
{
	int32_t file = self->device;

	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
				     KVM_DEV_VFIO_GROUP_ADD, &file));
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->device));
	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
				     KVM_DEV_VFIO_GROUP_DEL, &file));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->device));
}

CTS_TEST_F(machine, unreadable_number,
	   .title = "A number that can't be read is EFAULT, and nothing is added or taken away",
	   .requirements = { "KVM-003", "KVM-004" },
	   .needs = NEEDS)
{
	const char *end = (const char *)guarded_page() + page_size();
	const void *places[] = { NULL, inaccessible_page(), end - 2, (void *)(1ULL << 63) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(-EFAULT,
			  __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
					  KVM_DEV_VFIO_FILE_ADD, places[i]));
	}
	EXPECT_FALSE(is_added(&self->vm, self->device));
	vm_add(&self->vm, self->device);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		EXPECT_EQ(-EFAULT,
			  __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
					  KVM_DEV_VFIO_FILE_DEL, places[i]));
	}
	EXPECT_TRUE(is_added(&self->vm, self->device));
}

CTS_TEST_F(machine, number_of_32_bits,
	   .title = "The number is a 32-bit one: nothing behind it is read",
	   .requirements = { "KVM-001" },
	   .needs = NEEDS)
{
	char *end = (char *)guarded_page() + page_size();
	int32_t file = self->device;
	void *place = end - sizeof(file);

	memcpy(place, &file, sizeof(file));
	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
				     KVM_DEV_VFIO_FILE_ADD, place));
	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
				     KVM_DEV_VFIO_FILE_DEL, place));
}

CTS_MAIN
