// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chains of capabilities that VFIO_DEVICE_GET_INFO and GET_REGION_INFO end in: told of where
 * there is no room for them, and nowhere but in the room that there is.
 */
#include "bound.h"

#define ROOM 4096
#define CANARY 0x5a

/* One of the two requests, as far as capabilities go. */
struct question {
	unsigned long request;
	uint32_t size; /* of the argument without capabilities, bytes */
	size_t cap_offset;
	uint32_t flag; /* says that there are capabilities, in the second word */
};

static const struct question device_info = {
	.request = VFIO_DEVICE_GET_INFO,
	.size = sizeof(struct vfio_device_info),
	.cap_offset = offsetof(struct vfio_device_info, cap_offset),
	.flag = VFIO_DEVICE_FLAGS_CAPS,
};

static const struct question region_info = {
	.request = VFIO_DEVICE_GET_REGION_INFO,
	.size = sizeof(struct vfio_region_info),
	.cap_offset = offsetof(struct vfio_region_info, cap_offset),
	.flag = VFIO_REGION_INFO_FLAG_CAPS,
};

FIXTURE(capabilities)
{
	struct bound bound;
	uint32_t args[ROOM / sizeof(uint32_t)];
};

FIXTURE_SETUP(capabilities)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(capabilities)
{
	bound_close(&self->bound);
}

/* Asks for what is known as @index with room for @argsz bytes; what was in @args is gone. */
static int query(int device, const struct question *question, uint32_t index, uint32_t *args,
		 uint32_t argsz)
{
	memset(args, CANARY, ROOM);
	memset(args, 0, question->size);
	args[0] = argsz;
	if (question == &region_info)
		((struct vfio_region_info *)args)->index = index;
	return ask(device, question->request, args);
}

static bool untouched_from(const uint32_t *args, uint32_t from)
{
	const uint8_t *bytes = (const uint8_t *)args;

	for (; from < ROOM; from++) {
		if (bytes[from] != CANARY)
			return false;
	}
	return true;
}

static uint32_t cap_offset(const struct question *question, const uint32_t *args)
{
	return args[question->cap_offset / sizeof(uint32_t)];
}

/*
 * Does a chain within @argsz bytes begin at @offset and come to an end? The version of every
 * capability that there is so far is 1.
 */
static bool chain_holds(const uint32_t *args, uint32_t offset, uint32_t smallest, uint32_t argsz)
{
	struct vfio_info_cap_header header;
	uint32_t links;

	for (links = 0; offset && links < ROOM / sizeof(header); links++) {
		if (offset < smallest || offset + sizeof(header) > argsz)
			return false;
		memcpy(&header, (const char *)args + offset, sizeof(header));
		if (header.version != 1)
			return false;
		offset = header.next;
	}
	return links && !offset;
}

/* What is promised of the capabilities of @index; false if there are none. */
static bool check(struct __test_metadata *_metadata, FIXTURE_DATA(capabilities) * self,
		  const struct question *question, uint32_t index)
{
	int device = self->bound.device;
	uint32_t needed, *args = self->args;

	if (query(device, question, index, args, question->size))
		return false;
	EXPECT_TRUE(untouched_from(args, question->size));
	if (!(args[1] & question->flag)) {
		EXPECT_EQ(question->size, args[0]);
		return false;
	}
	needed = args[0];
	EXPECT_LT(question->size, needed);
	EXPECT_GE(ROOM, needed);
	EXPECT_EQ(0, cap_offset(question, args));

	/* A byte too few. */
	EXPECT_EQ(0, query(device, question, index, args, needed - 1));
	EXPECT_EQ(needed, args[0]);
	EXPECT_EQ(0, cap_offset(question, args));
	EXPECT_TRUE(untouched_from(args, question->size));

	/* Just enough, and more than that. */
	EXPECT_EQ(0, query(device, question, index, args, needed));
	EXPECT_TRUE(chain_holds(args, cap_offset(question, args), question->size, needed));
	EXPECT_TRUE(untouched_from(args, needed));
	EXPECT_EQ(0, query(device, question, index, args, ROOM));
	EXPECT_TRUE(chain_holds(args, cap_offset(question, args), question->size, needed));
	EXPECT_TRUE(untouched_from(args, needed));
	return true;
}

CTS_TEST_F(capabilities, of_regions,
	   .title = "Capabilities of regions are told, and given where there is room for them",
	   .requirements = { "DEVINFO-003" },
	   .needs = CTS_NEED_CDEV)
{
	unsigned int regions = 0;
	uint32_t i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		regions += check(_metadata, self, &region_info, i);
	}
	if (!regions)
		CTS_SKIP(DEVICE_LACKS, "no region of the device has capabilities");
}

CTS_TEST_F(capabilities, of_the_device,
	   .title = "Capabilities of a device are told, and given where there is room for them",
	   .requirements = { "DEVINFO-003" },
	   .needs = CTS_NEED_CDEV)
{
	if (!check(_metadata, self, &device_info, 0))
		CTS_SKIP(DEVICE_LACKS, "the device has no capabilities of VFIO_DEVICE_GET_INFO");
}

CTS_TEST_F(capabilities, unwritable_chain,
	   .title = "A chain for which argsz claims room that can't be written ends in EFAULT",
	   .requirements = { "DEVINFO-003" },
	   .needs = CTS_NEED_CDEV)
{
	char *args = (char *)inaccessible_page() - region_info.size;
	bool found = false;
	uint32_t i;

	for (i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		struct vfio_region_info info = { .argsz = ROOM, .index = i };

		if (query(self->bound.device, &region_info, i, self->args, region_info.size) ||
		    !(self->args[1] & region_info.flag))
			continue;
		memcpy(args, &info, sizeof(info));
		EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_GET_REGION_INFO, args));
		found = true;
	}
	if (!found)
		CTS_SKIP(DEVICE_LACKS, "no region of the device has capabilities");
}

CTS_MAIN
