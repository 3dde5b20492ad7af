/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of a device that misbehaves have in common, on the scene of suites/attach/. */
#ifndef HOSTILE_SCENE_H
#define HOSTILE_SCENE_H

#include "../attach/scene.h"
#include "function.h"
#include "measure.h"

/* Looks so often that a device that writes there would be seen. */
#define LOOKS 2000

/* Does @memory stay as it is? */
static inline bool scene_stays(const struct scene *scene, unsigned int memory)
{
	int looks = LOOKS;

	while (looks-- && scene_intact(scene, memory))
		;
	return scene_intact(scene, memory);
}

static inline void scene_fill_all(struct scene *scene)
{
	unsigned int i;

	for (i = 0; i < MEMORIES; i++)
		scene_fill(scene, i);
}

/* Resets the function and lets it master the bus again, as a driver would. */
static inline void reset_under(int device)
{
	struct function function;

	function_init(&function, device);
	function_reset(&function);
	function_set_master(&function, true);
	function_exit(&function);
}

/* Is @memory as it was but, perhaps, for what a storm writes to at this moment? */
static inline bool scene_is_hit_in_the_middle(const struct scene *scene, unsigned int memory)
{
	const struct buffer *buffer = &scene->memory[memory];
	size_t end = scene->unit + scene->length;

	return canary_intact(buffer->memory, scene->unit, (uint8_t)memory) &&
	       canary_changed(buffer->memory, buffer->size, (uint8_t)memory, end) == buffer->size;
}

/* Every memory is as it was, but for @but; MEMORIES: all of them are. */
#define EXPECT_INTACT_BUT(scene, but)                         \
	do {                                                  \
		unsigned int __i;                             \
                                                              \
		for (__i = 0; __i < MEMORIES; __i++) {        \
			if (__i == (but))                     \
				continue;                     \
			EXPECT_TRUE(scene_intact(scene, __i)) \
			TH_LOG("memory %u", __i);             \
		}                                             \
	} while (0)

#define EXPECT_ALL_INTACT(scene) EXPECT_INTACT_BUT(scene, MEMORIES)

/* Nothing but that has changed of any memory. */
#define EXPECT_ALL_NEIGHBOURS_INTACT(scene)                                 \
	do {                                                                \
		unsigned int __i;                                           \
                                                                            \
		for (__i = 0; __i < MEMORIES; __i++) {                      \
			EXPECT_TRUE(scene_is_hit_in_the_middle(scene, __i)) \
			TH_LOG("memory %u", __i);                           \
		}                                                           \
	} while (0)

#endif
