// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bind of a device that somebody else is resetting at that moment: vfio-pci can't reset it then,
 * and so doesn't open it. That is the last step of bind, and all before it has to be undone.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "bind.h"
#include "sysfs.h"

#define REFUSALS 5
#define TRIES 500
#define IDS 8 /* ids are small numbers */

/* Resets the device over and over, until *@argument is set. */
static void *reset_on_and_on(void *argument)
{
	const atomic_bool *stop = argument;

	while (!atomic_load(stop))
		(void)__sysfs_set(sysfs_device(), "reset", "1");
	return NULL;
}

CTS_TEST_F(bind, while_it_is_reset,
	   .title = "A bind that a reset by somebody else keeps from opening the device leaves the file parked and no device in the iommufd, and then works",
	   .requirements = { "PARK-025" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT,
	   .timeout_s = 120)
{
	uint64_t config = vfio_config_offset(&self->layout);
	unsigned int refused = 0, tries;
	atomic_bool stop = false;
	pthread_t thread;
	char bytes[4];
	uint32_t id;

	if (__sysfs_set(sysfs_device(), "reset", "1"))
		CTS_SKIP(DEVICE_LACKS, "it can't be reset by itself");
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_on_and_on, &stop));
	for (tries = 0; tries < TRIES && refused < REFUSALS; tries++) {
		int rc = __vfio_bind(self->device, self->iommufd, NULL);

		if (!rc) {
			cts_close(&self->device);
			self->device = vfio_open();
			continue;
		}
		/* By vfio-pci; or where the IOMMU takes part in resets, by that. */
		EXPECT_TRUE(rc == -EAGAIN || rc == -EBUSY) TH_LOG("%d", rc);
		refused++;
		EXPECT_EQ(-1, pread(self->device, bytes, sizeof(bytes), (off_t)config));
		EXPECT_EQ(EINVAL, errno);
		for (id = 1; id <= IDS; id++) {
			EXPECT_EQ(-ENOENT, __iommufd_find_device(self->iommufd, id));
		}
	}
	atomic_store(&stop, true);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(REFUSALS, refused);
	EXPECT_BINDABLE();
}

CTS_MAIN
