/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a measurement may run and have its memory: processors and NUMA nodes. */
#ifndef CTS_PLACEMENT_H
#define CTS_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Records, as the fact "placement", what `numactl --show` would say of this process: its memory
 * policy, and the processors and nodes that it is bound to. Not where instructions are counted:
 * there is one processor then.
 */
void placement_record(void);

/* The highest number of a NUMA node; -1 where the kernel knows of none. */
int placement_last_node(void);

/* Does @node have memory that this process may use, and so many bytes of it free? */
bool placement_has_memory(int node, uint64_t bytes);

/* Has this process take memory from @node alone from now on. */
void placement_take_from(int node);

/* The node that has the memory at @address, which is there: -errno where the kernel doesn't tell. */
int placement_node_of(void *address);

/*
 * Binds this process to the processors of one node: to those of @node, or, where that has none for
 * it or is none (-1), of the lowest that does. Returns which it is.
 */
int placement_run_on(int node);

#endif
