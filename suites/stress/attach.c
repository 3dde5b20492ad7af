// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that come and go while memory is mapped and unmapped: whatever came first, what a map has
 * returned for is reached through every table that is there, and what an unmap has returned for
 * through none. The device is quiet while tables change, and tells afterwards.
 */
#include <stdlib.h>

#include "beside.h"
#include "buffer.h"
#include "canary.h"
#include "crew.h"
#include "dut.h"
#include "memory.h"
#include "pins.h"
#include "test.h"

#define ROUNDS 40
#define PAGES 16
#define SLOW_NS 10000000

FIXTURE(attach)
{
	struct dut dut;
	struct half_map half;
	struct crew crew;
	uint64_t iova;
	uint8_t *wrote;
	size_t length;
	long pins;
};

FIXTURE_SETUP(attach)
{
	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	self->length = dma_write_limits(self->dut.dma)->smallest;
	self->wrote = malloc(self->length);
	ASSERT_NE(NULL, self->wrote);
	self->iova = iova_alloc(&self->dut.space, 2 * PAGES * page_size(), page_size());
	self->pins = pins_now();
}

FIXTURE_TEARDOWN(attach)
{
	dut_close(&self->dut);
	held_free(&self->half.held);
	free(self->wrote);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_WRITE)

/* Does the device write to page number @page of @memory, mapped at @iova, and nowhere else there? */
static bool reaches(FIXTURE_DATA(attach) * self, uint64_t iova, void *memory, size_t size,
		    size_t page)
{
	size_t offset = page * page_size();
	int status;

	canary_fill(memory, size, 0);
	status = dma_write(self->dut.dma, iova + offset, self->length, self->wrote);
	return !status && canary_holds_only(memory, size, 0, offset, self->wrote, self->length);
}

#define EXPECT_ALL_REACHED()                                                          \
	do {                                                                          \
		size_t __page;                                                        \
                                                                                      \
		for (__page = 0; __page < HALF_PAGES; __page++) {                     \
			EXPECT_TRUE(reaches(self, self->iova, self->half.held.memory, \
					    self->half.held.size, __page))            \
			TH_LOG("page %zu", __page);                                   \
		}                                                                     \
	} while (0)

/* @change, which is made while a map is under way, ends well, and so does the map: all of it is
 * reached. */
static void judge_beside_a_map(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			       int (*change)(void *argument))
{
	struct dut *dut = &self->dut;
	struct call call;

	half_map_start(&self->half, dut->iommufd, dut->ioas, self->iova);
	call_start(&call, change, dut);
	call_settle(&call);
	EXPECT_EQ(0, half_map_finish(&self->half));
	EXPECT_EQ(0, call_finish(&call));
	EXPECT_ALL_REACHED();
	iommufd_unmap(dut->iommufd, dut->ioas, self->iova, self->half.held.size);
	EXPECT_TRUE(pins_become(self->pins));
}

static int attach_to_a_new_table(void *argument)
{
	const struct dut *dut = argument;
	uint32_t hwpt;
	int rc = __iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, &hwpt);

	return rc ?: __vfio_attach(dut->device, &hwpt);
}

CTS_TEST_F(attach, new_table_beside_a_map,
	   .title = "A table that is made while a map is under way has all of it",
	   .requirements = { "CONC-004" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	HALF_MAP_OR_SKIP(&self->half);
	judge_beside_a_map(_metadata, self, attach_to_a_new_table);
}

static int detach_and_attach(void *argument)
{
	const struct dut *dut = argument;
	uint32_t pt = dut->ioas;

	return __vfio_detach(dut->device) ?: __vfio_attach(dut->device, &pt);
}

CTS_TEST_F(attach, last_table_beside_a_map,
	   .title = "A map whose only table goes while it is under way is whole in the next one",
	   .requirements = { "CONC-004" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	HALF_MAP_OR_SKIP(&self->half);
	judge_beside_a_map(_metadata, self, detach_and_attach);
}

/* What the threads of a race share. */
struct scene {
	FIXTURE_DATA(attach) * self;
	char *memory;
	bool mapped[PAGES];
	pthread_barrier_t round;
};

/* Maps or unmaps each page in each round, by chance. */
static void map_by_chance(struct hand *hand)
{
	struct scene *scene = hand->scene;
	struct dut *dut = &scene->self->dut;
	unsigned int round, i, page;
	int rc;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&scene->round);
		for (i = 0; i < PAGES; i++) {
			uint64_t iova, length = page_size();

			page = random_below(hand, PAGES);
			iova = scene->self->iova + page * page_size();
			rc = scene->mapped[page]
				     ? __iommufd_unmap(dut->iommufd, dut->ioas, iova, &length)
				     : __iommufd_map(dut->iommufd, dut->ioas,
						     scene->memory + page * page_size(),
						     page_size(), iova);
			note(hand, !rc, rc);
			scene->mapped[page] ^= !rc;
		}
		pthread_barrier_wait(&scene->round);
	}
}

/* Gives the device another table in each round, and looks through it when the other has ended. */
static void attach_by_turns(struct hand *hand)
{
	struct scene *scene = hand->scene;
	FIXTURE_DATA(attach) *self = scene->self;
	struct dut *dut = &self->dut;
	uint32_t hwpt = 0, old = 0, pt;
	/* A slow device looks less often. */
	unsigned int round, page, every = dma_access_ns(dut->dma) > SLOW_NS ? ROUNDS / 4 : 1;
	long mapped;
	int rc;

	for (round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&scene->round);
		if (round % 3 == 2) {
			rc = detach_and_attach(dut);
			hwpt = 0;
		} else {
			rc = __iommufd_hwpt_alloc(dut->iommufd, dut->device_id, dut->ioas, &hwpt);
			pt = hwpt;
			rc = rc ?: __vfio_attach(dut->device, &pt);
		}
		note(hand, !rc, rc);
		if (old)
			note(hand, !__iommufd_destroy(dut->iommufd, old), -1);
		old = hwpt;
		pthread_barrier_wait(&scene->round);
		for (page = 0, mapped = 0; page < PAGES; page++)
			mapped += scene->mapped[page];
		note(hand, pins_become(self->pins + mapped), (int)mapped);
		for (page = random_below(hand, PAGES); !(round % every) && page < PAGES; page++)
			if (scene->mapped[page])
				note(hand,
				     reaches(self, self->iova, scene->memory, PAGES * page_size(),
					     page),
				     (int)page);
	}
	if (old)
		vfio_attach(dut->device, dut->ioas);
}

CTS_TEST_F(attach, tables_beside_maps,
	   .title = "Through each of many tables that come while pages are mapped and unmapped just those that are mapped are reached",
	   .requirements = { "CONC-004", "CONC-007" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	void (*const works[])(struct hand *) = { map_by_chance, attach_by_turns };
	struct scene scene = { .self = self };
	struct buffer buffer;
	unsigned int page;

	buffer_alloc(&buffer, BUFFER_BASE, PAGES * page_size());
	scene.memory = buffer.memory;
	ASSERT_EQ(0, pthread_barrier_init(&scene.round, NULL, ARRAY_SIZE(works)));
	run_crew(&self->crew, &scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);

	/* One that isn't mapped: a refused access takes some devices long. */
	for (page = 0; page < PAGES && scene.mapped[page]; page++)
		;
	canary_fill(scene.memory, buffer.size, 1);
	if (page < PAGES)
		dma_write(self->dut.dma, self->iova + page * page_size(), self->length,
			  self->wrote);
	EXPECT_TRUE(canary_intact(scene.memory, buffer.size, 1));
	buffer_free(&buffer);
}

CTS_MAIN
