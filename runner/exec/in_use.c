// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "in_use.h"
#include "use.h"

/* Modules that use RDMA devices from within the kernel, of which sysfs says nothing. */
static const char *const rdma_users[] = {
	"cifs",	       "ib_iser",   "ib_isert",	   "ib_srp",   "ib_srpt",
	"ksmbd",       "nvme_rdma", "nvmet_rdma",  "rds_rdma", "rnbd_client",
	"rnbd_server", "rpcrdma",   "rtrs_client", "smc",
};

/* Of a file in the part's folder. */
static void part_line(const struct use_part *part, const char *name, char *line, size_t size)
{
	char path[USE_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", part->path, name);
	use_line(path, line, size);
}

static bool is_upper(struct use *use, const char *name, void *arg)
{
	const struct use_part *interface = arg;

	return !strncmp(name, "upper_", 6) &&
	       use_says(use, "its interface %s is below %s", interface->name, name + 6);
}

static bool of_interface(struct use *use, struct use_part *interface)
{
	char path[USE_PATH + 16], text[32], master[USE_NAME];

	snprintf(path, sizeof(path), "%s/master", interface->path);
	use_link(path, master);
	if (*master)
		return use_says(use, "its interface %s belongs to %s", interface->name, master);
	if (use_each(interface->path, is_upper, use, interface))
		return true;
	part_line(interface, "flags", text, sizeof(text));
	if (!*text)
		return use_says(use, "its interface %s can't be looked at", interface->name);
	return (strtoul(text, NULL, 0) & IFF_UP) &&
	       use_says(use, "its interface %s is up; `ip link set %s down` if nobody needs it",
			interface->name, interface->name);
}

static bool of_rdma(struct use *use, struct use_part *part)
{
	char path[USE_PATH];

	for (size_t i = 0; i < sizeof(rdma_users) / sizeof(rdma_users[0]); i++) {
		use_path(use, path, "/sys/module/%s", rdma_users[i]);
		if (!access(path, F_OK))
			return use_says(use,
					"its RDMA device %s may have a user in the kernel: the "
					"module %s",
					part->name, rdma_users[i]);
	}
	return false;
}

static bool of_display(struct use *use, struct use_part *part)
{
	char text[32];

	part_line(part, "enabled", text, sizeof(text));
	return !strcmp(text, "enabled") &&
	       use_says(use, "a display is driven by its output %s", part->name);
}

static bool of_framebuffer(struct use *use, struct use_part *part)
{
	return !strncmp(part->name, "fb", 2) &&
	       use_says(use, "the console is on its framebuffer %s", part->name);
}

static bool of_terminal(struct use *use, struct use_part *part)
{
	char path[USE_PATH], line[256], *rest = line, *name;

	use_path(use, path, "/sys/class/tty/console/active");
	use_line(path, line, sizeof(line));
	while ((name = strsep(&rest, " "))) {
		if (!strcmp(name, part->name))
			return use_says(use, "the kernel's console is on its %s", part->name);
	}
	return false;
}

static bool of_usb(struct use *use, struct use_part *part)
{
	char product[128];

	if (!strncmp(part->name, "usb", 3) || strchr(part->name, ':') || !strchr(part->name, '-') ||
	    !strncmp(part->name, "ep_", 3))
		return false; /* a root hub, an interface of a device */
	part_line(part, "product", product, sizeof(product));
	return use_says(use, "the USB device %s%s%s is plugged into it", part->name,
			*product ? ", " : "", product);
}

static bool of_dma_channel(struct use *use, struct use_part *part)
{
	char text[32];

	part_line(part, "in_use", text, sizeof(text));
	return strtoul(text, NULL, 10) &&
	       use_says(use, "the kernel uses its DMA channel %s", part->name);
}

static bool of_made(struct use *use, struct use_part *part)
{
	return use_says(use, "%s %s was made of it", part->subsystem, part->name);
}

static bool of_tpm(struct use *use, struct use_part *part)
{
	return use_says(use, "it is the machine's %s", part->name);
}

static const struct {
	const char *subsystem;
	bool (*used)(struct use *use, struct use_part *part);
} kinds[] = {
	{ "net", of_interface },   { "infiniband", of_rdma },
	{ "drm", of_display },	   { "graphics", of_framebuffer },
	{ "tty", of_terminal },	   { "usb", of_usb },
	{ "dma", of_dma_channel }, { "mdev", of_made },
	{ "vdpa", of_made },	   { "tpm", of_tpm },
};

static bool used_by_kind(struct use *use)
{
	for (size_t i = 0; i < use->count; i++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (!strcmp(use->parts[i].subsystem, kinds[k].subsystem) &&
			    kinds[k].used(use, &use->parts[i]))
				return true;
		}
	}
	return false;
}

static bool has_part(const struct use *use, const char *subsystem)
{
	for (size_t i = 0; i < use->count; i++) {
		if (!strcmp(use->parts[i].subsystem, subsystem))
			return true;
	}
	return false;
}

/* Of a file in the function's folder. */
static void function_line(const struct use *use, const char *name, char *line, size_t size)
{
	char path[USE_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", use->device, name);
	use_line(path, line, size);
}

/*
 * Sysfs shows the interfaces of one network namespace: a network card whose driver has made none
 * that is to be seen has them elsewhere.
 */
static bool is_elsewhere(struct use *use, const char *class)
{
	return !strncmp(class, "0x02", 4) && !use_is_nobodys(use->driver) &&
	       !has_part(use, "net") &&
	       use_says(use,
			"driver %s has it and no interface is to be seen: is that in another "
			"network namespace?",
			use->driver);
}

static bool used_virtual_function(struct use *use, const char *name, void *arg)
{
	char path[USE_PATH + USE_NAME + 16], bdf[USE_NAME], driver[USE_NAME];

	(void)arg;
	if (strncmp(name, "virtfn", 6))
		return false;
	snprintf(path, sizeof(path), "%s/%.64s", use->device, name);
	use_link(path, bdf);
	strcat(path, "/driver");
	use_link(path, driver);
	if (*driver)
		return use_says(use, "its virtual function %s is used by driver %s", bdf, driver);
	/* Its driver would remove them, and nothing could put them back as they were. */
	return !use_is_nobodys(use->driver) &&
	       use_says(use,
			"it has virtual functions, such as %s; write 0 to its sriov_numvfs if "
			"nobody needs them",
			bdf);
}

/* What is so of a function by itself, whoever has it. */
static bool is_untouchable(struct use *use, const char *class)
{
	char text[32];

	if (!strncmp(class, "0x06", 4))
		return use_says(use, "it is a bridge");
	if (!strncmp(class, "0x05", 4))
		return use_says(use, "it is memory");
	function_line(use, "boot_vga", text, sizeof(text));
	if (!strcmp(text, "1"))
		return use_says(use, "the console is on it: it is the display that the firmware "
				     "started with");
	return false;
}

/* Where the function is, its driver and its class. */
static bool find_function(struct use *use, const char *bdf, char class[32])
{
	char path[USE_PATH + 16], resolved[PATH_MAX];

	use_path(use, path, "/sys/bus/pci/devices/%s", bdf);
	if (!realpath(path, resolved) || strlen(resolved) >= sizeof(use->device))
		return false;
	strcpy(use->device, resolved);
	snprintf(path, sizeof(path), "%s/driver", use->device);
	use_link(path, use->driver);
	function_line(use, "class", class, 32);
	return true;
}

static bool used_by_kernel(struct use *use, const char *class)
{
	return is_untouchable(use, class) ||
	       use_each(use->device, used_virtual_function, use, NULL) || use_of_disks(use) ||
	       used_by_kind(use) || is_elsewhere(use, class);
}

static bool function_in_use(struct use *use, const char *bdf, bool by_process_alone)
{
	char class[32];
	bool used;

	if (!find_function(use, bdf, class))
		return use_says(use, "no such PCI function");
	if (!use_find_parts(use))
		used = use_says(use, "no memory to look at it with");
	else
		used = (!by_process_alone && used_by_kernel(use, class)) || use_by_processes(use);
	free(use->parts);
	return used;
}

/* Regions that the function must be able to reach at all times, at addresses of the machine's. */
static bool has_direct_regions(struct use *use, const char *group)
{
	char path[USE_PATH], line[128], kind[32], start[32];
	bool found = false;
	FILE *file;

	use_path(use, path, "/sys/kernel/iommu_groups/%s/reserved_regions", group);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%31s %*s %31s", start, kind) == 2 &&
			!strcmp(kind, "direct") &&
			use_says(use,
				 "the firmware wants the memory at %s mapped for it at all "
				 "times",
				 start);
	fclose(file);
	return found;
}

static bool member_in_use(struct use *use, const char *member, void *arg)
{
	struct use other = { .root = use->root };
	char why[256], path[USE_PATH], class[32];

	if (!strcmp(member, arg))
		return false;
	use_path(use, path, "/sys/bus/pci/devices/%s/class", member);
	use_line(path, class, sizeof(class));
	if (!strncmp(class, "0x06", 4))
		return false; /* above the others; it does nothing of its own */
	other.why = why;
	other.size = sizeof(why);
	return function_in_use(&other, member, false) &&
	       use_says(use, "its IOMMU group has %s, and of that: %s", member, why);
}

bool in_use(const char *root, const char *bdf, char *why, size_t size)
{
	struct use use = { .root = root, .why = why, .size = size };
	char path[USE_PATH], group[USE_NAME];

	if (function_in_use(&use, bdf, false))
		return true;
	use_path(&use, path, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	use_link(path, group);
	if (!*group)
		return false;
	use_path(&use, path, "/sys/kernel/iommu_groups/%s/devices", group);
	return has_direct_regions(&use, group) || use_each(path, member_in_use, &use, (void *)bdf);
}

bool in_use_by_process(const char *root, const char *bdf, char *why, size_t size)
{
	struct use use = { .root = root, .why = why, .size = size };

	return function_in_use(&use, bdf, true);
}
