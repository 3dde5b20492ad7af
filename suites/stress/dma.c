// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device at work while threads change what is mapped around its memory, give it other tables, or
 * reset it: not a byte changes but what it is told to write, and nothing is left pinned.
 */
#include <stdlib.h>

#include "buffer.h"
#include "canary.h"
#include "crew.h"
#include "dut.h"
#include "function.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "test.h"

#define ROUNDS 400
#define REPLACES 100
#define RESETS 4

/* A row of pages, mapped or not; the device writes to the beginning of the middle one. */
#define PAGES 9
#define MIDDLE (PAGES / 2)

struct scene {
	struct dut *dut;
	char *memory;
	uint64_t iova; /* of the row */
	uint32_t ioas[2];
	bool mapped[PAGES];
	unsigned int tables; /* IOASes in which the row is mapped */
};

FIXTURE(dma)
{
	struct dut dut;
	struct buffer buffer;
	struct scene scene;
	struct crew crew;
	size_t length;
	long pins;
};

FIXTURE_SETUP(dma)
{
	struct scene *scene = &self->scene;
	const struct dma_limits *limits;

	CTS_CHECK_NEEDS();
	DUT_OPEN_OR_SKIP(&self->dut);
	limits = dma_write_limits(self->dut.dma);
	self->length = limits->smallest;
	/* Of a single byte the device could write what is there. */
	while (self->length < 16 && self->length + limits->step <= limits->largest)
		self->length += limits->step;
	self->pins = pins_now();
	buffer_alloc(&self->buffer, BUFFER_BASE, PAGES * page_size());
	scene->dut = &self->dut;
	scene->memory = self->buffer.memory;
	scene->iova = iova_alloc(&self->dut.space, self->buffer.size, page_size());
	scene->ioas[0] = self->dut.ioas;
	scene->tables = 1;
	iommufd_map(self->dut.iommufd, self->dut.ioas, scene->memory + MIDDLE * page_size(),
		    page_size(), scene->iova + MIDDLE * page_size());
}

FIXTURE_TEARDOWN(dma)
{
	dut_close(&self->dut);
	buffer_free(&self->buffer);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT | CTS_NEED_DMA_STORM)

/* Pages of its own, above the middle or below, in whatever order; none is left mapped. */
static void map_around(struct hand *hand)
{
	struct scene *scene = hand->scene;
	unsigned int first = hand->number % 2 ? MIDDLE + 1 : 0, i, table;
	int rc = 0;

	for (i = 0; i < ROUNDS + MIDDLE; i++) {
		/* At the end what is still mapped goes. */
		unsigned int page = first + (i < ROUNDS ? random_below(hand, MIDDLE) : i - ROUNDS);
		uint64_t iova = scene->iova + page * page_size(), length = page_size();

		if (i >= ROUNDS && !scene->mapped[page])
			continue;
		for (table = 0; table < scene->tables; table++) {
			rc = scene->mapped[page]
				     ? __iommufd_unmap(scene->dut->iommufd, scene->ioas[table],
						       iova, &length)
				     : __iommufd_map(scene->dut->iommufd, scene->ioas[table],
						     scene->memory + page * page_size(),
						     page_size(), iova);
			note(hand, !rc, rc);
		}
		scene->mapped[page] ^= !rc;
	}
}

/* Nothing but the bytes that the device is told to write has changed since they were filled. */
static bool strays_nowhere(const FIXTURE_DATA(dma) * self)
{
	size_t middle = MIDDLE * page_size(), size = self->buffer.size;

	return canary_changed(self->scene.memory, middle, 0, 0) == middle &&
	       canary_changed(self->scene.memory, size, 0, middle + self->length) == size;
}

static void start_storm(struct __test_metadata *_metadata, FIXTURE_DATA(dma) * self)
{
	canary_fill(self->scene.memory, self->buffer.size, 0);
	dma_storm_start(self->dut.dma, self->scene.iova + MIDDLE * page_size(), self->length);
	ASSERT_TRUE(dma_storm_reaches(self->dut.dma, self->scene.memory, self->buffer.size, 0));
}

CTS_TEST_F(dma, maps_around_a_storm,
	   .title = "A device that writes on and on changes nothing else while threads map and unmap around",
	   .requirements = { "CONC-007" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { map_around, map_around };

	start_storm(_metadata, self);
	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_TRUE(strays_nowhere(self));
	canary_fill(self->scene.memory, self->buffer.size, 0);
	EXPECT_TRUE(dma_storm_reaches(self->dut.dma, self->scene.memory, self->buffer.size, 0));
	EXPECT_EQ(0, dma_storm_stop(self->dut.dma));
	EXPECT_TRUE(strays_nowhere(self));
	EXPECT_EQ(page_size() + dma_rings_size(),
		  iommufd_unmap_all(self->dut.iommufd, self->dut.ioas));
	EXPECT_TRUE(pins_become(self->pins - (long)(dma_rings_size() / page_size())));
}

/* Gives the device one table after the other. */
static void replace(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int i, rc;

	for (i = 1; i <= REPLACES; i++) {
		uint32_t pt = scene->ioas[i % 2];

		rc = __vfio_attach(scene->dut->device, &pt);
		note(hand, !rc, rc);
	}
}

CTS_TEST_F(dma, replaces_in_a_storm,
	   .title = "A device that writes on and on changes nothing else while its table is replaced and threads map in both",
	   .requirements = { "CONC-007" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	void (*const works[])(struct hand *) = { map_around, map_around, replace };
	struct scene *scene = &self->scene;
	struct dut *dut = &self->dut;

	scene->ioas[1] = iommufd_ioas_alloc(dut->iommufd);
	scene->tables = 2;
	dma_map_rings(dut->dma, dut->iommufd, scene->ioas[1]);
	iommufd_copy(dut->iommufd, scene->ioas[1], scene->ioas[0], page_size(),
		     scene->iova + MIDDLE * page_size(), scene->iova + MIDDLE * page_size());
	start_storm(_metadata, self);
	run_crew(&self->crew, scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_TRUE(strays_nowhere(self));
	/* What the storm met on the way is the device's affair: a switch may drop DMA. */
	dma_storm_stop(dut->dma);
	EXPECT_TRUE(strays_nowhere(self));
	EXPECT_EQ(0, __vfio_detach(dut->device));
	iommufd_unmap_all(dut->iommufd, scene->ioas[1]);
	iommufd_unmap_all(dut->iommufd, scene->ioas[0]);
	EXPECT_TRUE(pins_become(self->pins - (long)(dma_rings_size() / page_size())));
}

/* Resets the device, which does nothing meanwhile. */
static void reset(struct hand *hand)
{
	struct scene *scene = hand->scene;
	struct function function;
	int done = 0, tries, rc;

	function_init(&function, scene->dut->device);
	for (tries = 0; tries < 1000 && done < RESETS; tries++) {
		rc = __function_reset(&function);
		/* EAGAIN: somebody else holds the device's lock, and nothing was done. */
		note(hand, !rc || rc == -EAGAIN, rc);
		done += !rc;
	}
	note(hand, done == RESETS, done);
	function_exit(&function);
}

CTS_TEST_F(dma, resets_beside_maps,
	   .title = "Resets beside maps and unmaps lose no mapping: afterwards the device reaches what is mapped",
	   .requirements = { "CONC-007", "CONC-008" },
	   .needs = NEEDS | CTS_NEED_DMA_WRITE,
	   .timeout_s = 120)
{
	void (*const works[])(struct hand *) = { map_around, map_around, reset };
	struct vfio_device_info info;
	struct dut *dut = &self->dut;
	uint64_t rings;
	uint8_t *wrote;

	ASSERT_EQ(0, __vfio_info(dut->device, &info));
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		CTS_SKIP(DEVICE_LACKS, "the device can't be reset by itself");
	wrote = malloc(self->length);
	ASSERT_NE(NULL, wrote);
	dma_unmap_rings(dut->dma, dut->iommufd, dut->ioas);
	dma_close(dut->dma);
	dut->dma = NULL;
	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);

	rings = dma_rings_size() ? iova_alloc(&dut->space, dma_rings_size(), page_size()) : 0;
	dut->dma = dma_open(dut->device, rings);
	dma_map_rings(dut->dma, dut->iommufd, dut->ioas);
	canary_fill(self->scene.memory, self->buffer.size, 0);
	EXPECT_EQ(0, dma_write(dut->dma, self->scene.iova + MIDDLE * page_size(), self->length,
			       wrote));
	EXPECT_TRUE(canary_holds_only(self->scene.memory, self->buffer.size, 0,
				      MIDDLE * page_size(), wrote, self->length));
	/* The page in the middle is all that is left. */
	EXPECT_TRUE(pins_become(self->pins + 1));
	free(wrote);
}

CTS_MAIN
