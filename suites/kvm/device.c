// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pseudo device of a VM that stands for vfio: there is one, and it can be asked what it takes.
 * No vfio device is needed for that.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm.h"
#include "memory.h"
#include "test.h"

FIXTURE(device)
{
	struct vm vm;
};

FIXTURE_SETUP(device)
{
	CTS_CHECK_NEEDS();
	vm_create(&self->vm);
}

FIXTURE_TEARDOWN(device)
{
	vm_close(&self->vm);
}

/* The lowest number that a new descriptor would get: it tells whether one was left behind. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cts_lab_require(fd >= 0, "open /dev/null");
	return close(fd) ? -1 : fd;
}

/* Does @vm's device answer? Its VM's own descriptor was never added. */
static bool answers(const struct vm *vm)
{
	return !__kvm_attribute(vm->files, KVM_HAS_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
				KVM_DEV_VFIO_FILE_ADD, NULL) &&
	       __vm_del(vm, vm->fd) == -ENOENT;
}

CTS_TEST_F(device, one_of_a_vm,
	   .title = "A second vfio device is refused to a VM, leaves no descriptor, and the first one works on",
	   .requirements = { "KVM-009" },
	   .needs = CTS_NEED_KVM)
{
	int next = next_descriptor(), second;

	ASSERT_TRUE(answers(&self->vm));
	EXPECT_NE(0, __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, 0, &second));
	EXPECT_EQ(-1, second);
	EXPECT_EQ(next, next_descriptor());
	EXPECT_TRUE(answers(&self->vm));
}

CTS_TEST_F(device, second_errno,
	   .title = "What a second vfio device is refused with is EEXIST, as of every type that a VM has once",
	   .requirements = { "KVM-020" },
	   .needs = CTS_NEED_KVM)
{
	int second;

	EXPECT_EQ(-EEXIST, __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, 0, &second));
}

CTS_TEST_F(device, one_of_each_vm,
	   .title = "Each VM has a vfio device of its own, and a new one when that was closed",
	   .requirements = { "KVM-009" },
	   .needs = CTS_NEED_KVM)
{
	struct vm other;
	int round;

	vm_create(&other);
	EXPECT_TRUE(answers(&other));
	for (round = 0; round < 2; round++) {
		cts_close(&self->vm.files);
		ASSERT_EQ(0,
			  __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, 0, &self->vm.files));
		EXPECT_TRUE(answers(&self->vm));
	}
	vm_close(&other);
	EXPECT_TRUE(answers(&self->vm));
}

CTS_TEST_F(device, only_asked_for,
	   .title = "KVM_CREATE_DEVICE_TEST says that there is such a type, also where the VM has one, and makes none",
	   .requirements = { "KVM-017" },
	   .needs = CTS_NEED_KVM)
{
	int next, made;

	EXPECT_EQ(0, __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST,
					 &made));
	EXPECT_EQ(-1, made);
	cts_close(&self->vm.files);
	next = next_descriptor();
	EXPECT_EQ(0, __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST,
					 &made));
	EXPECT_EQ(-1, made);
	EXPECT_EQ(next, next_descriptor());
	EXPECT_EQ(0, __kvm_create_device(self->vm.fd, KVM_DEV_TYPE_VFIO, 0, &self->vm.files));
	EXPECT_TRUE(answers(&self->vm));
}

CTS_TEST_F(device, unknown_type,
	   .title = "A type of device that isn't there is ENODEV, asked for or made",
	   .requirements = { "KVM-017" },
	   .needs = CTS_NEED_KVM)
{
	static const uint32_t types[] = { 0, KVM_DEV_TYPE_MAX, KVM_DEV_TYPE_MAX + 1000, INT32_MAX,
					  UINT32_MAX };
	unsigned int i;
	int made;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-ENODEV, __kvm_create_device(self->vm.fd, types[i],
						       KVM_CREATE_DEVICE_TEST, &made));
		EXPECT_EQ(-ENODEV, __kvm_create_device(self->vm.fd, types[i], 0, &made));
		EXPECT_EQ(-1, made);
	}
}

/* KVM_HAS_DEVICE_ATTR; what it would point to can't be read, and is not looked at. */
static int has(const struct vm *vm, uint32_t group, uint64_t attribute)
{
	return __kvm_attribute(vm->files, KVM_HAS_DEVICE_ATTR, group, attribute,
			       inaccessible_page());
}

CTS_TEST_F(device, has,
	   .title = "KVM_HAS_DEVICE_ATTR finds FILE_ADD and FILE_DEL, wherever the argument points to",
	   .requirements = { "KVM-012" },
	   .needs = CTS_NEED_KVM)
{
	EXPECT_EQ(0, has(&self->vm, KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD));
	EXPECT_EQ(0, has(&self->vm, KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_DEL));
	EXPECT_EQ(0, has(&self->vm, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD));
	EXPECT_EQ(0, has(&self->vm, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_DEL));
}

CTS_TEST_F(device, not_read,
	   .title = "What is set can't be got: EPERM",
	   .requirements = { "KVM-012" },
	   .needs = CTS_NEED_KVM)
{
	int32_t file = self->vm.fd;

	EXPECT_EQ(-EPERM, __kvm_attribute(self->vm.files, KVM_GET_DEVICE_ATTR, KVM_DEV_VFIO_FILE,
					  KVM_DEV_VFIO_FILE_ADD, &file));
	EXPECT_EQ(self->vm.fd, file);
}

CTS_TEST_F(device, unreadable,
	   .title = "A struct kvm_device_attr that can't be read, or not to its end, is EFAULT",
	   .requirements = { "KVM-012" },
	   .needs = CTS_NEED_KVM)
{
	static const unsigned long requests[] = { KVM_SET_DEVICE_ATTR, KVM_HAS_DEVICE_ATTR };
	struct kvm_device_attr args = { .group = KVM_DEV_VFIO_FILE, .attr = KVM_DEV_VFIO_FILE_ADD };
	size_t most = sizeof(args) - 1;
	char *end = (char *)guarded_page() + page_size();
	unsigned int i;

	memcpy(end - most, &args, most);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		EXPECT_EQ(-1, ioctl(self->vm.files, requests[i], inaccessible_page()));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, ioctl(self->vm.files, requests[i], end - most));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_TRUE(answers(&self->vm));
}

/* What no vfio device has. The last variants are what a narrower number would take for FILE_ADD. */
FIXTURE(unknown)
{
	struct vm vm;
};

FIXTURE_VARIANT(unknown)
{
	uint32_t group;
	uint64_t attribute;
};

FIXTURE_SETUP(unknown)
{
	CTS_CHECK_NEEDS();
	vm_create(&self->vm);
}

FIXTURE_TEARDOWN(unknown)
{
	vm_close(&self->vm);
}

/* clang-format off */
FIXTURE_VARIANT_ADD(unknown, group_below) { .group = 0, .attribute = KVM_DEV_VFIO_FILE_ADD };
FIXTURE_VARIANT_ADD(unknown, group_above) { .group = 2, .attribute = KVM_DEV_VFIO_FILE_ADD };
FIXTURE_VARIANT_ADD(unknown, group_last) { .group = UINT32_MAX, .attribute = KVM_DEV_VFIO_FILE_ADD };
FIXTURE_VARIANT_ADD(unknown, attribute_below) { .group = KVM_DEV_VFIO_FILE, .attribute = 0 };
FIXTURE_VARIANT_ADD(unknown, attribute_above) { .group = KVM_DEV_VFIO_FILE, .attribute = 4 };
FIXTURE_VARIANT_ADD(unknown, attribute_last) { .group = KVM_DEV_VFIO_FILE, .attribute = UINT64_MAX };
FIXTURE_VARIANT_ADD(unknown, attribute_wide) { .group = KVM_DEV_VFIO_FILE, .attribute = 1ULL << 32 | KVM_DEV_VFIO_FILE_ADD };
/* clang-format on */

CTS_TEST_F(unknown, enxio,
	   .title = "An attribute that isn't there is ENXIO, asked for or set, wherever the argument points to",
	   .requirements = { "KVM-012" },
	   .needs = CTS_NEED_KVM)
{
	int32_t file = self->vm.fd;

	EXPECT_EQ(-ENXIO, has(&self->vm, variant->group, variant->attribute));
	EXPECT_EQ(-ENXIO, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, variant->group,
					  variant->attribute, &file));
	EXPECT_EQ(-ENXIO, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, variant->group,
					  variant->attribute, inaccessible_page()));
	EXPECT_EQ(-ENXIO, __kvm_attribute(self->vm.files, KVM_SET_DEVICE_ATTR, variant->group,
					  variant->attribute, NULL));
}

CTS_MAIN
