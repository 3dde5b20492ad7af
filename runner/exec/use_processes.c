// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "use.h"

#define MAJORS_MAX 16

/* The numbers of nodes that lead to the function, and the majors of its driver's own. */
struct nodes {
	dev_t *blocks, *chars;
	size_t n_blocks, n_chars;
	unsigned int majors[MAJORS_MAX];
	size_t n_majors;
	char pid[16];
};

static bool in(dev_t dev, const dev_t *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == dev)
			return true;
	}
	return false;
}

static bool leads_there(const struct nodes *nodes, const struct stat *st)
{
	if (S_ISBLK(st->st_mode))
		return in(st->st_rdev, nodes->blocks, nodes->n_blocks);
	if (!S_ISCHR(st->st_mode))
		return false;
	for (size_t i = 0; i < nodes->n_majors; i++) {
		if (nodes->majors[i] == major(st->st_rdev))
			return true;
	}
	return in(st->st_rdev, nodes->chars, nodes->n_chars);
}

static bool says(struct use *use, const char *pid, const char *how, const char *what)
{
	char path[USE_PATH], name[64];

	use_path(use, path, "/proc/%s/comm", pid);
	use_line(path, name, sizeof(name));
	return use_says(use, "process %s (%s) has %.200s %s", pid, name, what, how);
}

/* Is it a file of the function in sysfs, such as resource0 or config? */
static bool is_of_function(const struct use *use, const char *target)
{
	const size_t len = strlen(use->device);

	return !strncmp(target, use->device, len) && target[len] == '/';
}

static bool has_open(struct use *use, const char *fd, void *arg)
{
	const struct nodes *nodes = arg;
	char path[USE_PATH], target[USE_PATH];
	struct stat st;
	ssize_t n;

	use_path(use, path, "/proc/%s/fd/%s", nodes->pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	if (is_of_function(use, target) || (!stat(path, &st) && leads_there(nodes, &st)))
		return says(use, nodes->pid, "open", target);
	return false;
}

/* A mapping outlives the descriptor that it was made with. */
static bool has_mapped(struct use *use, const struct nodes *nodes)
{
	char path[USE_PATH], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *file;

	use_path(use, path, "/proc/%s/maps", nodes->pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0) {
		const char *target = strchr(line, '/');
		struct stat st;

		if (!target)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (is_of_function(use, target) ||
		    (!strncmp(target, "/dev/", 5) && !stat(target, &st) && leads_there(nodes, &st)))
			found = says(use, nodes->pid, "mapped", target);
	}
	free(line);
	fclose(file);
	return found;
}

static bool uses_it(struct use *use, const char *pid, void *arg)
{
	struct nodes *nodes = arg;
	char path[USE_PATH];

	if (!isdigit((unsigned char)*pid) || strlen(pid) >= sizeof(nodes->pid))
		return false;
	strcpy(nodes->pid, pid);
	use_path(use, path, "/proc/%s/fd", pid);
	return use_each(path, has_open, use, nodes) || has_mapped(use, nodes);
}

/* Some drivers make nodes that sysfs knows nothing of: their majors bear the driver's name. */
static void find_majors(const struct use *use, struct nodes *nodes)
{
	const size_t len = strlen(use->driver);
	char path[USE_PATH], line[128], name[96];
	unsigned int number;
	FILE *file;

	use_path(use, path, "/proc/devices");
	file = len ? fopen(path, "re") : NULL;
	if (!file)
		return;
	while (fgets(line, sizeof(line), file) && strncmp(line, "Block", 5)) {
		if (sscanf(line, "%u %95s", &number, name) != 2 ||
		    strncmp(name, use->driver, len) || (name[len] && name[len] != '-'))
			continue;
		if (nodes->n_majors < MAJORS_MAX)
			nodes->majors[nodes->n_majors++] = number;
	}
	fclose(file);
}

/* The node of a vfio group lies outside the function's folder. */
static dev_t group_node(const struct use *use)
{
	char path[USE_PATH + 16], group[USE_NAME];

	snprintf(path, sizeof(path), "%s/iommu_group", use->device);
	use_link(path, group);
	use_path(use, path, "/sys/class/vfio/%s/dev", group);
	return use_number(path);
}

bool use_by_processes(struct use *use)
{
	struct nodes nodes = {};
	char path[USE_PATH];
	bool found;

	nodes.blocks = calloc(use->count + 1, sizeof(dev_t));
	nodes.chars = calloc(use->count + 1, sizeof(dev_t));
	if (!nodes.blocks || !nodes.chars)
		return use_says(use, "no memory to look at it with");
	for (size_t i = 0; i < use->count; i++) {
		const struct use_part *part = &use->parts[i];

		if (!part->dev)
			continue;
		if (!strcmp(part->subsystem, "block"))
			nodes.blocks[nodes.n_blocks++] = part->dev;
		else
			nodes.chars[nodes.n_chars++] = part->dev;
	}
	nodes.chars[nodes.n_chars] = group_node(use);
	nodes.n_chars += nodes.chars[nodes.n_chars] != 0;
	find_majors(use, &nodes);
	use_path(use, path, "/proc");
	found = use_each(path, uses_it, use, &nodes);
	free(nodes.blocks);
	free(nodes.chars);
	return found;
}
