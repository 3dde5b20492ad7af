// SPDX-License-Identifier: GPL-2.0-only
/* How sysfs leads from a device to its node, and what the kernel wants of that node. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sysfs.h"
#include "test.h"

#define CLASS "/sys/class/vfio-dev"

FIXTURE(node)
{
	char path[SYSFS_PATH]; /* of the character device */
	const char *name;      /* "vfio0" */
};

FIXTURE_SETUP(node)
{
	CTS_CHECK_NEEDS();
	ASSERT_EQ(0, __sysfs_cdev_path(self->path));
	self->name = strrchr(self->path, '/') + 1;
}

FIXTURE_TEARDOWN(node)
{
	/* Nothing was opened. */
	(void)self;
}

/* The number in CLASS/@name/dev. */
static dev_t number_of(const char *name)
{
	unsigned int major_number = 0, minor_number = 0;
	char path[SYSFS_PATH];
	FILE *file;

	snprintf(path, sizeof(path), CLASS "/%.100s/dev", name);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%u:%u", &major_number, &minor_number) != 2)
		cts_lab_error("%s can't be read", path);
	fclose(file);
	return makedev(major_number, minor_number);
}

CTS_TEST_F(node, is_led_to,
	   .title = "sysfs leads from the device to its node, by the class too, and to no other",
	   .requirements = { "SYSFS-001" },
	   .needs = CTS_NEED_CDEV)
{
	char path[SYSFS_PATH], real[PATH_MAX], expected[PATH_MAX], device[SYSFS_PATH];
	const struct dirent *entry;
	unsigned int found = 0;
	struct stat node;
	DIR *class;

	/* The name comes from the device's directory; the class has the same one. */
	snprintf(path, sizeof(path), CLASS "/%.100s", self->name);
	sysfs_real_path(device);
	snprintf(expected, sizeof(expected), "%s/vfio-dev/%.100s", device, self->name);
	ASSERT_NE(NULL, realpath(path, real));
	EXPECT_STREQ(expected, real);

	ASSERT_EQ(0, stat(self->path, &node));
	EXPECT_TRUE(S_ISCHR(node.st_mode));
	EXPECT_EQ(node.st_rdev, number_of(self->name));

	class = opendir(CLASS);
	ASSERT_NE(NULL, class);
	while ((entry = readdir(class))) {
		if (entry->d_name[0] != '.' && number_of(entry->d_name) == node.st_rdev)
			found++;
	}
	closedir(class);
	EXPECT_EQ(1, found);
}

/*
 * The mode and owner that the kernel wants for a node are in its uevent, where they differ from
 * 0600 and root; what is there now may be the doing of udev.
 */
CTS_TEST_F(node, is_private,
	   .title = "A node of a device is root's alone as far as the kernel decides",
	   .requirements = { "SYSFS-002" },
	   .needs = CTS_NEED_CDEV)
{
	char path[SYSFS_PATH], line[SYSFS_PATH], name[SYSFS_PATH] = "";
	unsigned int mode = 0600, owner = 0, group = 0;
	FILE *file;

	snprintf(path, sizeof(path), CLASS "/%.100s/uevent", self->name);
	file = fopen(path, "re");
	ASSERT_NE(NULL, file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "DEVNAME=%200s", name);
		sscanf(line, "DEVMODE=%o", &mode);
		sscanf(line, "DEVUID=%u", &owner);
		sscanf(line, "DEVGID=%u", &group);
	}
	fclose(file);
	EXPECT_STREQ(self->path + strlen("/dev/"), name);
	EXPECT_EQ(0600, mode);
	EXPECT_EQ(0, owner);
	EXPECT_EQ(0, group);
}

CTS_MAIN
