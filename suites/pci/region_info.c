// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_GET_REGION_INFO of a PCI device: where its regions lie in the file, how large they
 * are, and what may be done with them. sysfs says how large the BARs are in truth.
 */
#include "bound.h"

#define MINIMUM 32
_Static_assert(sizeof(struct vfio_region_info) == MINIMUM,
	       "the layout of struct vfio_region_info is ABI");

FIXTURE(region_info)
{
	struct bound bound;
};

FIXTURE_SETUP(region_info)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(region_info)
{
	bound_close(&self->bound);
}

/* The sizes of the BARs, as the kernel's own view of the device has them; 0: there is none. */
static void bar_sizes(uint64_t sizes[FUNCTION_BARS])
{
	unsigned long long start, end, flags;
	char path[2 * SYSFS_PATH], device[SYSFS_PATH];
	FILE *file;
	int i;

	sysfs_real_path(device);
	snprintf(path, sizeof(path), "%s/resource", device);
	file = fopen(path, "re");
	for (i = 0; i < FUNCTION_BARS; i++) {
		if (!file || fscanf(file, "%llx %llx %llx", &start, &end, &flags) != 3)
			cts_lab_error("%s can't be read", path);
		sizes[i] = end ? end - start + 1 : 0;
	}
	fclose(file);
}

CTS_TEST_F(region_info, of_bars,
	   .title = "Each BAR has the size that it has, and one that there isn't has no flags",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t both = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	uint64_t sizes[FUNCTION_BARS];
	uint32_t i;

	bar_sizes(sizes);
	for (i = 0; i < FUNCTION_BARS; i++) {
		const struct vfio_region_info *region = &self->bound.function.region[i];

		EXPECT_EQ(i, region->index);
		EXPECT_EQ(sizes[i], region->size) TH_LOG("BAR %u", i);
		EXPECT_EQ(sizes[i] ? both : 0, region->flags & (sizes[i] ? both : UINT32_MAX));
	}
}

CTS_TEST_F(region_info, of_configuration_space,
	   .title = "Configuration space can be read and written, and a ROM at most be read",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_region_info *config =
		&self->bound.function.region[VFIO_PCI_CONFIG_REGION_INDEX];
	const struct vfio_region_info *rom =
		&self->bound.function.region[VFIO_PCI_ROM_REGION_INDEX];

	EXPECT_TRUE(config->size == 256 || config->size == 4096);
	EXPECT_EQ(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE, config->flags);
	EXPECT_EQ(rom->size ? VFIO_REGION_INFO_FLAG_READ : 0, rom->flags);
}

CTS_TEST_F(region_info, argument_unreadable,
	   .title = "GET_REGION_INFO with an argument of which 32 bytes can't be read is EFAULT",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_CONFIG_REGION_INDEX };

	EXPECT_EQ(-EFAULT,
		  ask_unreadable(self->bound.device, VFIO_DEVICE_GET_REGION_INFO, &info, MINIMUM));
	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_GET_REGION_INFO,
			       read_only_page(&info, sizeof(info))));
}

CTS_TEST_F(region_info, argsz_too_small,
	   .title = "GET_REGION_INFO with an argsz below 32 ends in EINVAL and writes nothing",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_region_info info = { .index = VFIO_PCI_CONFIG_REGION_INDEX, .size = 0x5a };

	EXPECT_EQ(-EINVAL,
		  ask_too_small(self->bound.device, VFIO_DEVICE_GET_REGION_INFO, &info, MINIMUM));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(0x5a, info.size);
	EXPECT_EQ(0, info.offset);
}

CTS_TEST_F(region_info, index_too_high,
	   .title = "A region behind the last one is EINVAL",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_info device;
	struct vfio_region_info info;

	ASSERT_EQ(0, __vfio_info(self->bound.device, &device));
	EXPECT_EQ(0, __vfio_region_info(self->bound.device, VFIO_PCI_ROM_REGION_INDEX, &info));
	EXPECT_EQ(-EINVAL, __vfio_region_info(self->bound.device, device.num_regions, &info));
	EXPECT_EQ(-EINVAL, __vfio_region_info(self->bound.device, 0x7fffffff, &info));
	EXPECT_EQ(-EINVAL, __vfio_region_info(self->bound.device, UINT32_MAX, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(0, info.size);
}

CTS_TEST_F(region_info, no_vga,
	   .title = "A device that is no VGA adapter has no region of VGA: EINVAL",
	   .requirements = { "DEVINFO-002" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_region_info info;

	if (sysfs_number("class") == 0x030000)
		CTS_SKIP(DEVICE_LACKS, "the device is a VGA adapter");
	EXPECT_EQ(-EINVAL,
		  __vfio_region_info(self->bound.device, VFIO_PCI_VGA_REGION_INDEX, &info));
	EXPECT_EQ(0, info.flags);
}

CTS_TEST_F(region_info, regions_apart,
	   .title = "No two regions share an offset of the file",
	   .requirements = { "DEVINFO-004" },
	   .needs = CTS_NEED_CDEV)
{
	const struct vfio_region_info *region = self->bound.function.region;
	uint32_t i, j;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		EXPECT_LE(region[i].offset, region[i].offset + region[i].size);
		for (j = 0; j < i; j++) {
			if (!region[i].size || !region[j].size)
				continue;
			EXPECT_TRUE(region[i].offset + region[i].size <= region[j].offset ||
				    region[j].offset + region[j].size <= region[i].offset)
			TH_LOG("regions %u and %u", j, i);
		}
	}
}

CTS_TEST_F(region_info, offset_is_of_the_region,
	   .title = "What is read at the offset of configuration space is the device's ids",
	   .requirements = { "DEVINFO-004" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(sysfs_number("vendor") | sysfs_number("device") << 16,
		  function_config_read(&self->bound.function, 0, 4));
}

CTS_MAIN
