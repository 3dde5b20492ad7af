// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that is killed in the midst of a call leaves the device, the group and its memory as
 * any close does. Where the kernel looks at the caller's memory it is met for certain: at a page
 * that it has to wait for (held.h). The other calls are made over and over until the kill comes.
 */
#include <pthread.h>
#include <sys/ioctl.h>

#include "child.h"
#include "held.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define PAGES 8
#define ROUNDS 3

/* The process that is killed, and what it tells before. */
struct victim {
	void (*call)(struct victim *victim);
	volatile bool ready;
	const struct vfio_layout *layout;
	struct held held;
	int iommufd;
	int device;
	uint32_t ioas;
	uint64_t iova;
	char *memory; /* PAGES pages */
};

FIXTURE(killed)
{
	struct vfio_layout layout;
	struct victim *victim;
	long pins;
};

FIXTURE_SETUP(killed)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->victim = child_share(sizeof(*self->victim));
	self->victim->layout = &self->layout;
}

FIXTURE_TEARDOWN(killed)
{
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

static void bring_up(struct victim *victim)
{
	uint32_t id;

	victim->iommufd = iommufd_open();
	victim->device = vfio_open();
	id = vfio_bind(victim->device, victim->iommufd);
	victim->ioas = iommufd_ioas_alloc(victim->iommufd);
	/* A table that only the end of the iommufd takes along, with all that is mapped. */
	iommufd_hwpt_alloc(victim->iommufd, id, victim->ioas);
	vfio_attach(victim->device, victim->ioas);
	victim->iova = iommufd_usable_iova(victim->iommufd, victim->ioas, 2 * PAGES * page_size(),
					   page_size());
	victim->memory = mmap(NULL, PAGES * page_size(), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	cts_lab_require(victim->memory != MAP_FAILED, "mmap");
}

static void map_memory(struct victim *victim)
{
	iommufd_map(victim->iommufd, victim->ioas, victim->memory, PAGES * page_size(),
		    victim->iova);
}

/* The thread of the victim that tells when the other one is stuck. */
static void *tell_when_stuck(void *argument)
{
	struct victim *victim = argument;

	held_await(&victim->held);
	victim->ready = true;
	return NULL;
}

static void watch(struct victim *victim)
{
	pthread_t thread;

	cts_lab_require(!pthread_create(&thread, NULL, tell_when_stuck, victim), "pthread_create");
}

/* Bind stops when it stores the device's id: the device is open by then. */
static void bind_stuck(struct victim *victim)
{
	struct vfio_device_bind_iommufd args = { .argsz = sizeof(args) };

	args.iommufd = victim->iommufd = iommufd_open();
	victim->device = vfio_open();
	cts_lab_require(!__held_alloc_readable(&victim->held, &args, sizeof(args)), "a held page");
	watch(victim);
	(void)__vfio_bind_raw(victim->device, victim->held.memory);
}

/* Attach stops when it stores the table's id: the device is attached by then. */
static void attach_stuck(struct victim *victim)
{
	struct vfio_device_attach_iommufd_pt args = { .argsz = sizeof(args) };

	bring_up(victim);
	map_memory(victim);
	vfio_detach(victim->device);
	args.pt_id = victim->ioas;
	cts_lab_require(!__held_alloc_readable(&victim->held, &args, sizeof(args)), "a held page");
	watch(victim);
	(void)ioctl(victim->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, victim->held.memory);
}

/* Map stops when it comes to a page of the memory: others are pinned by then. */
static void map_stuck(struct victim *victim)
{
	bring_up(victim);
	map_memory(victim);
	cts_lab_require(!__held_alloc(&victim->held, PAGES, PAGES / 2), "a held page");
	watch(victim);
	(void)__iommufd_map(victim->iommufd, victim->ioas, victim->held.memory, victim->held.size,
			    victim->iova + PAGES * page_size());
}

/* Read stops when it stores what it has read of the device. */
static void read_stuck(struct victim *victim)
{
	bring_up(victim);
	map_memory(victim);
	cts_lab_require(!__held_alloc(&victim->held, 1, 0), "a held page");
	watch(victim);
	(void)!pread(victim->device, victim->held.memory, 4,
		     (off_t)vfio_config_offset(victim->layout));
}

static void map_and_unmap(struct victim *victim)
{
	bring_up(victim);
	for (;;) {
		map_memory(victim);
		iommufd_unmap(victim->iommufd, victim->ioas, victim->iova, PAGES * page_size());
		victim->ready = true;
	}
}

static void attach_and_detach(struct victim *victim)
{
	bring_up(victim);
	map_memory(victim);
	for (;;) {
		vfio_detach(victim->device);
		vfio_attach(victim->device, victim->ioas);
		victim->ready = true;
	}
}

static void reset(struct victim *victim)
{
	bring_up(victim);
	map_memory(victim);
	for (;;) {
		victim->ready = true;
		/* A device that can't be reset alone is none the worse for being asked. */
		(void)ioctl(victim->device, VFIO_DEVICE_RESET);
	}
}

static void bind_and_close(struct victim *victim)
{
	for (;;) {
		bring_up(victim);
		map_memory(victim);
		victim->ready = true;
		cts_close(&victim->device);
		cts_close(&victim->iommufd);
	}
}

FIXTURE_VARIANT(killed)
{
	void (*call)(struct victim *victim);
	bool held;
};

#define CALL(name, at_a_page)             \
	FIXTURE_VARIANT_ADD(killed, name) \
	{                                 \
		.call = name,             \
		.held = at_a_page,        \
	};

CALL(bind_stuck, true)
CALL(attach_stuck, true)
CALL(map_stuck, true)
CALL(read_stuck, true)
CALL(map_and_unmap, false)
CALL(attach_and_detach, false)
CALL(reset, false)
CALL(bind_and_close, false)

static void run_victim(void *argument)
{
	struct victim *victim = argument;

	victim->call(victim);
	cts_fail(__FILE__, __LINE__, "the call is not over", "it returned before the kill");
}

CTS_TEST_F(killed, in_a_call,
	   .title = "A process that is killed in a call leaves nothing pinned, and the device to the next",
	   .requirements = { "LIFE-010" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct held probe;
	char path[SYSFS_PATH];
	int round, iommufd, device;
	uint32_t ioas;
	pid_t child;

	if (variant->held) {
		HELD_OR_SKIP(__held_alloc_readable(&probe, "", 1));
		held_free(&probe);
	}
	self->pins = pins_now();
	self->victim->call = variant->call;
	for (round = 0; round < ROUNDS; round++) {
		self->victim->ready = false;
		child = child_start(run_victim, self->victim);
		child_await(child, &self->victim->ready);
		child_kill(child);

		EXPECT_TRUE(pins_become(self->pins));
		EXPECT_TRUE(__sysfs_group_path(path) || vfio_group_is_free());
		iommufd = iommufd_open();
		device = vfio_open();
		ASSERT_EQ(0, __vfio_bind(device, iommufd, NULL));
		ioas = iommufd_ioas_alloc(iommufd);
		EXPECT_EQ(0, __vfio_attach(device, &ioas));
		cts_close(&device);
		cts_close(&iommufd);
	}
}

CTS_MAIN
