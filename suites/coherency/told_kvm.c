// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA that an IOMMU can't force to look into the CPU's caches needs a VM that may write them back
 * (wbinvd). KVM is told when the first such device is added to a VM, and when the last one goes.
 * The kernel shows that to nobody, so the calls are counted in it.
 */
#include "iommufd.h"
#include "kvm.h"
#include "probe.h"
#include "snooping.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define BEGIN "kvm_arch_register_noncoherent_dma"
#define END "kvm_arch_unregister_noncoherent_dma"

FIXTURE(told)
{
	struct vfio_layout layout;
	struct vm vm;
	unsigned int forced; /* does the IOMMU control snooping? */
	int begin;	     /* probes */
	int end;
	int iommufd;
};

FIXTURE_SETUP(told)
{
	int forced;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	forced = controls_snooping();
	if (forced < 0)
		CTS_SKIP(IOMMU_LACKS, "nothing tells whether the IOMMU controls snooping");
	self->forced = (unsigned int)forced;
	TH_LOG("the IOMMU %s snooping", forced ? "controls" : "doesn't control");
	self->begin = __probe_open(BEGIN);
	if (self->begin == -EACCES || self->begin == -EPERM)
		CTS_SKIP(LOCKDOWN, "the kernel may not be probed: %s", strerror(-self->begin));
	if (self->begin < 0)
		CTS_SKIP(NO_TEST_SUPPORT, "calls of " BEGIN " can't be counted: %s",
			 strerror(-self->begin));
	self->end = __probe_open(END);
	ASSERT_LE(0, self->end);
	vm_create(&self->vm);
	self->iommufd = iommufd_open();
}

FIXTURE_TEARDOWN(told)
{
	vm_close(&self->vm);
	cts_close(&self->iommufd);
	cts_close(&self->begin);
	cts_close(&self->end);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_KVM | CTS_NEED_ROOT)

/*
 * How often KVM has been told so far that there is such DMA, and that there is none any more: of a
 * device that can't be forced to snoop; of another one never.
 */
#define EXPECT_TOLD(times_begin, times_end)                                             \
	do {                                                                            \
		EXPECT_EQ(self->forced ? 0U : (times_begin), probe_count(self->begin)); \
		EXPECT_EQ(self->forced ? 0U : (times_end), probe_count(self->end));     \
	} while (0)

CTS_TEST_F(told, of_one,
	   .title = "KVM is told of a device that isn't coherent, and of its end, each time that it is added and taken away",
	   .requirements = { "KVM-008" },
	   .needs = NEEDS)
{
	int device = vfio_open();

	vfio_bind(device, self->iommufd);
	EXPECT_TOLD(0U, 0U);
	vm_add(&self->vm, device);
	EXPECT_TOLD(1U, 0U);
	vm_del(&self->vm, device);
	EXPECT_TOLD(1U, 1U);
	vm_add(&self->vm, device);
	EXPECT_TOLD(2U, 1U);
	/* KVM has the file open. */
	cts_close(&device);
	EXPECT_TOLD(2U, 1U);
	cts_close(&self->vm.files);
	EXPECT_TOLD(2U, 2U);
}

CTS_TEST_F(told, not_of_refusals,
	   .title = "KVM is told nothing by what is refused",
	   .requirements = { "KVM-008" },
	   .needs = NEEDS)
{
	int device = vfio_open();

	vfio_bind(device, self->iommufd);
	EXPECT_EQ(-EINVAL, __vm_add(&self->vm, self->iommufd));
	EXPECT_EQ(-EBADF, __vm_add(&self->vm, -1));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, device));
	EXPECT_TOLD(0U, 0U);
	vm_add(&self->vm, device);
	EXPECT_EQ(-EEXIST, __vm_add(&self->vm, device));
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, self->iommufd));
	EXPECT_EQ(-EINVAL, __vm_add(&self->vm, self->iommufd));
	EXPECT_TOLD(1U, 0U);
	vm_del(&self->vm, device);
	EXPECT_EQ(-ENOENT, __vm_del(&self->vm, device));
	EXPECT_TOLD(1U, 1U);
	cts_close(&device);
}

CTS_TEST_F(told, each_vm,
	   .title = "Each VM is told of a device that isn't coherent",
	   .requirements = { "KVM-008" },
	   .needs = NEEDS)
{
	int device = vfio_open();
	struct vm other;

	vfio_bind(device, self->iommufd);
	vm_create(&other);
	vm_add(&self->vm, device);
	EXPECT_TOLD(1U, 0U);
	vm_add(&other, device);
	EXPECT_TOLD(2U, 0U);
	vm_close(&self->vm);
	EXPECT_TOLD(2U, 1U);
	vm_close(&other);
	EXPECT_TOLD(2U, 2U);
	cts_close(&device);
}

CTS_TEST_F(told, of_a_group,
	   .title = "KVM is told of a group with a device that isn't coherent",
	   .requirements = { "KVM-008", "KVM-016" },
	   .needs = NEEDS | CTS_NEED_GROUP)
{
	int group = vfio_group_open(), device = vfio_group_device(group, self->iommufd);

	vm_add(&self->vm, group);
	EXPECT_TOLD(1U, 0U);
	vm_del(&self->vm, group);
	EXPECT_TOLD(1U, 1U);
	cts_close(&device);
	cts_close(&group);
}

#define SEVERAL 3

/* Opens files that are for one device, none of them parked: its group's, and two of its own. */
static void open_several(int iommufd, int files[SEVERAL])
{
	files[0] = vfio_group_open();
	files[1] = vfio_group_device(files[0], iommufd);
	files[2] = vfio_group_device_fd(files[0]);
}

static void close_several(int files[SEVERAL])
{
	int i;

	for (i = SEVERAL - 1; i >= 0; i--)
		cts_close(&files[i]);
}

CTS_TEST_F(told, of_the_first_and_the_last,
	   .title = "Of several files that aren't coherent KVM is told of the first that is added and the last that is taken away",
	   .requirements = { "KVM-008", "KVM-016" },
	   .needs = NEEDS | CTS_NEED_GROUP)
{
	int files[SEVERAL], i;

	open_several(self->iommufd, files);
	for (i = 0; i < SEVERAL; i++) {
		vm_add(&self->vm, files[i]);
		EXPECT_TOLD(1U, 0U);
	}
	for (i = 0; i < SEVERAL; i++) {
		EXPECT_TOLD(1U, 0U);
		vm_del(&self->vm, files[i]);
	}
	EXPECT_TOLD(1U, 1U);
	close_several(files);
}

CTS_TEST_F(told, of_the_end,
	   .title = "KVM is told once that there is no such DMA any more when its vfio device is closed with several files",
	   .requirements = { "KVM-008" },
	   .needs = NEEDS | CTS_NEED_GROUP)
{
	int files[SEVERAL], i;

	open_several(self->iommufd, files);
	for (i = 0; i < SEVERAL; i++)
		vm_add(&self->vm, files[i]);
	EXPECT_TOLD(1U, 0U);
	cts_close(&self->vm.files);
	EXPECT_TOLD(1U, 1U);
	close_several(files);
	EXPECT_TOLD(1U, 1U);
}

CTS_TEST_F(told, not_of_parked,
	   .title = "KVM is told nothing of a file that is not bound",
	   .requirements = { "KVM-014" },
	   .needs = NEEDS)
{
	int device = vfio_open();

	vm_add(&self->vm, device);
	EXPECT_TOLD(0U, 0U);
	vm_del(&self->vm, device);
	EXPECT_TOLD(0U, 0U);
	cts_close(&device);
}

CTS_MAIN
