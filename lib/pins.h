/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many pages of the machine are pinned for DMA: what the kernel itself counts when it takes and
 * gives back pins, whoever they are charged to. Tests run one at a time, so what is more after a
 * test than before is what the test has left behind.
 */
#ifndef CTS_PINS_H
#define CTS_PINS_H

#include <stdbool.h>

/*
 * Pages that are pinned now: pins taken less pins given back (/proc/vmstat, Linux 5.7 and newer).
 * Files that were mapped by IOMMU_IOAS_MAP_FILE are not counted alike both ways. Takes root: others
 * get numbers that are seconds old.
 */
long pins_now(void);

/* Waits until @pins pages are pinned, since files are let go of late. False: it stays another. */
bool pins_become(long pins);

#endif
