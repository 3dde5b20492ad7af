// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaches and replaces that there is no memory for: each allocation within the call fails once. A
 * refused one leaves the device attached to what it was, seen by where its writes land, and the
 * IOASes as they were.
 */
#include <stdio.h>

#include "fail_nth.h"
#include "scene.h"

/* Writes that are refused can take seconds, so not every refusal is looked at by DMA. */
#define LOOKS 3

FIXTURE(no_memory)
{
	struct scene scene;
};

FIXTURE_SETUP(no_memory)
{
	CTS_CHECK_NEEDS();
	SCENE_OPEN_OR_SKIP(&self->scene);
}

FIXTURE_TEARDOWN(no_memory)
{
	scene_close(&self->scene);
}

#define NEEDS (CTS_NEED_CDEV | CTS_NEED_DMA_WRITE | CTS_NEED_FAIL_NTH)

/* What must be the same after each refusal, and how often it was not. */
struct before {
	struct scene *scene;
	const char *lands;  /* where a write does */
	uint64_t usable[2]; /* bytes of the IOASes a and b */
	unsigned int refusals, wrong;
};

static uint64_t usable(const struct scene *scene, uint32_t ioas)
{
	return iommufd_usable_bytes(scene->dut.iommufd, ioas, 0, UINT64_MAX - 1);
}

static void look(void *argument)
{
	struct before *before = argument;
	struct scene *scene = before->scene;

	before->wrong += usable(scene, scene->a) != before->usable[0] ||
			 usable(scene, scene->b) != before->usable[1];
	if (before->refusals++ < LOOKS)
		before->wrong += strcmp(before->lands, scene_write(scene, scene->common)) != 0;
}

static struct before before(struct scene *scene)
{
	return (struct before){
		.scene = scene,
		.lands = scene_write(scene, scene->common),
		.usable = { usable(scene, scene->a), usable(scene, scene->b) },
	};
}

CTS_TEST_F(no_memory, attach,
	   .title = "An attach that there was no memory for leaves the device blocked, and the IOAS offers what it did",
	   .requirements = { "NOMEM-004" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	struct before was = before(scene);

	ASSERT_STREQ("nothing", was.lands);
	WITHOUT_MEMORY(look, &was, try_attach(scene->dut.device, scene->a));
	EXPECT_EQ(0U, was.wrong);
	EXPECT_WRITE("a", scene, scene->common);
}

CTS_TEST_F(no_memory, replace,
	   .title = "A replace that there was no memory for leaves the device with the old IOAS, and both offer what they did",
	   .requirements = { "NOMEM-004" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct scene *scene = &self->scene;
	struct before was;

	vfio_attach(scene->dut.device, scene->a);
	was = before(scene);
	ASSERT_STREQ("a", was.lands);
	WITHOUT_MEMORY(look, &was, try_attach(scene->dut.device, scene->b));
	EXPECT_EQ(0U, was.wrong);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(no_memory, table,
	   .title = "A page table that there was no memory for changes neither where the device's writes land nor what the IOAS offers",
	   .requirements = { "NOMEM-004" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	struct scene *scene = &self->scene;
	struct before was;
	uint32_t table;

	vfio_attach(scene->dut.device, scene->a);
	was = before(scene);
	WITHOUT_MEMORY(look, &was,
		       __iommufd_hwpt_alloc(scene->dut.iommufd, scene->dut.device_id, scene->b,
					    &table));
	EXPECT_EQ(0U, was.wrong);
	vfio_attach(scene->dut.device, table);
	EXPECT_WRITE("b", scene, scene->common);
}

CTS_TEST_F(no_memory, detach,
	   .title = "A detach blocks the device whichever allocation fails",
	   .requirements = { "NOMEM-003" },
	   .needs = NEEDS,
	   .timeout_s = 120,
	   .faults = true)
{
	struct scene *scene = &self->scene;
	unsigned int first = 0;
	struct fail_nth seen;
	int rc;

	do {
		vfio_attach(scene->dut.device, scene->a);
		fail_nth_begin(NULL, NULL);
		fail_nth_first(++first);
		rc = __vfio_detach(scene->dut.device);
		seen = fail_nth_end();
		EXPECT_EQ(0, rc) TH_LOG("allocation %u", first);
		EXPECT_EQ(0U, seen.refusals);
		EXPECT_WRITE("nothing", scene, scene->common);
	} while (seen.failures && rc == 0);
	printf("# %u allocations\n", first - 1);
}

CTS_MAIN
