// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that is to leave a device in use asks the user to let go: it signals the eventfd of
 * VFIO_PCI_REQ_IRQ_INDEX at once, and again until the last file is closed. Whoever wrote the unbind
 * can't take it back.
 *
 * Between two signals the kernel waits for seconds, and no longer when a signal comes for the
 * process that it waits in: by that the second one is had sooner. How soon is not judged.
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "function.h"
#include "gates.h"
#include "iommufd.h"
#include "removal.h"
#include "test.h"
#include "vfio.h"

/* Much longer than from the first request to the second; and much shorter. */
#define SOME_TIME_MS 60000
#define AT_ONCE_MS 5000

FIXTURE(request)
{
	struct vfio_layout layout;
	struct removal_before before;
	struct removal removal;
	struct function function;
	int eventfd;
	int iommufd;
	int device; /* bound */
};

FIXTURE_SETUP(request)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	removal_remember(&self->before);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	vfio_bind(self->device, self->iommufd);
	function_init(&self->function, self->device);
	ASSERT_EQ(1, function_irq_count(&self->function, VFIO_PCI_REQ_IRQ_INDEX));
	self->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT_LE(0, self->eventfd);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(request)
{
	removal_undo(&self->before);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

static void ask_for_requests(const FIXTURE_DATA(request) * self)
{
	function_irq_signal(&self->function, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &self->eventfd);
}

/* Is the eventfd signalled within @ms milliseconds? It is not any more afterwards. */
static bool is_requested(const FIXTURE_DATA(request) * self, int ms)
{
	struct pollfd request = { .fd = self->eventfd, .events = POLLIN };
	uint64_t count;

	return poll(&request, 1, ms) == 1 &&
	       read(self->eventfd, &count, sizeof(count)) == sizeof(count);
}

static void interrupt(const struct removal *removal)
{
	cts_lab_require(!kill(removal->child, SIGKILL), "kill");
}

#define EXPECT_WORKS()                                                     \
	do {                                                               \
		EXPECT_EQ(0, gate_read.use(self->device, &self->layout));  \
		EXPECT_EQ(0, gate_ioctl.use(self->device, &self->layout)); \
	} while (0)

CTS_TEST_F(request, at_once,
	   .title = "Unbinding the driver of a device in use signals its eventfd at once, and waits",
	   .requirements = { "LIFE-005" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	ask_for_requests(self);
	EXPECT_FALSE(is_requested(self, 0));
	removal_start_unbind(&self->removal);
	EXPECT_TRUE(is_requested(self, AT_ONCE_MS));
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_WORKS();
	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
}

CTS_TEST_F(request, again,
	   .title = "A user who doesn't let go is asked again",
	   .requirements = { "LIFE-005" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	ask_for_requests(self);
	removal_start_unbind(&self->removal);
	EXPECT_TRUE(is_requested(self, SOME_TIME_MS));
	interrupt(&self->removal);
	EXPECT_TRUE(is_requested(self, SOME_TIME_MS));
	cts_close(&self->device);
	removal_finish(&self->removal);
}

CTS_TEST_F(request, set_meanwhile,
	   .title = "An eventfd that is set while the driver waits gets the next signal",
	   .requirements = { "LIFE-005" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	removal_start_unbind(&self->removal);
	EXPECT_TRUE(removal_waits(&self->removal));
	ask_for_requests(self);
	interrupt(&self->removal);
	EXPECT_TRUE(is_requested(self, SOME_TIME_MS));
	cts_close(&self->device);
	removal_finish(&self->removal);
}

CTS_TEST_F(request, taken_away,
	   .title = "An eventfd that was taken away is not signalled, and the driver waits all the same",
	   .requirements = { "LIFE-005" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	ask_for_requests(self);
	function_irq_disable(&self->function, VFIO_PCI_REQ_IRQ_INDEX);
	removal_start_unbind(&self->removal);
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_FALSE(is_requested(self, 0));
	EXPECT_WORKS();
	cts_close(&self->device);
	EXPECT_EQ(0, removal_finish(&self->removal));
}

CTS_TEST_F(request, given_up,
	   .title = "An unbind whose writer was killed waits on, and is done when the file is closed",
	   .requirements = { "LIFE-016" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	removal_start_unbind(&self->removal);
	interrupt(&self->removal);
	EXPECT_TRUE(removal_waits(&self->removal));
	EXPECT_WORKS();
	cts_close(&self->device);
	EXPECT_EQ(-EINTR, removal_finish(&self->removal));
	EXPECT_EQ(-ENODEV, __sysfs_tell_driver(self->before.driver, "unbind", sysfs_device()));

	/* Nothing of it is left to hinder the next life of the device. */
	removal_undo(&self->before);
	self->device = vfio_open();
	ASSERT_EQ(0, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_WORKS();
}

CTS_MAIN
