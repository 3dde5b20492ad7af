// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../exec/sysfs.h"
#include "survey.h"

#define EFI_SECURE_BOOT "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* pcie_port_service: the last digits of a service's name (drivers/pci/pcie/portdrv.h) */
#define SERVICE_AER 0x2
#define SERVICE_DPC 0x8

static void put_kernel(struct json_out *json)
{
	struct utsname uts;

	uname(&uts);
	json_open(json, "kernel", '{');
	json_put_string(json, "release", uts.release);
	json_put_string(json, "version", uts.version);
	json_put_string(json, "machine", uts.machine);
	survey_put_text(json, "cmdline", "/proc/cmdline");
	survey_put_text(json, "taint", "/proc/sys/kernel/tainted");
	survey_put_text(json, "dmesg_restrict", "/proc/sys/kernel/dmesg_restrict");
	json_close(json, '}');
}

/* What follows @key in a file of lines "Key:   value"; -1 without it. */
static int64_t number_in(const char *path, const char *key, int base)
{
	FILE *file = fopen(path, "re");
	int64_t value = -1;
	char line[4096];

	while (file && value < 0 && fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, key);

		if (at)
			value = strtoll(at + strlen(key), NULL, base);
	}
	if (file)
		fclose(file);
	return value;
}

static void put_limit(struct json_out *json, const char *key, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		json_put_name(json, key, NULL);
	else
		json_put_int(json, key, (int64_t)limit);
}

static void put_process(struct json_out *json)
{
	struct rlimit limit;

	json_put_int(json, "uid", geteuid());
	json_put_int(json, "capabilities", number_in("/proc/self/status", "CapEff:", 16));
	getrlimit(RLIMIT_MEMLOCK, &limit);
	json_open(json, "memlock", '{'); /* bytes; null: no limit */
	put_limit(json, "soft", limit.rlim_cur);
	put_limit(json, "hard", limit.rlim_max);
	json_close(json, '}');
}

static int64_t number_of(const char *path)
{
	char text[32];

	return sysfs_read(path, text, sizeof(text)) ? -1 : strtoll(text, NULL, 10);
}

struct pools {
	struct json_out *json;
	char folder[SURVEY_PATH - 128];
};

static void put_pool(const char *name, void *arg)
{
	struct pools *pools = arg;
	char path[SURVEY_PATH];
	long kib;

	if (sscanf(name, "hugepages-%ldkB", &kib) != 1)
		return;
	json_open(pools->json, NULL, '{');
	json_put_int(pools->json, "kib", kib);
	snprintf(path, sizeof(path), "%s/%.64s/nr_hugepages", pools->folder, name);
	json_put_int(pools->json, "total", number_of(path));
	snprintf(path, sizeof(path), "%s/%.64s/free_hugepages", pools->folder, name);
	json_put_int(pools->json, "free", number_of(path));
	json_close(pools->json, '}');
}

/* The pools of huge pages in @folder, below sysfs. */
static void put_pools(struct json_out *json, const char *folder)
{
	struct pools pools = { .json = json };
	char path[SURVEY_PATH];

	survey_path(path, "%s", folder);
	snprintf(pools.folder, sizeof(pools.folder), "%.300s", path);
	json_open(json, "huge", '[');
	sysfs_list(path, put_pool, &pools);
	json_close(json, ']');
}

static void put_node(const char *name, void *arg)
{
	struct json_out *json = arg;
	char path[SURVEY_PATH], folder[64];
	int node;

	if (sscanf(name, "node%d", &node) != 1)
		return;
	json_open(json, NULL, '{');
	json_put_int(json, "node", node);
	survey_path(path, "devices/system/node/node%d/cpulist", node);
	survey_put_text(json, "cpus", path);
	survey_path(path, "devices/system/node/node%d/meminfo", node);
	json_put_int(json, "memory_kib", number_in(path, "MemTotal:", 10));
	snprintf(folder, sizeof(folder), "devices/system/node/node%d/hugepages", node);
	put_pools(json, folder);
	json_close(json, '}');
}

static void put_memory(struct json_out *json)
{
	char path[SURVEY_PATH];

	json_put_int(json, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	/* A flag of x86 processors that an emulator sets. */
	json_put_bool(json, "hypervisor", number_in("/proc/cpuinfo", " hypervisor", 10) >= 0);
	json_put_int(json, "page_size", sysconf(_SC_PAGESIZE));
	json_put_int(json, "memory_kib", number_in("/proc/meminfo", "MemTotal:", 10));
	json_put_int(json, "available_kib", number_in("/proc/meminfo", "MemAvailable:", 10));
	put_pools(json, "kernel/mm/hugepages");
	survey_path(path, "devices/system/node");
	json_open(json, "nodes", '[');
	sysfs_list(path, put_node, json);
	json_close(json, ']');
}

static void put_iommu(const char *name, void *arg)
{
	static const char *const attributes[] = { "intel-iommu/cap", "intel-iommu/ecap",
						  "intel-iommu/version", "amd-iommu/cap",
						  "amd-iommu/features" };
	struct json_out *json = arg;
	char path[SURVEY_PATH];

	json_open(json, NULL, '{');
	json_put_string(json, "name", name);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		survey_path(path, "class/iommu/%s/%s", name, attributes[i]);
		if (sysfs_exists(path))
			survey_put_text(json, attributes[i], path);
	}
	json_close(json, '}');
}

static void ignore(const char *name, void *arg)
{
	(void)name;
	(void)arg;
}

static void put_iommus(struct json_out *json)
{
	static const char *const parameters[] = {
		"iommufd/parameters/allow_unsafe_interrupts",
		"vfio_iommu_type1/parameters/allow_unsafe_interrupts",
		"vfio/parameters/enable_unsafe_noiommu_mode",
	};
	char path[SURVEY_PATH];
	int groups;

	survey_path(path, "class/iommu");
	json_open(json, "iommus", '[');
	sysfs_list(path, put_iommu, json);
	json_close(json, ']');
	survey_path(path, "kernel/iommu_groups");
	groups = sysfs_list(path, ignore, NULL);
	json_put_int(json, "groups", groups < 0 ? 0 : groups);
	json_open(json, "parameters", '{');
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		survey_path(path, "module/%s", parameters[i]);
		survey_put_text(json, parameters[i], path);
	}
	json_close(json, '}');
}

/* Device files: are they there, and may this user read and write them? */
static void put_files(struct json_out *json)
{
	static const char *const files[] = { "/dev/iommu", "/dev/vfio/devices", "/dev/vfio/vfio",
					     "/dev/kvm" };

	json_open(json, "files", '{');
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		json_open(json, files[i], '{');
		json_put_bool(json, "exists", sysfs_exists(files[i]));
		json_put_bool(json, "usable", !access(files[i], R_OK | W_OK));
		json_close(json, '}');
	}
	json_close(json, '}');
}

/* Does a line of the file @path name the module @name? */
static bool is_listed(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[4096], wanted[64];
	bool found = false;

	snprintf(wanted, sizeof(wanted), "/%s.ko", name);
	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, ":")] = '\0'; /* what it depends on is another line's matter */
		found = strstr(line, wanted);
	}
	if (file)
		fclose(file);
	return found;
}

/* For each module "loaded", "built-in", "available" on the disk, or null. */
static void put_modules(struct json_out *json)
{
	static const struct {
		const char *name, *shown; /* in sysfs, if it is there */
	} modules[] = {
		{ "vfio", "module/vfio" },
		{ "vfio-pci", "bus/pci/drivers/vfio-pci" },
		{ "vfio_iommu_type1", "module/vfio_iommu_type1" },
		{ "iommufd", "module/iommufd" },
	};
	char path[SURVEY_PATH], folder[SURVEY_PATH];
	struct utsname uts;

	uname(&uts);
	json_open(json, "modules", '{');
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		const char *state = NULL;

		survey_path(path, "%s", modules[i].shown);
		snprintf(folder, sizeof(folder), "/lib/modules/%s", uts.release);
		if (sysfs_exists(path))
			state = "loaded";
		snprintf(path, sizeof(path), "%.300s/modules.builtin", folder);
		if (!state && is_listed(path, modules[i].name))
			state = "built-in";
		snprintf(path, sizeof(path), "%.300s/modules.dep", folder);
		if (!state && is_listed(path, modules[i].name))
			state = "available";
		json_put_name(json, modules[i].name, state);
	}
	json_close(json, '}');
}

struct services {
	int aer, dpc;
};

static void count_service(const char *name, void *arg)
{
	const char *type = strstr(name, ":pcie");
	struct services *services = arg;
	unsigned long id = type ? strtoul(type + strlen(":pcie"), NULL, 16) & 0xff : 0;

	services->aer += id == SERVICE_AER;
	services->dpc += id == SERVICE_DPC;
}

/* The PCIe port services that the kernel drives, and not the firmware. */
static void put_services(struct json_out *json)
{
	struct services services = { 0 };
	char path[SURVEY_PATH];

	survey_path(path, "bus/pci_express/devices");
	sysfs_list(path, count_service, &services);
	json_open(json, "services", '{');
	json_put_int(json, "aer", services.aer);
	json_put_int(json, "dpc", services.dpc);
	json_close(json, '}');
}

static void put_security(struct json_out *json)
{
	char path[SURVEY_PATH];
	unsigned char variable[5]; /* attributes, and one byte of value */

	survey_path(path, "kernel/security/lockdown");
	survey_put_text(json, "lockdown", path);
	survey_path(path, EFI_SECURE_BOOT);
	if (sysfs_bytes(path, variable, sizeof(variable)) == sizeof(variable))
		json_put_bool(json, "secure_boot", variable[4]);
	else
		json_put_name(json, "secure_boot", NULL);
}

/* Is there an interrupt that goes through an IOMMU's remapping, or through an ITS? */
static void put_interrupts(struct json_out *json)
{
	FILE *file = fopen("/proc/interrupts", "re");
	bool remapped = false, its = false;
	char *line = NULL;
	size_t size = 0;

	json_open(json, "interrupts", '{');
	json_put_bool(json, "readable", file);
	while (file && getline(&line, &size, file) > 0) {
		remapped |= strstr(line, " IR-") != NULL;
		its |= strstr(line, "ITS-") != NULL;
	}
	json_put_bool(json, "remapped", remapped);
	json_put_bool(json, "its", its);
	json_close(json, '}');
	free(line);
	if (file)
		fclose(file);
}

void survey_host(struct json_out *json)
{
	put_kernel(json);
	put_process(json);
	put_memory(json);
	put_iommus(json);
	put_files(json);
	put_modules(json);
	put_services(json);
	put_security(json);
	put_interrupts(json);
}
