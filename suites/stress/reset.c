// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets beside everything else that a bound file is used for: each call ends, with success or with
 * an error of its own, and the device works afterwards.
 *
 * The registers that are read are a device's first: it is reset before anybody else gets it.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crew.h"
#include "function.h"
#include "gates.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"
#include "vfio.h"

#define RESETS 8
#define ALL_ONES 0xffffffffU

struct scene {
	const struct vfio_layout *layout;
	const struct vfio_region_info *region; /* NULL: none can be mapped */
	struct function function;
	int device;
	uint32_t irq; /* VFIO_PCI_*_IRQ_INDEX; VFIO_PCI_NUM_IRQS: the device has none */
	atomic_int calls;
};

FIXTURE(reset)
{
	struct vfio_layout layout;
	struct scene scene;
	struct crew crew;
	int iommufd;
};

FIXTURE_SETUP(reset)
{
	struct scene *scene = &self->scene;
	struct vfio_device_info info;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	scene->device = vfio_open();
	vfio_bind(scene->device, self->iommufd);
	ASSERT_EQ(0, __vfio_info(scene->device, &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	scene->layout = &self->layout;
	scene->region = vfio_mappable_region(&self->layout);
	/* Where interrupts go through the table there is to be one. */
	vfio_attach(scene->device, iommufd_ioas_alloc(self->iommufd));
	function_init(&scene->function, scene->device);
	function_set_master(&scene->function, false);
	scene->irq = VFIO_PCI_MSIX_IRQ_INDEX;
	if (!function_irq_count(&scene->function, scene->irq))
		scene->irq = VFIO_PCI_MSI_IRQ_INDEX;
	if (!function_irq_count(&scene->function, scene->irq))
		scene->irq = VFIO_PCI_NUM_IRQS;
}

FIXTURE_TEARDOWN(reset)
{
	cts_close(&self->scene.device);
	cts_close(&self->iommufd);
}

static void reset_often(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int done = 0, tries, rc;

	for (tries = 0; tries < 1000 && done < RESETS; tries++) {
		rc = __function_reset(&scene->function);
		/* EAGAIN: somebody else holds the device's lock, and nothing was done. */
		note(hand, !rc || rc == -EAGAIN, rc);
		done += !rc;
	}
	note(hand, done == RESETS, done);
	atomic_store(&hand->crew->over, true);
}

/* Reads and writes configuration space and asks. */
static void access_config(struct hand *hand)
{
	struct scene *scene = hand->scene;
	off_t config = (off_t)vfio_config_offset(scene->layout);
	struct vfio_device_info info;
	uint32_t ids;
	int rc;

	while (!atomic_load(&hand->crew->over)) {
		rc = (int)pread(scene->device, &ids, sizeof(ids), config);
		note(hand, rc == sizeof(ids), rc < 0 ? -errno : rc);
		note(hand, ids == scene->layout->ids || ids == ALL_ONES, (int)ids);
		rc = (int)pwrite(scene->device, &scene->layout->ids, sizeof(ids), config);
		note(hand, rc == sizeof(ids), rc < 0 ? -errno : rc);
		rc = __vfio_info(scene->device, &info);
		note(hand, !rc, rc);
		atomic_fetch_add(&scene->calls, 1);
	}
}

/* Maps registers anew each time: the first read of the page is a fault that has to wait for a
 * reset. */
static void fault_on_registers(struct hand *hand)
{
	struct scene *scene = hand->scene;

	while (scene->region && !atomic_load(&hand->crew->over)) {
		volatile uint32_t *page = mmap(NULL, page_size(), PROT_READ, MAP_SHARED,
					       scene->device, (off_t)scene->region->offset);

		note(hand, page != MAP_FAILED, -errno);
		if (page == MAP_FAILED)
			break;
		(void)*page;
		munmap((void *)page, page_size());
		atomic_fetch_add(&scene->calls, 1);
	}
}

/* Switches the interrupt on and off. */
static void set_interrupts(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int eventfd;

	while (scene->irq != VFIO_PCI_NUM_IRQS && !atomic_load(&hand->crew->over)) {
		function_irq_enable(&scene->function, scene->irq, 0, 1, &eventfd);
		function_irq_disable(&scene->function, scene->irq);
		cts_close(&eventfd);
		atomic_fetch_add(&scene->calls, 1);
	}
}

CTS_TEST_F(reset, beside_use,
	   .title = "Resets beside accesses, faults on registers and changes of interrupts: all end, and the device works",
	   .requirements = { "CONC-008" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	void (*const works[])(struct hand *) = { reset_often, access_config, fault_on_registers,
						 set_interrupts };

	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	printf("# %d rounds of other calls\n", atomic_load(&self->scene.calls));
	EXPECT_EQ(0, gate_read.use(self->scene.device, &self->layout));
	EXPECT_EQ(0, gate_ioctl.use(self->scene.device, &self->layout));
	EXPECT_EQ(0, __function_reset(&self->scene.function));
}

static void reset_until_closed(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int rc;

	do {
		rc = ioctl(scene->device, VFIO_DEVICE_RESET) ? -errno : 0;
		note(hand, !rc || rc == -EAGAIN || rc == -EBADF, rc);
		atomic_fetch_add(&scene->calls, 1);
	} while (rc != -EBADF);
}

static void close_in_a_reset(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int before = atomic_load(&scene->calls);

	/* The next reset has begun when the last one is over. */
	while (atomic_load(&scene->calls) < before + 2)
		sched_yield();
	note(hand, !close(scene->device), -errno);
}

CTS_TEST_F(reset, beside_close,
	   .title = "A file that is closed while a reset is under way ends with it, and the device is free",
	   .requirements = { "CONC-008", "CONC-006" },
	   .needs = CTS_NEED_CDEV,
	   .timeout_s = 120)
{
	void (*const works[])(struct hand *) = { reset_until_closed, close_in_a_reset };
	int round;

	for (round = 0; round < 4; round++) {
		run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
		EXPECT_NONE_WRONG(&self->crew);
		self->scene.device = vfio_open();
		ASSERT_EQ(0, __vfio_bind(self->scene.device, self->iommufd, NULL));
	}
	EXPECT_EQ(0, gate_read.use(self->scene.device, &self->layout));
}

CTS_MAIN
