// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/pci.h"
#include "../exec/sysfs.h"
#include "survey.h"

/* Every function that is told of, each once, and the groups of those that were named. */
struct found {
	struct cts_pci *pci;
	struct cts_pci_function *functions;
	size_t count, room;
	int *groups;
	size_t groups_count;
};

/* @memory made to hold @count members of @size bytes. */
static void *grown(void *memory, size_t count, size_t size)
{
	memory = reallocarray(memory, count, size);
	if (!memory) {
		fputs("cts-survey: no memory\n", stderr);
		exit(1);
	}
	return memory;
}

/* Reads the function @bdf, unless that is done or there is none. */
static void add_function(const char *bdf, void *arg)
{
	struct found *found = arg;
	struct rid rid;

	if (!rid_parse(bdf, &rid))
		return;
	for (size_t i = 0; i < found->count; i++) {
		if (rid_equal(&found->functions[i].rid, &rid))
			return;
	}
	if (found->count == found->room) {
		found->room = found->room ? 2 * found->room : 64;
		found->functions = grown(found->functions, found->room, sizeof(*found->functions));
	}
	if (!cts_pci_read(found->pci, bdf, &found->functions[found->count]))
		found->count++;
}

/* Adds the bridges above the function and the others of its group. */
static void add_neighbours(struct found *found, const struct cts_pci_function *function)
{
	char bdf[RID_TEXT];
	struct rid_path path;
	bool known = function->group < 0;

	for (size_t i = 0; i < found->groups_count && !known; i++)
		known = found->groups[i] == function->group;
	if (!known) {
		found->groups =
			grown(found->groups, found->groups_count + 1, sizeof(*found->groups));
		found->groups[found->groups_count++] = function->group;
	}
	if (cts_pci_path(found->pci, &function->rid, &path))
		path.count = 0;
	if (!known)
		cts_pci_members(found->pci, function->group, add_function, found);
	for (size_t i = 0; i < path.count; i++) {
		rid_format(&path.bridges[i], bdf);
		add_function(bdf, found);
	}
}

struct use {
	char name[CTS_PCI_NAME];
	char place[SURVEY_PATH]; /* in sysfs: the functions that it is below are in it */
};

/* The network interfaces or the block devices of the host, and where each is. */
struct uses {
	const char *class; /* "net", "block" */
	struct use *members;
	size_t count;
};

static void add_use(const char *name, void *arg)
{
	struct uses *uses = arg;
	char path[SURVEY_PATH];
	struct use *use;

	uses->members = grown(uses->members, uses->count + 1, sizeof(*uses->members));
	use = &uses->members[uses->count++];
	snprintf(use->name, sizeof(use->name), "%.63s", name);
	survey_path(path, "class/%s/%s", uses->class, name);
	sysfs_target(path, use->place, sizeof(use->place));
}

static void find_uses(struct uses *uses)
{
	char path[SURVEY_PATH];

	survey_path(path, "class/%s", uses->class);
	sysfs_list(path, add_use, uses);
}

/* The file or the swap space that is on /dev/@name: where it is mounted; empty: none. */
static void find_mount(const char *name, char where[SURVEY_PATH])
{
	static const char *const files[] = { "/proc/self/mounts", "/proc/swaps" };
	char line[4096], device[2 * CTS_PCI_NAME];

	snprintf(device, sizeof(device), "/dev/%s ", name);
	where[0] = '\0';
	for (size_t i = 0; !*where && i < 2; i++) {
		FILE *file = fopen(files[i], "re");

		while (file && !*where && fgets(line, sizeof(line), file)) {
			if (!strncmp(line, device, strlen(device)))
				snprintf(where, SURVEY_PATH, "%.*s",
					 i ? 4 : (int)strcspn(line + strlen(device), " "),
					 i ? "swap" : line + strlen(device));
		}
		if (file)
			fclose(file);
	}
}

static void put_holder(const char *name, void *json)
{
	json_put_string(json, NULL, name);
}

static void put_use(struct json_out *json, const struct uses *uses, const struct use *use)
{
	char path[SURVEY_PATH], where[SURVEY_PATH];

	json_open(json, NULL, '{');
	json_put_string(json, "name", use->name);
	if (!strcmp(uses->class, "net")) {
		survey_path(path, "class/net/%s/operstate", use->name);
		survey_put_text(json, "state", path);
	} else {
		find_mount(use->name, where);
		json_put_name(json, "mounted", where);
		survey_path(path, "class/block/%s/holders", use->name);
		json_open(json, "holders", '[');
		sysfs_list(path, put_holder, json);
		json_close(json, ']');
	}
	json_close(json, '}');
}

static void put_uses(struct json_out *json, const struct uses *uses, const char *bdf)
{
	char part[CTS_PCI_NAME + 2];

	snprintf(part, sizeof(part), "/%.60s/", bdf);
	json_open(json, uses->class, '[');
	for (size_t i = 0; i < uses->count; i++) {
		if (strstr(uses->members[i].place, part))
			put_use(json, uses, &uses->members[i]);
	}
	json_close(json, ']');
}

static void put_rids(struct json_out *json, const char *key, const struct rid *rids, size_t count)
{
	char bdf[RID_TEXT];

	json_open(json, key, '[');
	for (size_t i = 0; i < count; i++) {
		rid_format(&rids[i], bdf);
		json_put_string(json, NULL, bdf);
	}
	json_close(json, ']');
}

static void put_hex(struct json_out *json, const char *key, unsigned int value, int digits)
{
	char text[16];

	snprintf(text, sizeof(text), "%0*x", digits, value);
	json_put_string(json, key, text);
}

static void put_capabilities(struct json_out *json, const struct cts_pci_function *function)
{
	static const struct {
		enum cts_pci_capability bit;
		const char *name;
	} names[] = {
		{ CTS_PCI_MSI, "msi" },	     { CTS_PCI_MSIX, "msi-x" },
		{ CTS_PCI_ATS, "ats" },	     { CTS_PCI_PRI, "pri" },
		{ CTS_PCI_PASID, "pasid" },  { CTS_PCI_ACS, "acs" },
		{ CTS_PCI_SRIOV, "sr-iov" }, { CTS_PCI_AER, "aer" },
		{ CTS_PCI_FLR, "flr" },	     { CTS_PCI_PM_RESET, "pm-reset" },
	};

	if (!function->complete) {
		json_put_name(json, "capabilities", NULL);
		return;
	}
	json_open(json, "capabilities", '[');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (function->capabilities & names[i].bit)
			json_put_string(json, NULL, names[i].name);
	}
	json_close(json, ']');
	if (function->express)
		json_put_int(json, "express", function->type);
	json_put_int(json, "acs_able", function->acs_able);
	json_put_int(json, "acs_on", function->acs_on);
	json_put_int(json, "vfs", function->vfs);
}

static void put_function(struct json_out *json, struct cts_pci *pci,
			 const struct cts_pci_function *function, const struct uses *net,
			 const struct uses *block)
{
	struct rid aliases[2 * RID_PATH_MAX];
	char bdf[RID_TEXT];
	struct rid_path path;
	int count;

	rid_format(&function->rid, bdf);
	json_open(json, NULL, '{');
	json_put_string(json, "bdf", bdf);
	put_hex(json, "vendor", function->vendor, 4);
	put_hex(json, "device", function->device, 4);
	put_hex(json, "class_code", function->class, 6);
	json_put_name(json, "driver", function->driver);
	if (function->group < 0)
		json_put_name(json, "group", NULL);
	else
		json_put_int(json, "group", function->group);
	json_put_name(json, "cdev", function->cdev);
	json_put_int(json, "numa_node", function->numa_node);
	json_put_bool(json, "bridge", function->bridge);
	json_put_bool(json, "multifunction", function->multifunction);
	put_capabilities(json, function);
	if (!cts_pci_path(pci, &function->rid, &path)) {
		put_rids(json, "bridges", path.bridges, path.count);
		count = cts_pci_aliases(pci, &path, aliases);
		if (count < 0)
			json_put_name(json, "aliases", NULL);
		else
			put_rids(json, "aliases", aliases, (size_t)count);
	}
	if (!function->bridge) {
		put_uses(json, net, bdf);
		put_uses(json, block, bdf);
	}
	json_close(json, '}');
}

static void put_regions(struct json_out *json, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256], start[64], end[64], type[64];

	json_open(json, "reserved", '[');
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %63s %63s", start, end, type) != 3)
			continue;
		json_open(json, NULL, '{');
		json_put_string(json, "start", start);
		json_put_string(json, "end", end);
		json_put_string(json, "type", type);
		json_close(json, '}');
	}
	json_close(json, ']');
	if (file)
		fclose(file);
}

static void put_named(const char *bdf, void *json)
{
	json_put_string(json, NULL, bdf);
}

static void put_group(struct json_out *json, struct cts_pci *pci, int group)
{
	char path[SURVEY_PATH];

	json_open(json, NULL, '{');
	json_put_int(json, "group", group);
	survey_path(path, "kernel/iommu_groups/%d/type", group);
	survey_put_text(json, "type", path);
	survey_path(path, "kernel/iommu_groups/%d/reserved_regions", group);
	put_regions(json, path);
	json_open(json, "members", '[');
	cts_pci_members(pci, group, put_named, json);
	json_close(json, ']');
	json_close(json, '}');
}

/* Calls @each for what was named, or for all that there is. */
static void each_named(char *const *bdfs, int count, void (*each)(const char *bdf, void *arg),
		       void *arg)
{
	char path[SURVEY_PATH];

	survey_path(path, "bus/pci/devices");
	if (!count)
		sysfs_list(path, each, arg);
	for (int i = 0; i < count; i++)
		each(bdfs[i], arg);
}

void survey_functions(struct json_out *json, char *const *bdfs, int count)
{
	struct uses net = { .class = "net" }, block = { .class = "block" };
	struct found found = { .pci = cts_pci_open(survey_sysfs) };
	size_t named, i;

	if (!found.pci)
		exit(1);
	json_open(json, "named", '[');
	each_named(bdfs, count, put_named, json);
	json_close(json, ']');

	each_named(bdfs, count, add_function, &found);
	named = found.count;
	for (i = 0; i < named; i++) {
		struct cts_pci_function function = found.functions[i]; /* the array may move */

		add_neighbours(&found, &function);
	}
	find_uses(&net);
	find_uses(&block);
	json_open(json, "functions", '[');
	for (i = 0; i < found.count; i++)
		put_function(json, found.pci, &found.functions[i], &net, &block);
	json_close(json, ']');
	json_open(json, "group_list", '[');
	for (i = 0; i < found.groups_count; i++)
		put_group(json, found.pci, found.groups[i]);
	json_close(json, ']');

	free(net.members);
	free(block.members);
	free(found.functions);
	free(found.groups);
	cts_pci_close(found.pci);
}
