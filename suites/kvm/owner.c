// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VM a device belongs to: the one that its file had been added to when it was bound. It is
 * seen by what keeps the VM from going when all its descriptors are closed.
 */
#include "gates.h"
#include "machine.h"

CTS_TEST_F(machine, added_before,
	   .title = "A device whose file was added before bind keeps the VM until it is closed",
	   .requirements = { "KVM-005", "KVM-006" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_TRUE(device_is_free());
}

CTS_TEST_F(machine, added_after,
	   .title = "A device whose file was added after bind keeps no VM, and works on when that goes",
	   .requirements = { "KVM-005", "KVM-013" },
	   .needs = NEEDS)
{
	vfio_bind(self->device, self->iommufd);
	vm_add(&self->vm, self->device);
	EXPECT_TRUE(vm_exists(&self->vm));
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&self->device);
	EXPECT_TRUE(device_is_free());
}

CTS_TEST_F(machine, never_added,
	   .title = "A device whose file was not added keeps no VM",
	   .requirements = { "KVM-005" },
	   .needs = NEEDS)
{
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(machine, another_open_added,
	   .title = "A device that is bound by one file keeps no VM that another file of it was added to",
	   .requirements = { "KVM-005" },
	   .needs = NEEDS)
{
	int other = vfio_open();

	vm_add(&self->vm, other);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	cts_close(&other);
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(machine, taken_away_before,
	   .title = "A device whose file was taken away before bind keeps no VM",
	   .requirements = { "KVM-005" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vm_del(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(machine, taken_away_after,
	   .title = "A bound device keeps its VM when its file is taken away",
	   .requirements = { "KVM-006" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(machine, added_again,
	   .title = "What counts is what was added last: taken away and added again, the file has the VM",
	   .requirements = { "KVM-005", "KVM-004" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vm_del(&self->vm, self->device);
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(machine, moved,
	   .title = "A file that was taken from one VM and added to another has the other",
	   .requirements = { "KVM-005" },
	   .needs = NEEDS)
{
	struct vm other;

	vm_create(&other);
	vm_add(&other, self->device);
	vm_del(&other, self->device);
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&other);
	EXPECT_FALSE(vm_exists(&other));
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&self->vm));
}

CTS_TEST_F(machine, forgotten_with_the_kvm_device,
	   .title = "When the VM's vfio device is closed a parked file has no VM any more, though that lives",
	   .requirements = { "KVM-005" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	cts_close(&self->vm.files);
	vfio_bind(self->device, self->iommufd);
	EXPECT_TRUE(vm_exists(&self->vm));
	cts_close(&self->vm.fd);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(machine, died_before,
	   .title = "A file whose VM has died is parked as ever, is bound, and is added to another VM",
	   .requirements = { "KVM-005", "KVM-013" },
	   .needs = NEEDS)
{
	struct vm other;

	vm_add(&self->vm, self->device);
	vm_close(&self->vm);
	ASSERT_FALSE(vm_exists(&self->vm));
	vm_create(&other);
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_EQ(0, __vm_add(&other, self->device));
	EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	vm_close(&other);
	EXPECT_TRUE(vm_exists(&other));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&other));
}

CTS_TEST_F(machine, bound_again,
	   .title = "A device that is bound anew has the VM of its new file, and nothing of the one before",
	   .requirements = { "KVM-005", "KVM-006" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(0, __vm_del(&self->vm, self->device));
	cts_close(&self->device);
	EXPECT_TRUE(vm_exists(&self->vm));

	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
}

CTS_TEST_F(machine, of_two,
	   .title = "A file that was added to two VMs: to which of them the device belongs",
	   .requirements = { "KVM-011" },
	   .needs = NEEDS,
	   .kind = CTS_CHARACTERISATION)
{
	struct vm other;
	int rc;

	vm_create(&other);
	vm_add(&self->vm, self->device);
	rc = __vm_add(&other, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	vm_close(&other);
	cts_record_fact("two VMs", "the second add ends in %d; the first %s, the second %s", rc,
			vm_exists(&self->vm) ? "is kept" : "goes",
			vm_exists(&other) ? "is kept" : "goes");
	cts_close(&self->device);

	/* Taken away from the first, of both. */
	vm_create(&self->vm);
	vm_create(&other);
	self->device = vfio_open();
	vm_add(&self->vm, self->device);
	rc = __vm_add(&other, self->device);
	vm_del(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	vm_close(&self->vm);
	vm_close(&other);
	cts_record_fact("two VMs, and taken from the first",
			"the second add ends in %d; the first %s, the second %s", rc,
			vm_exists(&self->vm) ? "is kept" : "goes",
			vm_exists(&other) ? "is kept" : "goes");
}

CTS_MAIN
