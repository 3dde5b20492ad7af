// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and VMs of several processes: a file may have been opened, added and bound by different
 * ones; a VM's devices answer the process that made the VM; and what a process had goes with it.
 */
#include "../lifecycle/child.h"
#include "gates.h"
#include "machine.h"

/* What a child and its parent both see. */
struct shared {
	struct vm vm;
	int device;
	int iommufd;
	int rc;
	volatile bool done;
};

static void bind_and_wait(void *argument)
{
	struct shared *shared = argument;

	vm_close(&shared->vm);
	shared->rc = __vfio_bind(shared->device, shared->iommufd, NULL);
	shared->done = true;
	for (;;)
		pause();
}

CTS_TEST_F(machine, bound_by_another,
	   .title = "A device belongs to the VM that its file was added to, though another process binds it, and has it",
	   .requirements = { "KVM-005", "KVM-006" },
	   .needs = NEEDS)
{
	struct shared *shared = child_share(sizeof(*shared));
	pid_t child;

	vm_add(&self->vm, self->device);
	*shared =
		(struct shared){ .vm = self->vm, .device = self->device, .iommufd = self->iommufd };
	child = child_start(bind_and_wait, shared);
	child_await(child, &shared->done);
	EXPECT_EQ(0, shared->rc);
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&self->device);
	vm_close(&self->vm);
	EXPECT_TRUE(vm_exists(&self->vm));
	child_kill(child);
	EXPECT_FALSE(vm_exists(&self->vm));
	EXPECT_TRUE(device_is_free());
}

static void make_all(void *argument)
{
	struct shared *shared = argument;

	vm_create(&shared->vm);
	shared->iommufd = iommufd_open();
	vm_add(&shared->vm, shared->device);
	vfio_bind(shared->device, shared->iommufd);
	shared->done = true;
	for (;;)
		pause();
}

CTS_TEST_F(machine, killed,
	   .title = "A process that is killed with a VM, its devices and a bound file leaves none of them",
	   .requirements = { "KVM-006", "KVM-007" },
	   .needs = NEEDS)
{
	struct shared *shared = child_share(sizeof(*shared));
	pid_t child;

	shared->device = self->device;
	child = child_start(make_all, shared);
	child_await(child, &shared->done);
	cts_close(&self->device);
	EXPECT_TRUE(vm_exists(&shared->vm));
	EXPECT_FALSE(device_is_free());
	child_kill(child);
	EXPECT_FALSE(vm_exists(&shared->vm));
	EXPECT_TRUE(device_is_free());
}

CTS_TEST_F(machine, vm_killed,
	   .title = "A bound device keeps the VM of a process that was killed, and works on",
	   .requirements = { "KVM-006", "KVM-013" },
	   .needs = NEEDS)
{
	struct shared *shared = child_share(sizeof(*shared));
	pid_t child;

	shared->device = self->device;
	child = child_start(make_all, shared);
	child_await(child, &shared->done);
	child_kill(child);
	EXPECT_TRUE(vm_exists(&shared->vm));
	EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
	cts_close(&self->device);
	EXPECT_FALSE(vm_exists(&shared->vm));
	EXPECT_TRUE(device_is_free());
}

/* Asks everything of another process's VM: each must end in EIO. */
static void ask(void *argument)
{
	struct shared *shared = argument;
	int device;

	if (__vm_add(&shared->vm, shared->device) == -EIO &&
	    __vm_del(&shared->vm, shared->device) == -EIO &&
	    __kvm_attribute(shared->vm.files, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
			    KVM_DEV_VFIO_FILE_ADD, NULL) == -EIO &&
	    __kvm_create_device(shared->vm.fd, KVM_DEV_TYPE_VFIO, 0, &device) == -EIO)
		shared->rc = 0;
}

CTS_TEST_F(machine, of_another_process,
	   .title = "A VM's vfio device answers EIO to every process but the VM's own, and does nothing for it",
	   .requirements = { "KVM-018" },
	   .needs = NEEDS)
{
	struct shared *shared = child_share(sizeof(*shared));
	int other = vfio_open();

	vm_add(&self->vm, self->device);
	*shared = (struct shared){ .vm = self->vm, .device = self->device, .rc = -1 };
	EXPECT_EQ(0, child_join(child_start(ask, shared)));
	EXPECT_EQ(0, shared->rc);
	EXPECT_TRUE(is_added(&self->vm, self->device));

	*shared = (struct shared){ .vm = self->vm, .device = other, .rc = -1 };
	EXPECT_EQ(0, child_join(child_start(ask, shared)));
	EXPECT_EQ(0, shared->rc);
	EXPECT_FALSE(is_added(&self->vm, other));
	cts_close(&other);
}

CTS_MAIN
