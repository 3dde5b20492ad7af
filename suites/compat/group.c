// SPDX-License-Identifier: GPL-2.0-only
/* The group: in a container or not, and who may own the DMA of its devices. */
#include <fcntl.h>

#include "gates.h"
#include "opened.h"

#define SET (VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET)

#define EXPECT_STATUS(wanted, group)                                \
	do {                                                        \
		uint32_t __flags = 0;                               \
                                                                    \
		EXPECT_EQ(0, __vfio_group_status(group, &__flags)); \
		EXPECT_EQ((uint32_t)(wanted), __flags);             \
	} while (0)

CTS_TEST_F(opened, status,
	   .title = "A group says that it is viable, and whether it has a container",
	   .requirements = { "GROUP-004" },
	   .needs = NEEDS)
{
	EXPECT_STATUS(VFIO_GROUP_FLAGS_VIABLE, self->compat.group);
	vfio_group_set_container(self->compat.group, self->compat.container);
	EXPECT_STATUS(SET, self->compat.group);
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	EXPECT_STATUS(SET, self->compat.group);
	cts_close(&self->compat.device);
	EXPECT_STATUS(SET, self->compat.group);
	EXPECT_EQ(0, __vfio_group_unset_container(self->compat.group));
	EXPECT_STATUS(VFIO_GROUP_FLAGS_VIABLE, self->compat.group);
}

CTS_TEST_F(opened, status_argument,
	   .title = "VFIO_GROUP_GET_STATUS of less than its structure is EINVAL, of no memory EFAULT",
	   .requirements = { "GROUP-004" },
	   .needs = NEEDS)
{
	struct vfio_group_status status = { .argsz = sizeof(status) - 1, .flags = 0xff };
	char *end = (char *)guarded_page() + page_size();

	EXPECT_EQ(-1, ioctl(self->compat.group, VFIO_GROUP_GET_STATUS, &status));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0xff, status.flags);
	EXPECT_EQ(-1, ioctl(self->compat.group, VFIO_GROUP_GET_STATUS, end));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->compat.group, VFIO_GROUP_GET_STATUS, end - 4));
	EXPECT_EQ(EFAULT, errno);
	status.argsz = sizeof(status);
	EXPECT_EQ(-1, ioctl(self->compat.group, VFIO_GROUP_GET_STATUS,
			    read_only_page(&status, sizeof(status))));
	EXPECT_EQ(EFAULT, errno);
	memcpy(end - sizeof(status), &status, sizeof(status));
	EXPECT_EQ(0, ioctl(self->compat.group, VFIO_GROUP_GET_STATUS, end - sizeof(status)));
}

/* Files that are no container, each refused with EBADFD; the group is as free as before. */
static void judge_foreign(struct __test_metadata *_metadata, int group)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), device = vfio_open();
	int pipes[2];
	size_t i;

	ASSERT_LE(0, null);
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	{
		const int files[] = { null, device, pipes[0], pipes[1], group };

		for (i = 0; i < ARRAY_SIZE(files); i++) {
			EXPECT_EQ(-EBADFD, __vfio_group_set_container(group, files[i]))
			{
				TH_LOG("file %zu", i);
			}
		}
	}
	EXPECT_EQ(-EBADF, __vfio_group_set_container(group, -1));
	cts_close(&null);
	null = pipes[0];
	cts_close(&pipes[0]);
	EXPECT_EQ(-EBADF, __vfio_group_set_container(group, null));
	cts_close(&pipes[1]);
	cts_close(&device);
}

CTS_TEST_F(opened, foreign_files,
	   .title = "What is no container is EBADFD, what is no file EBADF; the group takes a container then",
	   .requirements = { "GROUP-003" },
	   .needs = NEEDS)
{
	judge_foreign(_metadata, self->compat.group);
	EXPECT_EQ(-1, ioctl(self->compat.group, VFIO_GROUP_SET_CONTAINER, inaccessible_page()));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_STATUS(VFIO_GROUP_FLAGS_VIABLE, self->compat.group);
	EXPECT_EQ(0, __vfio_group_set_container(self->compat.group, self->compat.container));
}

CTS_TEST_F(opened, one_container,
	   .title = "A group that has a container takes no other, of either kind, and keeps the one it has",
	   .requirements = { "GROUP-003" },
	   .needs = NEEDS)
{
	const enum container_mode modes[] = { CONTAINER_IOMMUFD, CONTAINER_VFIO };
	size_t i;

	vfio_group_set_container(self->compat.group, self->compat.container);
	EXPECT_EQ(-EINVAL, __vfio_group_set_container(self->compat.group, self->compat.container));
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int other = __container_open(modes[i]);

		if (other == -ENOENT)
			continue;
		EXPECT_EQ(-EINVAL, __vfio_group_set_container(self->compat.group, other));
		cts_close(&other);
	}
	EXPECT_STATUS(SET, self->compat.group);
	COMPAT_SET_IOMMU_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
}

CTS_TEST_F(opened, nothing_to_unset,
	   .title = "VFIO_GROUP_UNSET_CONTAINER of a group without one is EINVAL, at first and a second time",
	   .requirements = { "GROUP-005" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EINVAL, __vfio_group_unset_container(self->compat.group));
	vfio_group_set_container(self->compat.group, self->compat.container);
	EXPECT_EQ(0, __vfio_group_unset_container(self->compat.group));
	EXPECT_EQ(-EINVAL, __vfio_group_unset_container(self->compat.group));
	EXPECT_EQ(0, __vfio_group_set_container(self->compat.group, self->compat.container));
}

CTS_TEST_F(opened, unset_in_use,
	   .title = "A group whose device is open leaves the container of vfio with EBUSY; it may leave an iommufd, and the device works on",
	   .requirements = { "GROUP-005" },
	   .needs = NEEDS)
{
	struct vfio_layout layout;

	ASSERT_EQ(0, __vfio_survey(&layout));
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	EXPECT_EQ(either(&self->compat, -EBUSY, 0),
		  __vfio_group_unset_container(self->compat.group));
	EXPECT_EQ(0, gate_ioctl.use(self->compat.device, &layout));
	EXPECT_EQ(0, gate_read.use(self->compat.device, &layout));
	if (self->compat.native) {
		EXPECT_STATUS(SET, self->compat.group);
		cts_close(&self->compat.device);
		EXPECT_EQ(0, __vfio_group_unset_container(self->compat.group));
	}
}

CTS_TEST_F(opened, last_group_leaves,
	   .title = "When its last group leaves, the container of vfio forgets backend and mappings; an iommufd keeps its IOAS",
	   .requirements = { "GROUP-006" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	uint64_t iova, size = page_size();
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, 1);

	COMPAT_SET_OR_SKIP(compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(compat);
	iova = iova_alloc(&compat->space, page_size(), page_size());
	container_map(compat->container, memory, page_size(), iova);
	cts_close(&compat->device);
	ASSERT_EQ(0, __vfio_group_unset_container(compat->group));

	EXPECT_EQ(either(compat, -EINVAL, -EEXIST),
		  __container_map(compat->container, memory, page_size(), iova));
	EXPECT_EQ(either(compat, -EINVAL, 0),
		  __container_set_iommu(compat->container, VFIO_TYPE1v2_IOMMU));
	vfio_group_set_container(compat->group, compat->container);
	EXPECT_EQ(0, __container_set_iommu(compat->container, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, __container_unmap(compat->container, iova, &size));
	EXPECT_EQ(compat->native ? 0 : page_size(), size);
}

CTS_TEST_F(opened, one_open,
	   .title = "A group can be opened once at a time, and again when all of it is closed",
	   .requirements = { "GROUP-007" },
	   .needs = NEEDS)
{
	int group;

	EXPECT_EQ(-EBUSY, __vfio_group_open());
	COMPAT_SET_OR_SKIP(&self->compat, VFIO_TYPE1v2_IOMMU);
	compat_open_device(&self->compat);
	EXPECT_EQ(-EBUSY, __vfio_group_open());
	cts_close(&self->compat.device);
	cts_close(&self->compat.group);
	group = __vfio_group_open();
	ASSERT_LE(0, group);
	EXPECT_STATUS(VFIO_GROUP_FLAGS_VIABLE, group);
	cts_close(&group);
}

CTS_TEST_F(opened, unknown_requests,
	   .title = "A group answers ENOTTY to what it doesn't know",
	   .requirements = { "GROUP-007" },
	   .needs = NEEDS)
{
	char *argument = guarded_page();
	unsigned int i;

	for (i = 0; i < 256; i++) {
		switch (_IO(VFIO_TYPE, i)) {
		case VFIO_GROUP_GET_STATUS:
		case VFIO_GROUP_SET_CONTAINER:
		case VFIO_GROUP_UNSET_CONTAINER:
		case VFIO_GROUP_GET_DEVICE_FD:
			continue;
		}
		EXPECT_EQ(-1, ioctl(self->compat.group, _IO(VFIO_TYPE, i), argument));
		EXPECT_EQ(ENOTTY, errno)
		{
			TH_LOG("number %u", i);
		}
	}
	EXPECT_STATUS(VFIO_GROUP_FLAGS_VIABLE, self->compat.group);
}

CTS_MAIN
