// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>

#include "check.h"
#include "measure.h"
#include "placement.h"
#include "record.h"

/* Room for the numbers of a mask as text; what goes beyond is cut off. */
#define LIST 128

/* The numbers in @mask as ranges, "0-3,8", to @text. Frees the mask. */
static void list(struct bitmask *mask, char text[LIST])
{
	unsigned int first, last;
	size_t length = 0;

	text[0] = 0;
	for (first = 0; first < mask->size && length < LIST; first = last + 1) {
		last = first;
		if (!numa_bitmask_isbitset(mask, first))
			continue;
		while (last + 1 < mask->size && numa_bitmask_isbitset(mask, last + 1))
			last++;
		length += (size_t)snprintf(text + length, LIST - length,
					   first == last ? "%s%u" : "%s%u-%u", length ? "," : "",
					   first, last);
	}
	numa_bitmask_free(mask);
}

static const char *policy(void)
{
	static const char *const names[] = {
		[MPOL_DEFAULT] = "default", [MPOL_PREFERRED] = "preferred",
		[MPOL_BIND] = "bind",	    [MPOL_INTERLEAVE] = "interleave",
		[MPOL_LOCAL] = "local",
	};
	int mode;

	if (get_mempolicy(&mode, NULL, 0, NULL, 0))
		return "unknown";
	return mode >= 0 && (size_t)mode < sizeof(names) / sizeof(*names) && names[mode]
		       ? names[mode]
		       : "another";
}

void placement_record(void)
{
	char processors[LIST], nodes[LIST], memory[LIST];
	struct bitmask *mask;

	if (measure_counts_instructions())
		return;
	mask = numa_allocate_cpumask();
	cts_lab_require(numa_sched_getaffinity(0, mask) >= 0, "the processors of this process");
	list(mask, processors);
	if (placement_last_node() < 0) {
		cts_record_fact("placement", "physcpubind %s, no NUMA", processors);
		return;
	}
	list(numa_get_run_node_mask(), nodes);
	list(numa_get_membind(), memory);
	cts_record_fact("placement", "policy %s, physcpubind %s, nodebind %s, membind %s", policy(),
			processors, nodes, memory);
}

int placement_last_node(void)
{
	return numa_available() < 0 ? -1 : numa_max_node();
}

bool placement_has_memory(int node, uint64_t bytes)
{
	struct bitmask *mask = numa_get_mems_allowed();
	const bool allowed = numa_bitmask_isbitset(mask, (unsigned int)node);
	long long available = 0;

	numa_bitmask_free(mask);
	return allowed && numa_node_size64(node, &available) > 0 && available >= (long long)bytes;
}

void placement_take_from(int node)
{
	struct bitmask *mask = numa_allocate_nodemask();

	numa_bitmask_setbit(mask, (unsigned int)node);
	cts_lab_require(!set_mempolicy(MPOL_BIND, mask->maskp, mask->size + 1),
			"memory of node %d alone", node);
	numa_bitmask_free(mask);
}

int placement_node_of(void *address)
{
	int node;

	return get_mempolicy(&node, NULL, 0, address, MPOL_F_NODE | MPOL_F_ADDR) ? -errno : node;
}

int placement_run_on(int node)
{
	int last = placement_last_node();

	if (node >= 0 && node <= last && !numa_run_on_node(node))
		return node;
	for (node = 0; node <= last; node++)
		if (!numa_run_on_node(node))
			return node;
	cts_lab_error("no node has processors for this process");
}
