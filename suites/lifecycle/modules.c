// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack as modules: what is in use stays, whoever wants it out; after the last close it goes,
 * and what is loaded again does what it did before.
 */
#include <poll.h>
#include <sys/wait.h>

#include "buffer.h"
#include "canary.h"
#include "dut.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "modules.h"
#include "removal.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"

FIXTURE(modules)
{
	struct vfio_layout layout;
	struct modules_out out;
	char driver[MODULE_NAME]; /* the module of the device's driver */
};

FIXTURE_SETUP(modules)
{
	static const char *const stack[] = { "vfio", "iommufd" };
	char name[SYSFS_PATH], path[PATH_MAX];
	size_t i;

	CTS_CHECK_NEEDS();
	sysfs_driver(name);
	snprintf(self->driver, sizeof(self->driver), "%.63s", name);
	for (i = 0; self->driver[i]; i++)
		if (self->driver[i] == '-')
			self->driver[i] = '_';
	if (!module_is_loaded(self->driver) || !module_file(self->driver, path))
		CTS_SKIP(KERNEL_LACKS, "%s is no module that a test could load again",
			 self->driver);
	for (i = 0; i < ARRAY_SIZE(stack); i++)
		if (!module_is_loaded(stack[i]) || !module_file(stack[i], path))
			CTS_SKIP(KERNEL_LACKS, "%s is no module that a test could load again",
				 stack[i]);
	VFIO_SURVEY_OR_SKIP(&self->layout);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(modules)
{
	if (__modules_load(&self->out))
		cts_lab_error("%s can't be loaded again", self->out.name[self->out.count - 1]);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* The device is there, and can be brought into use. */
static int is_usable(const FIXTURE_DATA(modules) * self)
{
	char path[SYSFS_PATH];
	int iommufd, device, rc;
	uint32_t ioas;

	if (__sysfs_cdev_path(path))
		return -ENODEV;
	iommufd = iommufd_open();
	device = vfio_open();
	ioas = iommufd_ioas_alloc(iommufd);
	rc = __vfio_bind(device, iommufd, NULL);
	if (!rc)
		rc = __vfio_attach(device, &ioas);
	if (!rc)
		rc = gate_read.use(device, &self->layout);
	cts_close(&device);
	cts_close(&iommufd);
	return rc;
}

CTS_TEST_F(modules, driver_of_a_bound_device,
	   .title = "The module of a bound device's driver stays, and the device works on; after the close it goes, and comes back",
	   .requirements = { "LIFE-015" },
	   .needs = NEEDS)
{
	int iommufd = iommufd_open(), device = vfio_open();
	char path[SYSFS_PATH];

	vfio_bind(device, iommufd);
	EXPECT_EQ(-EAGAIN, __module_unload(self->driver));
	EXPECT_EQ(0, gate_read.use(device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(device, &self->layout));
	cts_close(&device);

	modules_unload(&self->out, self->driver);
	EXPECT_EQ(-ENODEV, __sysfs_cdev_path(path));
	ASSERT_EQ(0, __modules_load(&self->out));
	EXPECT_EQ(0, is_usable(self));
	cts_close(&iommufd);
}

/* The driver's module is what keeps the others while its device is there at all. */
CTS_TEST_F(modules, vfio_with_a_container,
	   .title = "vfio stays while its container is open, without any driver, and goes when that is closed",
	   .requirements = { "LIFE-015" },
	   .needs = NEEDS)
{
	int container;

	modules_unload_users(&self->out, "vfio");
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container < 0)
		CTS_SKIP(KERNEL_LACKS, "there is no /dev/vfio/vfio");
	EXPECT_EQ(-EAGAIN, __module_unload("vfio"));
	cts_close(&container);
	modules_unload(&self->out, "vfio");
	EXPECT_EQ(-1, access("/dev/vfio/vfio", F_OK));
	ASSERT_EQ(0, __modules_load(&self->out));
	EXPECT_EQ(0, is_usable(self));
}

CTS_TEST_F(modules, iommufd_with_a_context,
	   .title = "iommufd stays while a context is open, which works on, and goes when that is closed",
	   .requirements = { "LIFE-015" },
	   .needs = NEEDS)
{
	struct buffer buffer;
	int iommufd;
	uint32_t ioas;
	uint64_t iova;

	modules_unload_users(&self->out, "iommufd");
	buffer_alloc(&buffer, BUFFER_BASE, page_size());
	iommufd = iommufd_open();
	EXPECT_EQ(-EAGAIN, __module_unload("iommufd"));
	ioas = iommufd_ioas_alloc(iommufd);
	iova = iommufd_usable_iova(iommufd, ioas, page_size(), page_size());
	EXPECT_EQ(0, __iommufd_map(iommufd, ioas, buffer.memory, page_size(), iova));
	EXPECT_EQ(-EAGAIN, __module_unload("iommufd"));
	cts_close(&iommufd);
	modules_unload(&self->out, "iommufd");
	EXPECT_EQ(-1, access("/dev/iommu", F_OK));
	ASSERT_EQ(0, __modules_load(&self->out));
	EXPECT_EQ(0, is_usable(self));
	buffer_free(&buffer);
}

/* As the removal of a driver does (LIFE-012); there is no device left that could be opened again. */
CTS_TEST_F(modules, driver_of_a_parked_file,
	   .title = "The unloading of the driver's module waits for the last parked file",
	   .requirements = { "LIFE-015", "PARK-027" },
	   .needs = NEEDS)
{
	int device = vfio_open(), ends[2], status;
	struct pollfd alive = { .events = POLLIN };
	char node[SYSFS_PATH];
	pid_t child;

	strcpy(node, sysfs_cdev_path());
	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	fflush(NULL);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(device);
		close(ends[0]);
		_exit(-__module_unload(self->driver));
	}
	cts_close(&ends[1]);
	strcpy(self->out.name[self->out.count++], self->driver);
	alive.fd = ends[0];
	while (!access(node, F_OK) && !poll(&alive, 1, 0))
		;
	/* How long that is watched can't make the test fail. */
	EXPECT_EQ(0, poll(&alive, 1, 500));
	EXPECT_EQ(-EINVAL, gate_ioctl.probe(device, &self->layout));
	cts_close(&device);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	self->out.count -= !!status;
	ASSERT_EQ(0, status);
	EXPECT_FALSE(module_is_loaded(self->driver));
	ASSERT_EQ(0, __modules_load(&self->out));
	EXPECT_EQ(0, is_usable(self));
}

CTS_TEST_F(modules, all_of_it,
	   .title = "A stack that was unloaded as a whole and loaded again lets the device reach what is mapped",
	   .requirements = { "LIFE-015" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60)
{
	struct buffer buffer;
	struct dut dut;
	uint8_t *wrote;
	uint64_t iova;
	size_t size;

	modules_unload(&self->out, "iommufd");
	ASSERT_EQ(0, __modules_load(&self->out));
	dut_open(&dut);
	size = dma_write_limits(dut.dma)->smallest;
	wrote = malloc(size);
	ASSERT_NE(NULL, wrote);
	buffer_alloc(&buffer, BUFFER_BASE, 2 * page_size());
	iova = iova_alloc(&dut.space, buffer.size, page_size());
	iommufd_map(dut.iommufd, dut.ioas, buffer.memory, buffer.size, iova);
	canary_fill(buffer.memory, buffer.size, 1);
	EXPECT_EQ(0, dma_write(dut.dma, iova, size, wrote));
	EXPECT_TRUE(canary_holds_only(buffer.memory, buffer.size, 1, 0, wrote, size));
	dut_close(&dut);
	buffer_free(&buffer);
	free(wrote);
}

CTS_MAIN
