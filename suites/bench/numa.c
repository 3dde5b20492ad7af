// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the place of memory costs: map and unmap of memory of each NUMA node, by the processors of
 * the device's own, or of the lowest node where it is on none.
 */
#include "device_fixture.h"
#include "placement.h"
#include "range.h"
#include "sysfs.h"

/* Free memory that a node has to have, bytes: some times the largest of the usual ranges. */
#define FREE ((size_t)128 << 20)

FIXTURE(node)
{
	DEVICE_FIELDS;
};

FIXTURE_SETUP(node)
{
	DEVICE_SETUP_OR_SKIP(self);
	vfio_attach(self->device, self->ioas);
}

FIXTURE_TEARDOWN(node)
{
	DEVICE_TEARDOWN(self);
}

/* The device's node, -1 for none. */
static int node_of_device(void)
{
	char text[SYSFS_PATH];

	return __sysfs_attribute("numa_node", text) ? -1 : atoi(text);
}

static void name_node(char name[16], int node)
{
	if (node < 0)
		snprintf(name, 16, "none");
	else
		snprintf(name, 16, "node%d", node);
}

/* Does memory that is taken now come from @node? */
static bool comes_from(int node)
{
	struct buffer page;
	int its;

	buffer_alloc(&page, BUFFER_BASE, page_size());
	its = placement_node_of(page.memory);
	buffer_free(&page);
	return its == node;
}

CTS_TEST_F(node, map_unmap,
	   .title = "Map and unmap of one range of each NUMA node's memory",
	   .requirements = { "MEASURE-020" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_TIME,
	   .kind = CTS_MEASUREMENT,
	   .timeout_s = 300)
{
	const int device = node_of_device(), last = placement_last_node();
	char memory_name[16], device_name[16], processor_name[16];
	int node, nodes = 0;

	(void)measure_clock_cost(); /* and with it where this was before it is bound */
	for (node = 0; node <= last; node++)
		nodes += placement_has_memory(node, FREE);
	if (nodes < 2)
		CTS_SKIP(ONE_NODE, "%d nodes have %zu MiB of memory free", nodes, FREE >> 20);
	name_node(device_name, device);
	name_node(processor_name, placement_run_on(device));
	for (node = 0; node <= last; node++) {
		const struct cts_param about[] = {
			{ .name = "memory", .word = memory_name },
			{ .name = "device-on", .word = device_name },
			{ .name = "processor-on", .word = processor_name },
			{ 0 },
		};

		if (!placement_has_memory(node, FREE))
			continue;
		name_node(memory_name, node);
		placement_take_from(node);
		ASSERT_TRUE(comes_from(node)) TH_LOG("node %d", node);
		ASSERT_LT(0, bench_map_unmap(self->iommufd, self->ioas, BUFFER_BASE, about));
	}
}

CTS_MAIN
