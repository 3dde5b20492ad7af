// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that map and unmap in one IOAS at once. Each of a few places is mapped by one of them at
 * a time or by none; what the kernel chooses itself overlaps nothing; and what was mapped and
 * unmapped adds up.
 */
#include <sys/mman.h>

#include "crew.h"
#include "iommufd.h"
#include "memory.h"
#include "pins.h"
#include "test.h"
#include "vfio.h"

#define READ_WRITE (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define ROUNDS 150
#define PLACES 8

/* What the threads share. All of it is of pages of `memory`, a map is one or two of them. */
struct scene {
	int iommufd;
	uint32_t ioas;
	uint64_t base; /* IOVA of the first place; the others follow */
	char *memory;
	pthread_barrier_t round;
	atomic_int won;
	atomic_int in[PLACES];	     /* maps of a place that returned 0 */
	atomic_int out[PLACES];	     /* unmaps */
	uint64_t chosen[3 * ROUNDS]; /* IOVAs */
	atomic_int count;
};

FIXTURE(maps)
{
	struct vfio_layout layout;
	struct scene scene;
	struct crew crew;
	int device;
	long pins;
};

FIXTURE_VARIANT(maps)
{
	bool attached; /* to a device: what is mapped is pinned, and in a table */
};

FIXTURE_VARIANT_ADD(maps, of_nobody)
{
	.attached = false,
};
FIXTURE_VARIANT_ADD(maps, of_a_device)
{
	.attached = true,
};

FIXTURE_SETUP(maps)
{
	struct scene *scene = &self->scene;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	scene->iommufd = iommufd_open();
	scene->ioas = iommufd_ioas_alloc(scene->iommufd);
	if (variant->attached) {
		self->device = vfio_open();
		vfio_bind(self->device, scene->iommufd);
		vfio_attach(self->device, scene->ioas);
	}
	scene->memory = mmap(NULL, 2 * PLACES * page_size(), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, scene->memory);
	scene->base = iommufd_usable_iova(scene->iommufd, scene->ioas, 2 * PLACES * page_size(),
					  page_size());
	self->pins = pins_now();
}

FIXTURE_TEARDOWN(maps)
{
	if (variant->attached)
		cts_close(&self->device);
	cts_close(&self->scene.iommufd);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_ROOT)

static uint64_t place(const struct scene *scene, uint32_t which)
{
	return scene->base + 2 * which * page_size();
}

static int map(const struct scene *scene, uint32_t which)
{
	return __iommufd_map(scene->iommufd, scene->ioas, scene->memory + 2 * which * page_size(),
			     2 * page_size(), place(scene, which));
}

static int unmap(const struct scene *scene, uint32_t which, uint64_t *length)
{
	*length = 2 * page_size();
	return __iommufd_unmap(scene->iommufd, scene->ioas, place(scene, which), length);
}

/* All go for the same IOVA at the same time; each in its own way: they overlap by a page. */
static void go_for_one(struct hand *hand)
{
	struct scene *scene = hand->scene;
	uint64_t iova = scene->base + (hand->number % 2) * page_size();
	int round, rc;

	for (round = 0; round < ROUNDS; round++) {
		uint64_t length = 2 * page_size();

		pthread_barrier_wait(&scene->round);
		rc = __iommufd_map(scene->iommufd, scene->ioas, scene->memory, length, iova);
		note(hand, !rc || rc == -EEXIST, rc);
		if (!rc)
			atomic_fetch_add(&scene->won, 1);
		pthread_barrier_wait(&scene->round);
		if (atomic_load(&scene->won) != round + 1)
			note(hand, false, atomic_load(&scene->won));
		pthread_barrier_wait(&scene->round);
		if (!rc) {
			rc = __iommufd_unmap(scene->iommufd, scene->ioas, iova, &length);
			note(hand, !rc && length == 2 * page_size(), rc);
		}
	}
}

CTS_TEST_F(maps, one_wins,
	   .title = "Of threads that map overlapping IOVAs at once one wins, each time, and the others get EEXIST",
	   .requirements = { "CONC-001" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { go_for_one, go_for_one, go_for_one };

	ASSERT_EQ(0, pthread_barrier_init(&self->scene.round, NULL, ARRAY_SIZE(works)));
	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_EQ(ROUNDS, atomic_load(&self->scene.won));
	EXPECT_EQ(0, iommufd_unmap_all(self->scene.iommufd, self->scene.ioas));
	EXPECT_TRUE(pins_become(self->pins));
}

static void map_anywhere(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int i, rc;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t iova = 0;

		rc = __iommufd_map_flags(scene->iommufd, scene->ioas, READ_WRITE, scene->memory,
					 2 * page_size(), &iova);
		note(hand, !rc, rc);
		if (!rc)
			scene->chosen[atomic_fetch_add(&scene->count, 1)] = iova;
	}
}

CTS_TEST_F(maps, chosen_apart,
	   .title = "IOVAs that the kernel chooses for several threads at once don't overlap",
	   .requirements = { "CONC-001" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { map_anywhere, map_anywhere, map_anywhere };
	struct scene *scene = &self->scene;
	uint64_t length;
	int i;

	run_crew(&self->crew, scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_EQ(3 * ROUNDS, atomic_load(&scene->count));
	/* Each is there as it was made: whole, and nobody else's. */
	for (i = 0; i < atomic_load(&scene->count); i++) {
		length = 2 * page_size();
		EXPECT_EQ(0,
			  __iommufd_unmap(scene->iommufd, scene->ioas, scene->chosen[i], &length));
		EXPECT_EQ(2 * page_size(), length);
	}
	EXPECT_EQ(0, iommufd_unmap_all(scene->iommufd, scene->ioas));
	EXPECT_TRUE(pins_become(self->pins));
}

static void map_and_unmap(struct hand *hand)
{
	struct scene *scene = hand->scene;
	uint64_t length;
	int i, rc;

	for (i = 0; i < 4 * ROUNDS; i++) {
		uint32_t which = random_below(hand, PLACES);

		if (random_below(hand, 2)) {
			rc = map(scene, which);
			note(hand, !rc || rc == -EEXIST, rc);
			if (!rc)
				atomic_fetch_add(&scene->in[which], 1);
		} else {
			rc = unmap(scene, which, &length);
			note(hand, !rc || rc == -ENOENT || rc == -EBUSY, rc);
			note(hand, rc || length == 2 * page_size(), (int)length);
			if (!rc)
				atomic_fetch_add(&scene->out[which], 1);
		}
	}
}

CTS_TEST_F(maps, add_up,
	   .title = "What threads mapped and unmapped at the same places adds up, by their answers and in pinned pages",
	   .requirements = { "CONC-002" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { map_and_unmap, map_and_unmap, map_and_unmap };
	struct scene *scene = &self->scene;
	unsigned int i, mapped = 0;
	uint64_t length;

	run_crew(&self->crew, scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	for (i = 0; i < PLACES; i++)
		mapped += (unsigned int)(atomic_load(&scene->in[i]) - atomic_load(&scene->out[i]));
	EXPECT_GE(PLACES, mapped);
	EXPECT_TRUE(pins_become(self->pins + (variant->attached ? 2 * (long)mapped : 0)));
	for (i = 0; i < PLACES; i++) {
		int there = atomic_load(&scene->in[i]) - atomic_load(&scene->out[i]);

		EXPECT_TRUE(there == 0 || there == 1) TH_LOG("place %u: %d", i, there);
		EXPECT_EQ(there ? 0 : -ENOENT, unmap(scene, i, &length));
	}
	EXPECT_EQ(0, iommufd_unmap_all(scene->iommufd, scene->ioas));
	EXPECT_TRUE(pins_become(self->pins));
}

static void unmap_everything(struct hand *hand)
{
	struct scene *scene = hand->scene;
	uint64_t length;
	int i, rc;

	for (i = 0; i < 4 * ROUNDS; i++) {
		rc = __iommufd_unmap_all(scene->iommufd, scene->ioas, &length);
		note(hand, !rc || rc == -EBUSY, rc);
		note(hand, rc || !(length % (2 * page_size())), (int)length);
	}
}

CTS_TEST_F(maps, all_unmapped_beside,
	   .title = "Beside unmaps of everything maps are there as a whole or not at all, and in the end none is",
	   .requirements = { "CONC-002" },
	   .needs = NEEDS,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { map_and_unmap, map_and_unmap, unmap_everything };
	struct scene *scene = &self->scene;
	uint64_t left, length;
	unsigned int i;
	int rc;

	run_crew(&self->crew, scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	for (i = 0, left = 0; i < PLACES; i++) {
		rc = unmap(scene, i, &length);
		EXPECT_TRUE(!rc || rc == -ENOENT);
		left += rc ? 0 : length;
	}
	EXPECT_EQ(0, left % (2 * page_size()));
	EXPECT_EQ(0, iommufd_unmap_all(scene->iommufd, scene->ioas));
	EXPECT_TRUE(pins_become(self->pins));
}

CTS_MAIN
