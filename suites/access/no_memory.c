// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binds that there is no memory for: each allocation within the call fails once. A refused one
 * leaves the file parked, no device in the iommufd and the group free.
 */
#include <stdio.h>
#include <unistd.h>

#include "bind.h"
#include "fail_nth.h"
#include "vfio_group.h"

/* Ids are small numbers. */
#define IDS 8

/* What must be so after each refusal, and how often it was not. */
struct parked {
	const FIXTURE_DATA(bind) * self;
	unsigned int wrong;
};

static void look(void *argument)
{
	struct parked *parked = argument;
	const FIXTURE_DATA(bind) *self = parked->self;
	uint64_t config = vfio_config_offset(&self->layout);
	bool right = true;
	char bytes[4];
	uint32_t id;

	right &= pread(self->device, bytes, sizeof(bytes), (off_t)config) < 0 && errno == EINVAL;
	for (id = 1; id <= IDS; id++)
		right &= __iommufd_find_device(self->iommufd, id) == -ENOENT;
	parked->wrong += !right;
}

CTS_TEST_F(bind, bind_without_memory,
	   .title = "A bind that there was no memory for leaves the file parked and no device in the iommufd, and then works",
	   .requirements = { "NOMEM-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_FAIL_NTH,
	   .timeout_s = 120)
{
	struct parked parked = { .self = self };

	WITHOUT_MEMORY(look, &parked, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0U, parked.wrong);
}

static void look_at_group(void *argument)
{
	unsigned int *wrong = argument;
	int group = __vfio_group_open();

	*wrong += group < 0 || !vfio_group_is_viable(group);
	cts_close(&group);
}

CTS_TEST_F(bind, group_without_memory,
	   .title = "A bind that there was no memory for leaves the group free, as its node tells",
	   .requirements = { "NOMEM-006" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP | CTS_NEED_FAIL_NTH,
	   .timeout_s = 120)
{
	unsigned int wrong = 0;

	WITHOUT_MEMORY(look_at_group, &wrong, __vfio_bind(self->device, self->iommufd, NULL));
	EXPECT_EQ(0U, wrong);
}

CTS_MAIN
