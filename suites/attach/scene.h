/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the DMA tests of attach stand on: a device that is attached to nothing, two IOASes that are
 * alike but for the memory behind them, and a way to see where a write of the device landed.
 *
 *                  IOVA `common`   IOVA `lone`    elsewhere
 *     IOAS a       memory "a"      memory "lone"  the device's rings
 *     IOAS b       memory "b"      -              the device's rings
 *
 * Each memory is a canary of three units, of which the device writes into the middle one.
 */
#ifndef ATTACH_SCENE_H
#define ATTACH_SCENE_H

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "calls.h"
#include "canary.h"
#include "dut.h"
#include "iommufd.h"
#include "test.h"

enum {
	MEMORY_A,
	MEMORY_B,
	MEMORY_LONE,
	MEMORIES,
};

struct scene {
	struct dut dut;
	uint32_t a, b; /* IOASes */
	uint64_t rings;
	struct buffer memory[MEMORIES];
	uint64_t common, lone; /* IOVAs of the middle units */
	size_t unit;	       /* bytes: a page, or more where the device can't place a write so */
	size_t length;	       /* of a write, bytes */
	void *wrote;
};

/* In a setup, after CTS_CHECK_NEEDS(). */
#define SCENE_OPEN_OR_SKIP(scene)                         \
	do {                                              \
		DUT_OPEN_DETACHED_OR_SKIP(&(scene)->dut); \
		scene_set(scene);                         \
	} while (0)

/* Makes the bound device ready for DMA, its rings in both IOASes. */
static inline void scene_start_device(struct scene *scene)
{
	struct dut *dut = &scene->dut;

	dut->dma = dma_open(dut->device, scene->rings);
	dma_map_rings(dut->dma, dut->iommufd, scene->a);
	dma_map_rings(dut->dma, dut->iommufd, scene->b);
}

/* Takes the rings of a device that was stopped out of both IOASes. */
static inline void scene_unmap_rings(const struct scene *scene)
{
	if (!dma_rings_size())
		return;
	iommufd_unmap(scene->dut.iommufd, scene->a, scene->rings, dma_rings_size());
	iommufd_unmap(scene->dut.iommufd, scene->b, scene->rings, dma_rings_size());
}

static inline void scene_fill(struct scene *scene, unsigned int memory)
{
	canary_fill(scene->memory[memory].memory, scene->memory[memory].size, (uint8_t)memory);
}

static inline bool scene_intact(const struct scene *scene, unsigned int memory)
{
	return canary_intact(scene->memory[memory].memory, scene->memory[memory].size,
			     (uint8_t)memory);
}

static inline void scene_set(struct scene *scene)
{
	struct dut *dut = &scene->dut;
	const struct dma_limits *limits = dma_write_limits(dut->dma);
	uint64_t common, lone;
	unsigned int i;

	scene->unit = limits->align > page_size() ? limits->align : page_size();
	scene->length = (limits->largest < scene->unit ? limits->largest : scene->unit) /
			limits->step * limits->step;
	if (scene->length < limits->smallest)
		cts_lab_error("a write of %s doesn't fit a unit of %zu bytes", dma_driver_name(),
			      scene->unit);
	scene->wrote = malloc(scene->length);
	cts_lab_require(scene->wrote, "memory for %zu bytes", scene->length);
	for (i = 0; i < MEMORIES; i++) {
		buffer_alloc(&scene->memory[i], BUFFER_BASE, 3 * scene->unit);
		scene_fill(scene, i);
	}
	/* The device came with its rings for an IOAS of its own; here they go into two. */
	dma_close(dut->dma);
	scene->rings = dma_rings_size() ? iova_alloc(&dut->space, dma_rings_size(), page_size())
					: 0;
	common = iova_alloc(&dut->space, 3 * scene->unit, scene->unit);
	lone = iova_alloc(&dut->space, 3 * scene->unit, scene->unit);
	scene->common = common + scene->unit;
	scene->lone = lone + scene->unit;
	scene->a = iommufd_ioas_alloc(dut->iommufd);
	scene->b = iommufd_ioas_alloc(dut->iommufd);
	scene_start_device(scene);
	iommufd_map(dut->iommufd, scene->a, scene->memory[MEMORY_A].memory, 3 * scene->unit,
		    common);
	iommufd_map(dut->iommufd, scene->b, scene->memory[MEMORY_B].memory, 3 * scene->unit,
		    common);
	iommufd_map(dut->iommufd, scene->a, scene->memory[MEMORY_LONE].memory, 3 * scene->unit,
		    lone);
}

static inline void scene_close(struct scene *scene)
{
	unsigned int i;

	dut_close(&scene->dut);
	for (i = 0; i < MEMORIES; i++)
		buffer_free(&scene->memory[i]);
	free(scene->wrote);
}

/* Opens the device anew after it was closed, and binds it to the same iommufd. */
static inline void scene_reopen(struct scene *scene)
{
	struct dut *dut = &scene->dut;

	scene_unmap_rings(scene);
	dut->device = vfio_open();
	dut->device_id = vfio_bind(dut->device, dut->iommufd);
	scene_start_device(scene);
}

/* Has @reset reset the device, with the driver of the test stopped before and started again after. */
static inline void scene_reset(struct scene *scene, void (*reset)(int device))
{
	dma_close(scene->dut.dma);
	scene->dut.dma = NULL;
	reset(scene->dut.device);
	scene_unmap_rings(scene);
	scene_start_device(scene);
}

/* Closes the device and opens it anew: it was never attached since. */
static inline void scene_rebind(struct scene *scene)
{
	dma_close(scene->dut.dma);
	cts_close(&scene->dut.device);
	scene_reopen(scene);
}

/*
 * Makes the device write at @iova, the middle of what is mapped there or nowhere, and says which
 * memory holds that now: "a", "b", "lone", "nothing"; or "elsewhere" if anything else changed.
 * What the device says of its write doesn't count: a bridge may take it for done. Afterwards the
 * canaries are whole again.
 */
static inline const char *scene_write(struct scene *scene, uint64_t iova)
{
	static const char *const names[MEMORIES] = { "a", "b", "lone" };
	const char *where = "nothing";
	unsigned int i;

	memset(scene->wrote, 0, scene->length);
	dma_write(scene->dut.dma, iova, scene->length, scene->wrote);
	for (i = 0; i < MEMORIES; i++) {
		const struct buffer *memory = &scene->memory[i];

		if (scene_intact(scene, i))
			continue;
		where = !strcmp(where, "nothing") &&
					canary_holds_only(memory->memory, memory->size, (uint8_t)i,
							  scene->unit, scene->wrote, scene->length)
				? names[i]
				: "elsewhere";
		scene_fill(scene, i);
	}
	return where;
}

/* During a storm: does it write to @memory? */
static inline bool scene_storm_reaches(const struct scene *scene, unsigned int memory)
{
	const struct buffer *buffer = &scene->memory[memory];

	return dma_storm_reaches(scene->dut.dma, buffer->memory, buffer->size, (uint8_t)memory);
}

/* Is nothing of @memory changed but, perhaps, what a storm writes to? */
static inline bool scene_neighbours_intact(const struct scene *scene, unsigned int memory)
{
	const struct buffer *buffer = &scene->memory[memory];
	const char *middle = (const char *)buffer->memory + scene->unit;

	return canary_holds_only(buffer->memory, buffer->size, (uint8_t)memory, scene->unit, middle,
				 scene->length);
}

#define EXPECT_WRITE(where, scene, iova) EXPECT_STREQ(where, scene_write(scene, iova))

#endif
