// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closing the last descriptor of a bound file undoes the bind: everything that it held is free
 * again.
 */
#include "bind.h"
#include "memory.h"
#include "vfio_group.h"

CTS_TEST_F(bind, close_frees_the_device,
	   .title = "After the bound file was closed the device can be bound to another iommufd",
	   .requirements = { "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	int other = iommufd_open();

	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	self->device = vfio_open();
	EXPECT_EQ(0, __vfio_bind(self->device, other, NULL));
	cts_close(&self->device);
	cts_close(&other);
}

CTS_TEST_F(bind, close_while_attached_frees_the_device,
	   .title = "A device that was closed while attached can be bound to another iommufd",
	   .requirements = { "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
	int other = iommufd_open();
	uint64_t iova;

	vfio_bind(self->device, self->iommufd);
	vfio_attach(self->device, ioas);
	iova = iommufd_usable_iova(self->iommufd, ioas, page_size(), page_size());
	iommufd_map(self->iommufd, ioas, guarded_page(), page_size(), iova);

	cts_close(&self->device);
	self->device = vfio_open();
	EXPECT_EQ(0, __vfio_bind(self->device, other, NULL));
	cts_close(&self->device);
	cts_close(&other);

	/* The address space outlives the device, and nothing of the device holds it. */
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, ioas));
}

CTS_TEST_F(bind, close_frees_the_group,
	   .title = "After the bound file was closed the group is open to the older way",
	   .requirements = { "LIFE-001" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	int group, device;

	vfio_bind(self->device, self->iommufd);
	cts_close(&self->device);
	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_TRUE(vfio_group_is_viable(group));
	device = vfio_group_device(group, self->iommufd);
	cts_close(&device);
	cts_close(&group);
}

CTS_TEST_F(bind, exit_frees_the_device,
	   .title = "A process that ends with a bound device leaves it free",
	   .requirements = { "LIFE-001" },
	   .needs = CTS_NEED_CDEV)
{
	int status;
	pid_t child;

	cts_close(&self->device);
	fflush(NULL);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		vfio_bind(vfio_open(), iommufd_open());
		raise(SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));

	self->device = vfio_open();
	EXPECT_BINDABLE();
}

CTS_MAIN
