// SPDX-License-Identifier: GPL-2.0-only
/* A bind that fails takes no VM from whoever has it, and keeps none. */
#include "../access/refused_binds.h"
#include "gates.h"
#include "machine.h"

/*
 * The device belongs to the VM, and another file of it was refused: closed on all sides, the VM is
 * there as long as the device is, and not longer.
 */
#define EXPECT_KEPT_BY_THE_DEVICE(self)                                        \
	do {                                                                   \
		EXPECT_TRUE(vm_exists(&(self)->vm));                           \
		vm_close(&(self)->vm);                                         \
		EXPECT_TRUE(vm_exists(&(self)->vm));                           \
		EXPECT_EQ(0, gate_ioctl.use((self)->device, &(self)->layout)); \
		cts_close(&(self)->device);                                    \
		EXPECT_FALSE(vm_exists(&(self)->vm));                          \
	} while (0)

CTS_TEST_F(machine, of_a_stranger,
	   .title = "A refused bind through another file, which has no VM, leaves the bound device its VM",
	   .requirements = { "BIND-027", "KVM-006" },
	   .needs = NEEDS)
{
	int other = vfio_open();

	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	cts_close(&other);
	EXPECT_KEPT_BY_THE_DEVICE(self);
}

CTS_TEST_F(machine, of_the_same_vm,
	   .title = "A refused bind through another file, which has the same VM, leaves the bound device its VM",
	   .requirements = { "BIND-027", "KVM-006" },
	   .needs = NEEDS)
{
	int other = vfio_open();

	vm_add(&self->vm, self->device);
	vm_add(&self->vm, other);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	EXPECT_EQ(0, __vm_del(&self->vm, other));
	cts_close(&other);
	EXPECT_KEPT_BY_THE_DEVICE(self);
}

CTS_TEST_F(machine, of_another_vm,
	   .title = "A refused bind through another file, which has another VM, keeps that one not, and leaves the device its own",
	   .requirements = { "BIND-027", "KVM-006", "KVM-015" },
	   .needs = NEEDS)
{
	int other = vfio_open();
	struct vm second;

	vm_create(&second);
	vm_add(&self->vm, self->device);
	vm_add(&second, other);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	vm_close(&second);
	EXPECT_FALSE(vm_exists(&second));
	cts_close(&other);
	EXPECT_KEPT_BY_THE_DEVICE(self);
}

CTS_TEST_F(machine, to_a_device_without,
	   .title = "A refused bind through another file, which has a VM, gives that to no device and keeps it not",
	   .requirements = { "BIND-027", "KVM-015" },
	   .needs = NEEDS)
{
	int other = vfio_open();

	vfio_bind(self->device, self->iommufd);
	vm_add(&self->vm, other);
	EXPECT_EQ(-EINVAL, __vfio_bind(other, self->iommufd, NULL));
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&other);
}

CTS_TEST_F(machine, its_own_again,
	   .title = "A bound file that is bound again keeps its VM",
	   .requirements = { "BIND-027", "KVM-006" },
	   .needs = NEEDS)
{
	vm_add(&self->vm, self->device);
	vfio_bind(self->device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_KEPT_BY_THE_DEVICE(self);
}

CTS_TEST_F(machine, kept_by_none,
	   .title = "A bind that fails, for whatever reason, keeps no VM",
	   .requirements = { "KVM-015" },
	   .needs = NEEDS)
{
	unsigned int i;

	vm_add(&self->vm, self->device);
	for (i = 0; i < ARRAY_SIZE(refused_binds); i++) {
		EXPECT_TRUE(is_refused(&refused_binds[i], self->device, self->iommufd))
		{
			TH_LOG("%s", refused_binds[i].name);
		}
	}
	vm_close(&self->vm);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_TRUE(device_is_free());
}

CTS_TEST_F(machine, then_bound,
	   .title = "A file that was refused to be bound is bound later, and its device belongs to the VM",
	   .requirements = { "KVM-015", "KVM-005" },
	   .needs = NEEDS)
{
	unsigned int i;

	vm_add(&self->vm, self->device);
	for (i = 0; i < ARRAY_SIZE(refused_binds); i++)
		is_refused(&refused_binds[i], self->device, self->iommufd);
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_KEPT_BY_THE_DEVICE(self);
}

CTS_MAIN
