// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bind where the platform can't isolate interrupts: a device may raise those of others there, by
 * writing to the address of messages. The owner of the machine can allow that
 * (iommufd.allow_unsafe_interrupts). It is only ever allowed here where it has been before.
 */
#include <fcntl.h>
#include <stdio.h>

#include "iommufd.h"
#include "klog.h"
#include "restore.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define ALLOWED "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

/* Are they allowed? -errno. */
static int allowed(void)
{
	char value = 0;
	int fd = open(ALLOWED, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, &value, 1);
	int error = errno;

	if (fd >= 0)
		cts_close(&fd);
	return length == 1 ? value == 'Y' : -error;
}

static void allow(bool whether)
{
	int rc = __sysfs_write(ALLOWED, whether ? "Y" : "N");

	errno = -rc;
	cts_lab_require(!rc, ALLOWED);
}

/* Has the log said of the device that it is not secure, from where @log is? */
static bool warned(int log)
{
	char record[KLOG_RECORD];
	bool found = false;

	while (klog_next(log, record, 0))
		found |= strstr(record, sysfs_device()) && strstr(record, "not secure");
	return found;
}

FIXTURE(unsafe)
{
	bool was; /* allowed, as the host has it */
	struct restore restore;
	int iommufd, device, log;
	uint32_t id;
	int refused; /* what bind returned when it wasn't allowed */
};

/* What bind returns of a new file, which is closed again. */
static int try_bind(int iommufd)
{
	int device = vfio_open(), rc;
	uint32_t id;

	rc = __vfio_bind(device, iommufd, &id);
	cts_close(&device);
	return rc;
}

/*
 * Whether the platform isolates interrupts nobody says but the kernel: by the warning at a bind
 * that it allowed, or by its refusal.
 */
FIXTURE_SETUP(unsafe)
{
	bool isolates;
	int was;

	CTS_CHECK_NEEDS();
	was = allowed();
	if (was < 0)
		CTS_SKIP(KERNEL_LACKS, "no " ALLOWED);
	self->was = was;
	self->log = klog_open();
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	if (self->was) {
		ASSERT_EQ(0, try_bind(self->iommufd));
	}
	isolates = !warned(self->log);
	restore_begin(&self->restore, ALLOWED, self->was ? "Y" : "N");
	allow(false);
	self->refused = try_bind(self->iommufd);
	if (isolates && !self->refused && !warned(self->log)) {
		restore_end(&self->restore);
		CTS_SKIP(DEVICE_LACKS, "the platform isolates its interrupts");
	}
}

FIXTURE_TEARDOWN(unsafe)
{
	restore_end(&self->restore);
	cts_close(&self->log);
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

CTS_TEST_F(unsafe, is_refused,
	   .title = "Where interrupts can't be isolated bind is EPERM, each time, and the device stays parked and its group free",
	   .requirements = { "BIND-019" },
	   .needs = NEEDS)
{
	uint8_t byte;
	int i;

	EXPECT_EQ(-EPERM, self->refused);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EPERM, __vfio_bind(self->device, self->iommufd, &self->id));
		EXPECT_EQ(-1, pread(self->device, &byte, 1, 0));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_TRUE(vfio_group_is_free());
}

CTS_TEST_F(unsafe, is_allowed,
	   .title = "Where interrupts that can't be isolated are allowed the file that was refused can be bound, and the log warns of it",
	   .requirements = { "BIND-019" },
	   .needs = NEEDS)
{
	if (!self->was)
		CTS_SKIP(NO_MSI_ISOLATION, "they aren't allowed on this host");
	EXPECT_EQ(-EPERM, __vfio_bind(self->device, self->iommufd, &self->id));
	EXPECT_FALSE(warned(self->log));
	allow(true);
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, &self->id));
	EXPECT_TRUE(warned(self->log));
}

CTS_MAIN
