// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bound file hands to its driver what vfio's core doesn't know, and vfio-pci answers ENOTTY to
 * all that it doesn't know either: nothing is done, and the file works on. The same from a 32-bit
 * process.
 *
 * The numbers that vfio.h gives to devices are never sent: several of them change the device.
 */
#include "bind.h"
#include "compat.h"
#include "gates.h"
#include "memory.h"
#include "sweep.h"

/*
 * Is @nr a request to a device that some driver answers? From VFIO_DEVICE_GET_INFO on they were
 * given away in order; behind the last one known here there may be younger ones.
 */
static bool is_request(unsigned int nr)
{
	return nr >= _IOC_NR(VFIO_DEVICE_GET_INFO) && nr < _IOC_NR(VFIO_DEVICE_GET_INFO) + 32;
}

/* All requests to @device end in ENOTTY. */
#define EVERYTHING(device)           \
	{ .ioctl = try_ioctl,        \
	  .fd = (device),            \
	  .error = -ENOTTY,          \
	  .guarded = guarded_page(), \
	  .page = page_size(),       \
	  .known = is_request }

/* No request that was refused wrote to its argument, or changed what was bound. */
#define EXPECT_UNCHANGED(sweep, id)                                                           \
	do {                                                                                  \
		EXPECT_EQ(0, (sweep).guarded[0]);                                             \
		EXPECT_EQ(0, memcmp((sweep).guarded, (sweep).guarded + 1, (sweep).page - 1)); \
		EXPECT_EQ(0, __iommufd_find_device(self->iommufd, id));                       \
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout));                    \
		EXPECT_EQ(0, gate_read.use(self->device, &self->layout));                     \
	} while (0)

CTS_TEST_F(bind, bound_unknown_numbers,
	   .title = "A bound file answers ENOTTY to every vfio request that no device has",
	   .requirements = { "BIND-028" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_SWEPT(sweep_numbers(&sweep));
	EXPECT_UNCHANGED(sweep, id);
}

CTS_TEST_F(bind, bound_encodings,
	   .title = "A bound file answers ENOTTY to every vfio number with a size or direction",
	   .requirements = { "BIND-028" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_SWEPT(sweep_encodings(&sweep));
	EXPECT_UNCHANGED(sweep, id);
}

CTS_TEST_F(bind, bound_other_types,
	   .title = "A bound file answers ENOTTY to every number of another type",
	   .requirements = { "BIND-028" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sweep sweep = EVERYTHING(self->device);
	uint32_t id = vfio_bind(self->device, self->iommufd);

	EXPECT_SWEPT(sweep_types(&sweep));
	EXPECT_UNCHANGED(sweep, id);
}

CTS_TEST_F(bind, bound_compat_numbers,
	   .title = "A bound file answers ENOTTY to a 32-bit process's unknown requests too",
	   .requirements = { "BIND-028", "PARK-009" },
	   .needs = CTS_NEED_CDEV)
{
	struct sweep sweep = EVERYTHING(self->device);
	uint32_t id;

	COMPAT_OR_SKIP();
	sweep.ioctl = __compat_ioctl;
	sweep.guarded = compat_guarded_page();
	id = vfio_bind(self->device, self->iommufd);
	EXPECT_SWEPT(sweep_numbers(&sweep));
	EXPECT_SWEPT(sweep_encodings(&sweep));
	EXPECT_UNCHANGED(sweep, id);
}

CTS_MAIN
