/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of most tests here: a VM, an iommufd, and a parked file of the device. */
#ifndef KVM_MACHINE_H
#define KVM_MACHINE_H

#include "seen.h"
#include "test.h"

FIXTURE(machine)
{
	struct vfio_layout layout;
	struct vm vm;
	int iommufd;
	int device;
};

FIXTURE_SETUP(machine)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	vm_create(&self->vm);
	VM_TRACE_OR_SKIP(&self->vm);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
}

FIXTURE_TEARDOWN(machine)
{
	vm_close(&self->vm);
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

#endif
