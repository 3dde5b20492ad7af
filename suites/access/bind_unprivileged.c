// SPDX-License-Identifier: GPL-2.0-only
/*
 * To bind a device takes the permissions of two nodes, its own and /dev/iommu, and no privilege:
 * whoever was given both by the administrator may use the device.
 *
 * The nodes of the host keep their owner. A child makes nodes of its own for the same devices, in a
 * mount namespace that goes away with it, and gives up all privilege.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bind.h"
#include "gates.h"
#include "privilege.h"
#include "sysfs.h"

static const char device_node[] = "/dev/vfio/cts-device";
static const char iommu_node[] = "/dev/vfio/cts-iommu";

/* Makes @path a node for the device behind @original, with the owner @owner and the mode @mode. */
static void make_node(const char *path, dev_t device, uid_t owner, mode_t mode)
{
	if (mknod(path, S_IFCHR | mode, device) || chmod(path, mode) || chown(path, owner, owner))
		cts_lab_error("%s can't be made: %s", path, strerror(errno));
}

static dev_t device_of(const char *path)
{
	struct stat status;

	cts_require(!stat(path, &status), "%s", path);
	return status.st_rdev;
}

/* Puts nodes of @owner into a /dev/vfio of this process alone. */
static void make_nodes(uid_t owner, mode_t mode)
{
	dev_t device = device_of(sysfs_cdev_path());
	dev_t iommu = device_of("/dev/iommu");

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("cts", "/dev/vfio", "tmpfs", 0, NULL))
		cts_lab_error("no private /dev/vfio: %s", strerror(errno));
	make_node(device_node, device, owner, mode);
	make_node(iommu_node, iommu, owner, mode);
}

/*
 * Runs @action in a child without privilege that owns nodes of @mode; what it
 * returned, 0 to -255.
 */
static int as_nobody(int (*action)(const struct vfio_layout *layout), mode_t mode,
		     const struct vfio_layout *layout)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	cts_lab_require(child >= 0, "fork");
	if (!child) {
		make_nodes(PRIVILEGE_NOBODY, mode);
		privilege_drop(PRIVILEGE_NOBODY);
		_exit(-action(layout));
	}
	cts_require(waitpid(child, &status, 0) == child && WIFEXITED(status), "the child died");
	return -WEXITSTATUS(status);
}

/* Binds the device and uses it. */
static int bind_and_use(const struct vfio_layout *layout)
{
	int device = open(device_node, O_RDWR | O_CLOEXEC);
	int iommufd = open(iommu_node, O_RDWR | O_CLOEXEC);
	int error;

	if (device < 0 || iommufd < 0)
		return -errno;
	error = __vfio_bind(device, iommufd, NULL);
	return error ?: gate_read.use(device, layout);
}

/* Opens the device's node, and lets it be. */
static int open_only(const struct vfio_layout *layout)
{
	(void)layout;
	return open(device_node, O_RDWR | O_CLOEXEC) < 0 ? -errno : 0;
}

CTS_TEST_F(bind, unprivileged_owner,
	   .title = "A user without privilege can bind a device by the permissions of two nodes",
	   .requirements = { "BIND-025" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	EXPECT_EQ(0, as_nobody(bind_and_use, 0600, &self->layout));
	EXPECT_BINDABLE();
}

CTS_TEST_F(bind, unprivileged_without_permission,
	   .title = "A user without privilege or permission can't open the device",
	   .requirements = { "BIND-025" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	EXPECT_EQ(-EACCES, as_nobody(open_only, 0000, &self->layout));
}

CTS_MAIN
