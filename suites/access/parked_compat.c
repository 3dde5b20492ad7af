// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl of a 32-bit process is a file operation of its own (.compat_ioctl). It finds a parked
 * file just as parked: every request but bind ends in EINVAL, and bind, whose argument has the same
 * layout for both, binds.
 */
#include "compat.h"
#include "parked.h"
#include "sweep.h"

/* All requests to @device end in EINVAL. */
#define EVERYTHING(device)                  \
	{ .ioctl = __compat_ioctl,          \
	  .fd = (device),                   \
	  .error = -EINVAL,                 \
	  .guarded = compat_guarded_page(), \
	  .page = page_size() }

/* The gate refuses, asked with VFIO_DEVICE_GET_INFO and no argument: harmless where it doesn't. */
#define ASSERT_COMPAT_SHUT(device) \
	ASSERT_EQ(-EINVAL, __compat_ioctl(device, VFIO_DEVICE_GET_INFO, NULL))

CTS_TEST_F(parked, compat_sweep,
	   .title = "A parked file knows none of a 32-bit process's 256 requests but bind",
	   .requirements = { "PARK-009" },
	   .needs = CTS_NEED_CDEV)
{
	COMPAT_OR_SKIP();
	const struct sweep sweep = EVERYTHING(self->device);

	ASSERT_COMPAT_SHUT(self->device);
	EXPECT_SWEPT(sweep_numbers(&sweep));
}

CTS_TEST_F(parked, compat_encodings,
	   .title = "Nor does it know a 32-bit process's requests with sizes and directions",
	   .requirements = { "PARK-009" },
	   .needs = CTS_NEED_CDEV)
{
	COMPAT_OR_SKIP();
	const struct sweep sweep = EVERYTHING(self->device);

	ASSERT_COMPAT_SHUT(self->device);
	EXPECT_SWEPT(sweep_encodings(&sweep));
}

/* Binds @device by a 32-bit call with an argument of @argsz bytes, which ends where memory does. */
static int compat_bind(int device, int iommufd, uint32_t argsz, uint32_t *id)
{
	struct vfio_device_bind_iommufd args = { .argsz = argsz, .iommufd = iommufd };
	char *page = compat_guarded_page() + page_size() - argsz;
	int rc;

	memcpy(page, &args, argsz);
	rc = __compat_ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, page);
	memcpy(id, page + offsetof(struct vfio_device_bind_iommufd, out_devid), sizeof(*id));
	return rc;
}

CTS_TEST_F(parked, compat_bind,
	   .title = "A 32-bit process can bind a parked file, and both kinds can use it then",
	   .requirements = { "PARK-009" },
	   .needs = CTS_NEED_CDEV)
{
	/* The first version of the argument, and this one. */
	static const uint32_t sizes[] = { 16, sizeof(struct vfio_device_bind_iommufd) };
	struct vfio_device_info *info;
	uint32_t id;
	size_t i;

	COMPAT_OR_SKIP();
	info = (void *)compat_guarded_page();
	info->argsz = sizeof(*info);
	cts_close(&self->bound);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, compat_bind(self->device, self->iommufd, sizes[i], &id));
		EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));
		EXPECT_EQ(0, __compat_ioctl(self->device, VFIO_DEVICE_GET_INFO, info));
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));
		cts_close(&self->device);
		self->device = vfio_open();
	}
}

CTS_TEST_F(parked, compat_bind_is_refused,
	   .title = "A refused bind of a 32-bit process leaves the file parked",
	   .requirements = { "PARK-009", "PARK-025" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_bind_iommufd args = { .argsz = 15, .iommufd = self->iommufd };
	char *page;

	COMPAT_OR_SKIP();
	page = compat_guarded_page();
	EXPECT_EQ(-EFAULT, __compat_ioctl(self->device, VFIO_DEVICE_BIND_IOMMUFD, NULL));
	EXPECT_EQ(-EFAULT,
		  __compat_ioctl(self->device, VFIO_DEVICE_BIND_IOMMUFD, page + page_size()));
	memcpy(page, &args, sizeof(args));
	EXPECT_EQ(-EINVAL, __compat_ioctl(self->device, VFIO_DEVICE_BIND_IOMMUFD, page));
	args.argsz = sizeof(args);
	args.iommufd = -1;
	memcpy(page, &args, sizeof(args));
	EXPECT_EQ(-EINVAL, __compat_ioctl(self->device, VFIO_DEVICE_BIND_IOMMUFD, page));

	EXPECT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	cts_close(&self->bound);
	EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
}

CTS_MAIN
