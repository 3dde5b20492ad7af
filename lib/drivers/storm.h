/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA_STORM for a device that can't go on by itself: a thread that starts one write after the other.
 * A storm of this kind ends with the process; all but the write that is under way at that moment.
 */
#ifndef CTS_STORM_H
#define CTS_STORM_H

#include <pthread.h>
#include <stdatomic.h>

#include "driver.h"

struct storm {
	struct dma *dma;
	uint64_t iova;
	size_t length;
	pthread_t thread;
	atomic_bool stop;
	bool running;
	int status; /* of the first write that was refused */
};

/* Makes the driver's write() go over [@iova, @iova + @length) again and again. */
void storm_start(struct storm *storm, struct dma *dma, uint64_t iova, size_t length);

/* Waits for the end of the write that is under way; what dma_storm_stop() returns. 0 if none runs. */
int storm_stop(struct storm *storm);

#endif
