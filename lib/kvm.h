/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual machines that have no processor and no memory (include/uapi/linux/kvm.h,
 * Documentation/virt/kvm/api.rst), and the pseudo device that such a VM is told of vfio's files by
 * (Documentation/virt/kvm/devices/vfio.rst). A call with `__` returns 0 or -errno; its twin without
 * ends the test when it fails.
 */
#ifndef CTS_KVM_H
#define CTS_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct vm {
	int fd;
	int files;	/* its device of type KVM_DEV_TYPE_VFIO */
	char trace[64]; /* what debugfs has of it as long as it exists */
};

/* What is missing for a VM to be made, in words, or NULL. */
const char *kvm_missing(void);

/* KVM_CREATE_VM and, in it, KVM_CREATE_DEVICE of KVM_DEV_TYPE_VFIO. The process keeps it. */
void vm_create(struct vm *vm);

/* Closes both descriptors; those that a test has closed are fine. */
void vm_close(struct vm *vm);

/*
 * Is the VM still there? It is as long as anybody refers to it, and goes within the call that gives
 * up the last reference. Told by debugfs; where that has no trace of a new VM, the test is skipped.
 */
bool vm_exists(const struct vm *vm);

/*
 * KVM_CREATE_DEVICE of @type (KVM_DEV_TYPE_*) with @flags (KVM_CREATE_DEVICE_*) in the VM @vm, a
 * descriptor. *@device becomes what the kernel says, also when nothing is made: -1 if it says
 * nothing.
 */
int __kvm_create_device(int vm, uint32_t type, uint32_t flags, int *device);

/*
 * @request, one of KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR and KVM_HAS_DEVICE_ATTR, of the device
 * @device with an argument of the caller's making.
 */
int __kvm_attribute(int device, unsigned long request, uint32_t group, uint64_t attribute,
		    const void *address);

/* KVM_DEV_VFIO_FILE_ADD and KVM_DEV_VFIO_FILE_DEL of the number @file. */
int __vm_add(const struct vm *vm, int file);
int __vm_del(const struct vm *vm, int file);
void vm_add(const struct vm *vm, int file);
void vm_del(const struct vm *vm, int file);

/* In a setup, after vm_create(): skips a test that asks vm_exists() where nothing tells. */
#define VM_TRACE_OR_SKIP(vm)                                                                      \
	do {                                                                                      \
		if (!vm_exists(vm))                                                               \
			CTS_SKIP(NO_TEST_SUPPORT,                                                 \
				 "debugfs has no %s: nothing tells when a VM ends", (vm)->trace); \
	} while (0)

#endif
