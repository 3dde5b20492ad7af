// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "check.h"
#include "storm.h"

static void *blow(void *argument)
{
	struct storm *storm = argument;
	const struct dma_driver *driver = storm->dma->driver;
	void *wrote = malloc(storm->length);

	cts_lab_require(wrote, "memory for a storm");
	while (!atomic_load(&storm->stop)) {
		int status = driver->write(storm->dma, storm->iova, storm->length, wrote);

		if (status && !storm->status)
			storm->status = status;
		atomic_fetch_add(&storm->dma->stormed, 1);
	}
	free(wrote);
	return NULL;
}

void storm_start(struct storm *storm, struct dma *dma, uint64_t iova, size_t length)
{
	cts_require(!storm->running, "one storm at a time");
	storm->dma = dma;
	storm->iova = iova;
	storm->length = length;
	storm->status = 0;
	atomic_store(&storm->stop, false);
	cts_lab_require(!pthread_create(&storm->thread, NULL, blow, storm), "pthread_create");
	storm->running = true;
}

int storm_stop(struct storm *storm)
{
	if (!storm->running)
		return 0;
	atomic_store(&storm->stop, true);
	cts_require(!pthread_join(storm->thread, NULL), "pthread_join");
	storm->running = false;
	return storm->status;
}
