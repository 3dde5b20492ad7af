// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BAR that is smaller than a page can be mapped only by the page, and what else is in that page
 * is seen too. So it is offered where nobody else's is.
 */
#include <dirent.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "bar.h"

/* BARs and the ROM in the attribute `resource` of sysfs; behind them come windows of bridges. */
#define OWN_RESOURCES 7
#define RESOURCE_MEM 0x200 /* include/linux/ioport.h IORESOURCE_MEM */

struct place {
	uint64_t start;
	uint64_t last;
};

FIXTURE(small_bar)
{
	struct bound bound;
};

FIXTURE_SETUP(small_bar)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(small_bar)
{
	bound_close(&self->bound);
}

/* Where the memory of resource @index of function @bdf is; false if it has none. */
static bool find_place(const char *bdf, unsigned int index, struct place *place)
{
	char path[SYSFS_PATH], line[128] = "";
	uint64_t flags = 0;
	FILE *file;
	bool found;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.39s/resource", bdf);
	file = fopen(path, "re");
	cts_lab_require(file, "%s", path);
	do
		found = fgets(line, sizeof(line), file);
	while (found && index--);
	fclose(file);
	return found &&
	       sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &place->start, &place->last,
		      &flags) == 3 &&
	       flags & RESOURCE_MEM && place->start;
}

/* How many memory resources of any function there are in the page at @page. */
static unsigned int tenants(uint64_t page)
{
	const struct dirent *entry;
	DIR *functions = opendir("/sys/bus/pci/devices");
	unsigned int count = 0, i;
	struct place place;

	cts_lab_require(functions, "/sys/bus/pci/devices");
	while ((entry = readdir(functions))) {
		if (entry->d_name[0] == '.')
			continue;
		for (i = 0; i < OWN_RESOURCES; i++)
			count += find_place(entry->d_name, i, &place) &&
				 place.start < page + page_size() && place.last >= page;
	}
	closedir(functions);
	return count;
}

/* Does the BAR begin with the table of MSI-X, which reads as ones by the file and not by a mapping?
 */
static bool begins_with_table(const struct function *function, unsigned int bar)
{
	const uint32_t msix = function_capability(function, PCI_CAP_ID_MSIX);

	/* The offset is in units of 8 bytes, and the BAR in the bits below. */
	return msix && function_config_read(function, msix + PCI_MSIX_TABLE, 4) == bar;
}

CTS_TEST_F(small_bar, is_alone_in_its_page,
	   .title = "A BAR smaller than a page is mapped only where it is alone in its page and begins it; else mmap is EINVAL",
	   .requirements = { "REG-013" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_ROOT)
{
	const struct function *function = &self->bound.function;
	unsigned int found = 0, bar;
	uint32_t by_file, value = 0;
	struct place place;

	for (bar = 0; bar < FUNCTION_BARS; bar++) {
		const struct vfio_region_info *region = &function->region[bar];
		void *memory;

		if (!region->size || region->size >= page_size() ||
		    !find_place(sysfs_device(), bar, &place))
			continue;
		found++;
		memory = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, function->fd,
			      (off_t)region->offset);
		if (!(region->flags & VFIO_REGION_INFO_FLAG_MMAP)) {
			EXPECT_EQ(MAP_FAILED, memory);
			EXPECT_EQ(EINVAL, errno);
			continue;
		}
		ASSERT_NE(MAP_FAILED, memory);
		EXPECT_EQ(0, place.start % page_size()) TH_LOG("BAR %u", bar);
		EXPECT_EQ(1, tenants(place.start & ~((uint64_t)page_size() - 1)))
		TH_LOG("BAR %u", bar);
		if (!begins_with_table(function, bar) && !bar_read(function, bar, &by_file)) {
			EXPECT_EQ(0, mapping_read(memory, &value));
			EXPECT_EQ(by_file, value);
		}
		ASSERT_EQ(0, munmap(memory, page_size()));
	}
	if (!found)
		CTS_SKIP(DEVICE_LACKS, "no BAR of the device is smaller than a page");
}

CTS_MAIN
