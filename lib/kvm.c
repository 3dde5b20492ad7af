// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "kvm.h"

#define NODE "/dev/kvm"

const char *kvm_missing(void)
{
	if (access(NODE, F_OK))
		return "there is no " NODE;
	return access(NODE, R_OK | W_OK) ? NODE " may not be opened" : NULL;
}

void vm_create(struct vm *vm)
{
	int kvm = open(NODE, O_RDWR | O_CLOEXEC);

	cts_require(kvm >= 0, "open " NODE);
	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	cts_require(vm->fd >= 0, "KVM_CREATE_VM");
	cts_close(&kvm);
	snprintf(vm->trace, sizeof(vm->trace), "/sys/kernel/debug/kvm/%d-%d", getpid(), vm->fd);
	errno = -__kvm_create_device(vm->fd, KVM_DEV_TYPE_VFIO, 0, &vm->files);
	cts_require(!errno, "KVM_CREATE_DEVICE of KVM_DEV_TYPE_VFIO");
}

void vm_close(struct vm *vm)
{
	cts_close(&vm->files);
	cts_close(&vm->fd);
}

bool vm_exists(const struct vm *vm)
{
	return !access(vm->trace, F_OK);
}

int __kvm_create_device(int vm, uint32_t type, uint32_t flags, int *device)
{
	struct kvm_create_device args = { .type = type, .flags = flags, .fd = (uint32_t)-1 };
	int rc = ioctl(vm, KVM_CREATE_DEVICE, &args) ? -errno : 0;

	*device = (int)args.fd;
	return rc;
}

int __kvm_attribute(int device, unsigned long request, uint32_t group, uint64_t attribute,
		    const void *address)
{
	struct kvm_device_attr args = {
		.group = group,
		.attr = attribute,
		.addr = (uintptr_t)address,
	};

	return ioctl(device, request, &args) ? -errno : 0;
}

static int set(const struct vm *vm, uint64_t attribute, int32_t file)
{
	return __kvm_attribute(vm->files, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_FILE, attribute, &file);
}

int __vm_add(const struct vm *vm, int file)
{
	return set(vm, KVM_DEV_VFIO_FILE_ADD, file);
}

int __vm_del(const struct vm *vm, int file)
{
	return set(vm, KVM_DEV_VFIO_FILE_DEL, file);
}

void vm_add(const struct vm *vm, int file)
{
	errno = -__vm_add(vm, file);
	cts_require(!errno, "KVM_DEV_VFIO_FILE_ADD");
}

void vm_del(const struct vm *vm, int file)
{
	errno = -__vm_del(vm, file);
	cts_require(!errno, "KVM_DEV_VFIO_FILE_DEL");
}
