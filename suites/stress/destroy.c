// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMU_DESTROY from several threads: of those who destroy an object one does, and nobody gets in
 * the way of those who destroy others. What is in use is busy: half_map.c shows that.
 */
#include "crew.h"
#include "iommufd.h"
#include "memory.h"
#include "test.h"

#define ROUNDS 100

/* One object and what its users need. */
struct scene {
	int iommufd;
	uint32_t ioas; /* which goes */
	uint64_t iova;
	char *memory;
	pthread_barrier_t round;
	atomic_int destroyed;
};

FIXTURE(destroy)
{
	struct scene scene;
	struct crew crew;
};

FIXTURE_SETUP(destroy)
{
	CTS_CHECK_NEEDS();
	self->scene.iommufd = iommufd_open();
	self->scene.ioas = iommufd_ioas_alloc(self->scene.iommufd);
	self->scene.memory = guarded_page();
	self->scene.iova = iommufd_usable_iova(self->scene.iommufd, self->scene.ioas, page_size(),
					       page_size());
	iommufd_destroy(self->scene.iommufd, self->scene.ioas);
}

FIXTURE_TEARDOWN(destroy)
{
	cts_close(&self->scene.iommufd);
}

/* Destroys the object; counts if it was this thread's doing. */
static void destroy_once(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int rc;

	rc = __iommufd_destroy(scene->iommufd, scene->ioas);
	note(hand, !rc || rc == -ENOENT, rc);
	if (!rc)
		atomic_fetch_add(&scene->destroyed, 1);
	rc = __iommufd_destroy(scene->iommufd, scene->ioas);
	note(hand, rc == -ENOENT, rc);
}

/* One thread's part in each of the rounds: the first makes the object. */
static void in_rounds(struct hand *hand)
{
	struct scene *scene = hand->scene;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		if (!hand->number) {
			scene->ioas = iommufd_ioas_alloc(scene->iommufd);
			iommufd_map(scene->iommufd, scene->ioas, scene->memory, page_size(),
				    scene->iova);
		}
		pthread_barrier_wait(&scene->round);
		destroy_once(hand);
		pthread_barrier_wait(&scene->round);
		note(hand, atomic_load(&scene->destroyed) == round + 1,
		     atomic_load(&scene->destroyed));
		pthread_barrier_wait(&scene->round);
	}
}

CTS_TEST_F(destroy, at_once,
	   .title = "Of threads that destroy an IOAS at once one does, each time, and the others find nothing",
	   .requirements = { "CONC-003" },
	   .needs = CTS_NEED_IOMMUFD,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { in_rounds, in_rounds, in_rounds };

	ASSERT_EQ(0, pthread_barrier_init(&self->scene.round, NULL, ARRAY_SIZE(works)));
	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
	EXPECT_EQ(ROUNDS, atomic_load(&self->scene.destroyed));
}

/* Makes and destroys objects of its own while others do: ids come and go. */
static void make_and_destroy(struct hand *hand)
{
	struct scene *scene = hand->scene;
	uint32_t ids[4];
	int round, i, rc;

	for (round = 0; round < ROUNDS / 4; round++) {
		for (i = 0; i < 4; i++) {
			rc = __iommufd_ioas_alloc(scene->iommufd, &ids[i]);
			note(hand, !rc, rc);
		}
		for (i = 0; i < 4; i++) {
			rc = __iommufd_map(scene->iommufd, ids[i], scene->memory, page_size(),
					   scene->iova);
			note(hand, !rc, rc);
		}
		for (i = 0; i < 4; i++) {
			rc = __iommufd_destroy(scene->iommufd, ids[i]);
			note(hand, !rc, rc);
		}
	}
}

CTS_TEST_F(destroy, of_ones_own,
	   .title = "Threads that make and destroy IOASes of their own never get in each other's way",
	   .requirements = { "CONC-003" },
	   .needs = CTS_NEED_IOMMUFD,
	   .timeout_s = 60)
{
	void (*const works[])(struct hand *) = { make_and_destroy, make_and_destroy,
						 make_and_destroy };

	run_crew(&self->crew, &self->scene, works, ARRAY_SIZE(works));
	EXPECT_NONE_WRONG(&self->crew);
}

CTS_MAIN
