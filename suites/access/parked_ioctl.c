// SPDX-License-Identifier: GPL-2.0-only
/*
 * A parked file answers one ioctl, VFIO_DEVICE_BIND_IOMMUFD; any other ends in EINVAL before its
 * argument is looked at. Each test first asks the gate with VFIO_DEVICE_GET_INFO, which changes
 * nothing.
 */
#include "memory.h"
#include "parked.h"
#include "sweep.h"

/* All requests to @device end in EINVAL. */
#define EVERYTHING(device)           \
	{ .ioctl = try_ioctl,        \
	  .fd = (device),            \
	  .error = -EINVAL,          \
	  .guarded = guarded_page(), \
	  .page = page_size() }

CTS_TEST_F(parked, ioctl_sweep,
	   .title = "Of all 256 vfio requests a parked file knows none but bind",
	   .requirements = { "PARK-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);

	ASSERT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_SWEPT(sweep_numbers(&sweep));
}

CTS_TEST_F(parked, ioctl_encodings,
	   .title = "A parked file knows none of the 256 numbers with a size or direction either",
	   .requirements = { "PARK-006", "PARK-007" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);

	ASSERT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_SWEPT(sweep_encodings(&sweep));
}

CTS_TEST_F(parked, ioctl_other_types,
	   .title = "A parked file knows no number of any other type",
	   .requirements = { "PARK-006" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);

	ASSERT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	EXPECT_SWEPT(sweep_types(&sweep));
}

CTS_TEST_F(parked, ioctl_bind_lookalikes,
	   .title = "A request with bind's number but a size or direction is not bind",
	   .requirements = { "PARK-007" },
	   .needs = CTS_NEED_CDEV)
{
	static const unsigned int directions[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE,
						   _IOC_READ | _IOC_WRITE };
	static const size_t sizes[] = { 0, 1, 16, sizeof(struct vfio_device_bind_iommufd), 4096 };
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args), .iommufd = self->iommufd };
	size_t d, s;

	for (d = 0; d < ARRAY_SIZE(directions); d++) {
		for (s = 0; s < ARRAY_SIZE(sizes); s++) {
			unsigned long request = _IOC(directions[d], VFIO_TYPE,
						     _IOC_NR(VFIO_DEVICE_BIND_IOMMUFD), sizes[s]);
			int result;

			if (request == VFIO_DEVICE_BIND_IOMMUFD)
				continue;
			result = try_ioctl(self->device, request, &args);
			EXPECT_EQ(-EINVAL, result) TH_LOG("request %#lx", request);
			EXPECT_EQ(0, args.out_devid);
		}
	}
	/* A file that had been bound would refuse to be bound again. */
	cts_close(&self->bound);
	EXPECT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
}

CTS_TEST_F(parked, ioctl_memory,
	   .title = "A refused request neither reads nor writes its argument",
	   .requirements = { "PARK-008" },
	   .needs = CTS_NEED_CDEV)
{
	static const unsigned long requests[] = {
		VFIO_DEVICE_GET_INFO,	       VFIO_DEVICE_GET_REGION_INFO,
		VFIO_DEVICE_GET_IRQ_INFO,      VFIO_DEVICE_FEATURE,
		VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT,
		VFIO_DEVICE_QUERY_GFX_PLANE,
	};
	void *inaccessible = inaccessible_page();
	size_t i;

	ASSERT_EQ(-EINVAL, gate_ioctl.probe(self->device, &self->layout));
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		/*
		 * argsz, which all of them begin with, and an argument that every one of them would
		 * complete.
		 */
		uint32_t args[64] = { sizeof(args) }, before[64];

		memcpy(before, args, sizeof(args));
		EXPECT_EQ(-EINVAL, try_ioctl(self->device, requests[i], args));
		EXPECT_EQ(0, memcmp(before, args, sizeof(args)));
		EXPECT_EQ(-EINVAL, try_ioctl(self->device, requests[i], inaccessible));
		EXPECT_EQ(-EINVAL, try_ioctl(self->device, requests[i], NULL));
	}
}

CTS_MAIN
