// SPDX-License-Identifier: GPL-2.0-only
/*
 * The older way to a device: its group's file is added, and devices that are opened through the
 * group belong to the VM then.
 */
#include "gates.h"
#include "seen.h"
#include "test.h"

FIXTURE(group)
{
	struct vfio_layout layout;
	struct vm vm;
	int iommufd;
	int group;
	int device;
};

FIXTURE_SETUP(group)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	vm_create(&self->vm);
	VM_TRACE_OR_SKIP(&self->vm);
	self->iommufd = iommufd_open();
	self->group = vfio_group_open();
	self->device = -1;
}

FIXTURE_TEARDOWN(group)
{
	vm_close(&self->vm);
	cts_close(&self->device);
	cts_close(&self->group);
	cts_close(&self->iommufd);
}

#define GROUP_NEEDS (NEEDS | CTS_NEED_GROUP)

CTS_TEST_F(group, added_once,
	   .title = "A group's file is added once, and taken away",
	   .requirements = { "KVM-016", "KVM-002", "KVM-004" },
	   .needs = GROUP_NEEDS)
{
	int32_t file = self->group;

	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->group));
	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
				     KVM_DEV_VFIO_GROUP_ADD, &file));
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->group));
	EXPECT_EQ(0, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
				     KVM_DEV_VFIO_GROUP_DEL, &file));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->group));
	EXPECT_EQ(0, __vm_add(&self->vm, self->group));
}

CTS_TEST_F(group, added_before,
	   .title = "A device that is opened through a group that was added belongs to the VM until it is closed",
	   .requirements = { "KVM-016" },
	   .needs = GROUP_NEEDS)
{
	vm_add(&self->vm, self->group);
	self->device = vfio_group_device(self->group, self->iommufd);
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(group, added_after,
	   .title = "A device that was opened before its group was added belongs to no VM",
	   .requirements = { "KVM-016" },
	   .needs = GROUP_NEEDS)
{
	self->device = vfio_group_device(self->group, self->iommufd);
	vm_add(&self->vm, self->group);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(group, taken_away_before,
	   .title = "A device that is opened through a group that was taken away belongs to no VM",
	   .requirements = { "KVM-016" },
	   .needs = GROUP_NEEDS)
{
	vm_add(&self->vm, self->group);
	vm_del(&self->vm, self->group);
	self->device = vfio_group_device(self->group, self->iommufd);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(group, opened_twice,
	   .title = "A device that is opened twice through its group has its VM until it is closed twice",
	   .requirements = { "KVM-016" },
	   .needs = GROUP_NEEDS)
{
	int second;

	vm_add(&self->vm, self->group);
	self->device = vfio_group_device(self->group, self->iommufd);
	second = vfio_group_device_fd(self->group);
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->device);
	EXPECT_TRUE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(second, &self->layout));
	cts_close(&second);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(group, device_of_a_group,
	   .title = "The file of a device that was opened through its group is added, and changes nothing for its VM",
	   .requirements = { "KVM-016", "KVM-001" },
	   .needs = GROUP_NEEDS)
{
	self->device = vfio_group_device(self->group, self->iommufd);
	EXPECT_EQ(0, __vm_add(&self->vm, self->device));
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, self->device));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->group));
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(group, kept_open,
	   .title = "A group's file that was added stays open when its last descriptor is closed, until the VM's vfio device is closed",
	   .requirements = { "KVM-016", "KVM-007" },
	   .needs = GROUP_NEEDS)
{
	vm_add(&self->vm, self->group);
	cts_close(&self->group);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	cts_close(&self->vm.fd);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	cts_close(&self->vm.files);
	self->group = __vfio_group_open();
	EXPECT_LE(0, self->group);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_MAIN
