// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptors of an iommufd, of a device that is bound to it, of a fault queue, and a mapping
 * of the device's registers, given up in every order. A device that is still open keeps what is
 * mapped for it pinned; when all are gone nothing is pinned, bound or owned, whatever went last.
 */
#include "buffer.h"
#include "child.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "sysfs.h"
#include "test.h"
#include "vfio.h"
#include "vfio_group.h"

#define PAGES 8

/* What a process can hold. */
enum {
	IOMMUFD,
	DEVICE,
	QUEUE,
	REGISTERS,
	THINGS,
};

struct things {
	const struct vfio_region_info *region; /* NULL: none can be mapped */
	struct buffer buffer;
	int fd[REGISTERS]; /* -1: none, or closed */
	void *registers;   /* NULL: not mapped */
};

FIXTURE(order)
{
	struct vfio_layout layout;
	struct things things;
	volatile bool *holds; /* a child has all of it too */
};

FIXTURE_SETUP(order)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->things.region = vfio_mappable_region(&self->layout);
	buffer_alloc(&self->things.buffer, BUFFER_BASE, PAGES * page_size());
	self->holds = child_share(sizeof(*self->holds));
}

FIXTURE_TEARDOWN(order)
{
	buffer_free(&self->things.buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

/* Opens and maps everything. */
static void take(struct things *things)
{
	int iommufd = iommufd_open(), device = vfio_open(), queue = -1;
	uint32_t id = vfio_bind(device, iommufd), ioas = iommufd_ioas_alloc(iommufd), queue_id;
	uint64_t iova;

	/* This one stays when no device is attached to it. */
	vfio_attach(device, iommufd_hwpt_alloc(iommufd, id, ioas));
	iova = iommufd_usable_iova(iommufd, ioas, things->buffer.size, page_size());
	iommufd_map(iommufd, ioas, things->buffer.memory, things->buffer.size, iova);
	if (__iommufd_fault_queue_alloc(iommufd, &queue_id, &queue))
		queue = -1;
	things->fd[IOMMUFD] = iommufd;
	things->fd[DEVICE] = device;
	things->fd[QUEUE] = queue;
	if (things->region) {
		things->registers = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, device,
					 (off_t)things->region->offset);
		cts_require(things->registers != MAP_FAILED, "mmap of a region");
	}
}

static void give_up(struct things *things, int which)
{
	if (which != REGISTERS) {
		cts_close(&things->fd[which]);
	} else if (things->registers) {
		cts_require(!munmap(things->registers, page_size()), "munmap");
		things->registers = NULL;
	}
}

/* Is any of it left? */
static bool is_left(const struct things *things)
{
	return things->fd[IOMMUFD] >= 0 || things->fd[DEVICE] >= 0 || things->fd[QUEUE] >= 0 ||
	       things->registers;
}

/* The order number @index, of 24, in which the things go. */
static void order_of(int index, int order[THINGS])
{
	int left[THINGS] = { IOMMUFD, DEVICE, QUEUE, REGISTERS };
	int i, j, pick, count = THINGS;

	for (i = 0; i < THINGS; i++) {
		pick = index % count;
		index /= count--;
		order[i] = left[pick];
		for (j = pick; j < count; j++)
			left[j] = left[j + 1];
	}
}

/* Can the device be had by somebody else? */
static bool is_free(void)
{
	int iommufd = iommufd_open(), device = vfio_open();
	bool bound = !__vfio_bind(device, iommufd, NULL);
	char path[SYSFS_PATH];

	cts_close(&device);
	cts_close(&iommufd);
	return bound && (__sysfs_group_path(path) || vfio_group_is_free());
}

#define ORDERS 24

CTS_TEST_F(order, any,
	   .title = "iommufd, device, fault queue and mapped registers can go in every order, and nothing is left",
	   .requirements = { "LIFE-007" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	long pins = pins_now();
	int index, i, order[THINGS];

	for (index = 0; index < ORDERS; index++) {
		order_of(index, order);
		take(&self->things);
		for (i = 0; i < THINGS; i++) {
			give_up(&self->things, order[i]);
			ASSERT_TRUE(pins_become(pins + (is_left(&self->things) ? PAGES : 0)))
			{
				TH_LOG("order %d %d %d %d, after %d", order[0], order[1], order[2],
				       order[3], i + 1);
			}
		}
	}
	EXPECT_TRUE(is_free());
}

static void hold(void *holds)
{
	*(volatile bool *)holds = true;
	for (;;)
		pause();
}

CTS_TEST_F(order, held_by_a_child,
	   .title = "Given up in any order, everything is there while a child has it, and gone when that is killed",
	   .requirements = { "LIFE-007", "LIFE-008" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	static const int some[] = { 0, 7, 14, 23 };
	long pins = pins_now();
	int order[THINGS];
	size_t index;
	pid_t child;
	int i;

	for (index = 0; index < ARRAY_SIZE(some); index++) {
		order_of(some[index], order);
		take(&self->things);
		*self->holds = false;
		child = child_start(hold, (void *)self->holds);
		child_await(child, self->holds);
		for (i = 0; i < THINGS; i++)
			give_up(&self->things, order[i]);
		EXPECT_TRUE(pins_become(pins + PAGES));
		EXPECT_FALSE(is_free());
		child_kill(child);
		EXPECT_TRUE(pins_become(pins));
		EXPECT_TRUE(is_free());
	}
}

CTS_MAIN
