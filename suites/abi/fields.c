// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel doesn't know it refuses: a reserved field that is not zero, a flag or a type without
 * a meaning. EOPNOTSUPP says so, and nothing has happened. Only so can the field or the flag mean
 * something one day. What looks first which objects it is asked about would answer ENOENT.
 */
#include "calls.h"

struct place {
	const struct call *call;
	size_t offset, length; /* of the field, bytes */
	uint32_t known;	       /* bits that have a meaning, or that aren't judged here */
};

/* Puts @value into the field and calls. */
static int call_with_field(int iommufd, const struct place *place, size_t at, const void *value,
			   size_t length)
{
	union arguments arguments = place->call->valid;

	memcpy(&arguments.bytes[place->offset + at], value, length);
	arguments.size = (uint32_t)place->call->size;
	return call_at(iommufd, place->call, &arguments);
}

#define OFFSET(call, field) offsetof(union arguments, call.field)
#define LENGTH(call, field) sizeof(((union arguments *)0)->call.field)

FIXTURE(reserved)
{
	int iommufd;
	int answer;
	uint32_t next;
};

FIXTURE_VARIANT(reserved)
{
	struct place place;
};

#define RESERVED(name)                                                                            \
	FIXTURE_VARIANT_ADD(reserved, name)                                                       \
	{                                                                                         \
		.place = { &call_##name, OFFSET(name, __reserved), LENGTH(name, __reserved), 0 }, \
	}

RESERVED(get_hw_info);
RESERVED(hwpt_alloc);
RESERVED(hwpt_get_dirty_bitmap);
RESERVED(hwpt_invalidate);
RESERVED(ioas_allow_iovas);
#ifdef IOMMU_IOAS_CHANGE_PROCESS
RESERVED(ioas_change_process);
#endif
RESERVED(ioas_iova_ranges);
RESERVED(ioas_map);
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
RESERVED(ioas_noiommu_get_pa);
#endif
RESERVED(option);
#ifdef IOMMU_VEVENTQ_ALLOC
RESERVED(veventq_alloc);
#endif
RESERVED(vfio_ioas);

FIXTURE_SETUP(reserved)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	CALL_ANSWER_OR_SKIP(self->iommufd, variant->place.call, &self->answer);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(reserved)
{
	cts_close(&self->iommufd);
}

CTS_TEST_F(reserved, not_zero,
	   .title = "A reserved field that is not zero is EOPNOTSUPP",
	   .requirements = { "ABI-008" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint8_t values[] = { 1, 0x80 };
	size_t i, at;

	for (at = 0; at < variant->place.length; at++) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			EXPECT_EQ(-EOPNOTSUPP, call_with_field(self->iommufd, &variant->place, at,
							       &values[i], 1))
			TH_LOG("%#x in byte %zu of the field", values[i], at);
		}
	}
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
	EXPECT_EQ(self->answer, call_with_size(self->iommufd, variant->place.call,
					       (uint32_t)variant->place.call->size));
}

FIXTURE(flags)
{
	int iommufd;
	int answer;
	uint32_t next;
};

FIXTURE_VARIANT(flags)
{
	struct place place;
};

#define FLAGS(name, bits)                                                                  \
	FIXTURE_VARIANT_ADD(flags, name)                                                   \
	{                                                                                  \
		.place = { &call_##name, OFFSET(name, flags), LENGTH(name, flags), bits }, \
	}

#define MAP_FLAGS (IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)
/* Has a meaning in a kernel with CONFIG_IOMMUFD_TEST. */
#define TEST_FLAG (1U << 16)

#ifdef IOMMU_FAULT_QUEUE_ALLOC
FLAGS(fault_queue_alloc, 0);
#endif
FLAGS(get_hw_info, HW_INFO_INPUT_TYPE);
#ifdef IOMMU_HW_QUEUE_ALLOC
FLAGS(hw_queue_alloc, 0);
#endif
FLAGS(hwpt_get_dirty_bitmap, IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
FLAGS(hwpt_set_dirty_tracking, IOMMU_HWPT_DIRTY_TRACKING_ENABLE);
FLAGS(ioas_alloc, 0);
FLAGS(ioas_copy, MAP_FLAGS | TEST_FLAG);
FLAGS(ioas_map, MAP_FLAGS | TEST_FLAG);
#ifdef IOMMU_IOAS_MAP_FILE
FLAGS(ioas_map_file, MAP_FLAGS);
#endif
#ifdef IOMMU_IOAS_NOIOMMU_GET_PA
FLAGS(ioas_noiommu_get_pa, 0);
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
FLAGS(veventq_alloc, 0);
#endif
#ifdef IOMMU_VIOMMU_ALLOC
FLAGS(viommu_alloc, 0);
#endif

FIXTURE_SETUP(flags)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	CALL_ANSWER_OR_SKIP(self->iommufd, variant->place.call, &self->answer);
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(flags)
{
	cts_close(&self->iommufd);
}

CTS_TEST_F(flags, unknown,
	   .title = "A flag without a meaning is EOPNOTSUPP",
	   .requirements = { "ABI-009" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint32_t flags, bit;

	for (bit = 1; bit; bit <<= 1) {
		if (bit & variant->place.known)
			continue;
		memcpy(&flags, &variant->place.call->valid.bytes[variant->place.offset],
		       sizeof(flags));
		flags |= bit;
		EXPECT_EQ(-EOPNOTSUPP,
			  call_with_field(self->iommufd, &variant->place, 0, &flags, sizeof(flags)))
		TH_LOG("flags %#x", flags);
	}
	EXPECT_EQ(self->next, next_object_id(self->iommufd));
	EXPECT_EQ(self->answer, call_with_size(self->iommufd, variant->place.call,
					       (uint32_t)variant->place.call->size));
}

FIXTURE(choice)
{
	int iommufd;
	int answer;
};

FIXTURE_VARIANT(choice)
{
	struct place place;
	uint32_t values[2]; /* that the kernel doesn't know */
};

#define CHOICE(name, call, field, first, second)                                        \
	FIXTURE_VARIANT_ADD(choice, name)                                               \
	{                                                                               \
		.place = { &call_##call, OFFSET(call, field), LENGTH(call, field), 0 }, \
		.values = { first, second },                                            \
	}

CHOICE(option_id, option, option_id, 0x7fff, 0xffff);
CHOICE(vfio_ioas_operation, vfio_ioas, op, 3, 0xffff);
/* Type 0 is reserved. What other types there are is the IOMMU's to say. */
#ifdef IOMMU_VIOMMU_ALLOC
CHOICE(viommu_type, viommu_alloc, type, 0, 0);
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
CHOICE(veventq_type, veventq_alloc, type, 0, 0);
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
CHOICE(hw_queue_type, hw_queue_alloc, type, 0, 0);
#endif

FIXTURE_SETUP(choice)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	CALL_ANSWER_OR_SKIP(self->iommufd, variant->place.call, &self->answer);
}

FIXTURE_TEARDOWN(choice)
{
	cts_close(&self->iommufd);
}

CTS_TEST_F(choice, unknown,
	   .title = "A type, an option or an operation that the kernel doesn't know is EOPNOTSUPP",
	   .requirements = { "ABI-013" },
	   .needs = CTS_NEED_IOMMUFD)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(variant->values); i++) {
		EXPECT_EQ(-EOPNOTSUPP, call_with_field(self->iommufd, &variant->place, 0,
						       &variant->values[i], variant->place.length))
		TH_LOG("value %#x", variant->values[i]);
	}
	EXPECT_EQ(self->answer, call_with_size(self->iommufd, variant->place.call,
					       (uint32_t)variant->place.call->size));
}

CTS_MAIN
