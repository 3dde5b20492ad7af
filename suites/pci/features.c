// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_FEATURE: its arguments, shown by LOW_POWER_EXIT, which takes no data and does nothing
 * to a device that is awake, and by LOW_POWER_ENTRY_WITH_WAKEUP, which takes 8 bytes of data and
 * refuses these here; and what a device answers that hasn't got a feature.
 */
#include "bound.h"

#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

/* VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2, which headers before 7.3 lack. */
#define PRECOPY_INFO_V2 12

#define HEADER 8
_Static_assert(sizeof(struct vfio_device_feature) == HEADER,
	       "the layout of struct vfio_device_feature is ABI");

FIXTURE(features)
{
	struct bound bound;
};

FIXTURE_SETUP(features)
{
	CTS_CHECK_NEEDS();
	BOUND_OPEN_OR_SKIP(&self->bound);
}

FIXTURE_TEARDOWN(features)
{
	bound_close(&self->bound);
}

/* VFIO_DEVICE_FEATURE with @flags, which hold the feature too, and @size bytes of no data. */
static int feature(int device, uint32_t flags, uint32_t size)
{
	uint32_t args[64] = { HEADER + size, flags };

	memset(args + 2, 0xff, sizeof(args) - HEADER);
	return ask(device, VFIO_DEVICE_FEATURE, args);
}

#define FEATURE_OR_SKIP(which)                                                          \
	do {                                                                            \
		if (feature(self->bound.device, PROBE | SET | (which), 0) == -ENOTTY)   \
			CTS_SKIP(KERNEL_LACKS, "no feature %u", (unsigned int)(which)); \
	} while (0)

CTS_TEST_F(features, argument_unreadable,
	   .title = "VFIO_DEVICE_FEATURE of which 8 bytes can't be read ends in EFAULT",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t args[] = { HEADER, PROBE | SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT };

	EXPECT_EQ(-EFAULT, ask_unreadable(self->bound.device, VFIO_DEVICE_FEATURE, args, HEADER));
}

CTS_TEST_F(features, argsz_too_small,
	   .title = "VFIO_DEVICE_FEATURE with an argsz below 8 ends in EINVAL",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t args[] = { 0, PROBE | SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT };

	EXPECT_EQ(-EINVAL, ask_too_small(self->bound.device, VFIO_DEVICE_FEATURE, args, HEADER));
}

CTS_TEST_F(features, unknown_flags,
	   .title = "VFIO_DEVICE_FEATURE with a flag that doesn't exist ends in EINVAL",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t known = PROBE | SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT;
	unsigned int bit;

	FEATURE_OR_SKIP(VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	EXPECT_EQ(0, feature(self->bound.device, known, 0));
	/* The running kernel may know more than PROBE, bit 18. */
	for (bit = 24; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, feature(self->bound.device, known | 1U << bit, 0))
		TH_LOG("flag %#x", 1U << bit);
	}
}

CTS_TEST_F(features, one_operation,
	   .title = "GET with SET but without PROBE, and none of the three, end in EINVAL",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	FEATURE_OR_SKIP(VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	EXPECT_EQ(-EINVAL,
		  feature(self->bound.device, GET | SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 0));
	EXPECT_EQ(-EINVAL, feature(self->bound.device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 0));
	/* Before it is looked at which feature it is. */
	EXPECT_EQ(-EINVAL, feature(self->bound.device, GET | SET | 0xfffe, 0));
}

CTS_TEST_F(features, operation_that_isnt_there,
	   .title = "An operation that a feature hasn't ends in EINVAL, with PROBE too",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t exits = VFIO_DEVICE_FEATURE_LOW_POWER_EXIT;

	FEATURE_OR_SKIP(VFIO_DEVICE_FEATURE_LOW_POWER_EXIT);
	EXPECT_EQ(-EINVAL, feature(self->bound.device, GET | exits, 16));
	EXPECT_EQ(-EINVAL, feature(self->bound.device, PROBE | GET | exits, 16));
	EXPECT_EQ(-EINVAL, feature(self->bound.device, PROBE | GET | SET | exits, 16));
	EXPECT_EQ(0, feature(self->bound.device, SET | exits, 0));
}

CTS_TEST_F(features, data_too_short,
	   .title = "An argsz that doesn't hold a feature's data ends in EINVAL",
	   .requirements = { "FEAT-001" },
	   .needs = CTS_NEED_CDEV)
{
	const uint32_t entry = VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP;
	uint32_t args[] = { HEADER + 8, SET | entry };
	char *edge = inaccessible_page();
	uint32_t size;

	FEATURE_OR_SKIP(VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP);
	for (size = 0; size < sizeof(struct vfio_device_low_power_entry_with_wakeup); size++) {
		EXPECT_EQ(-EINVAL, feature(self->bound.device, SET | entry, size))
		TH_LOG("%u bytes", size);
	}
	/* Enough of it, but it can't be read. */
	memcpy(edge - HEADER, args, HEADER);
	EXPECT_EQ(-EFAULT, ask(self->bound.device, VFIO_DEVICE_FEATURE, edge - HEADER));
}

CTS_TEST_F(features, probe_does_nothing,
	   .title = "PROBE returns 0, looks at no data and does nothing",
	   .requirements = { "FEAT-005" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t tried[] = {
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
		VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
	};
	uint32_t *edge = inaccessible_page();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tried); i++) {
		FEATURE_OR_SKIP(tried[i]);
		edge[-2] = HEADER;
		edge[-1] = PROBE | SET | tried[i];
		EXPECT_EQ(0, ask(self->bound.device, VFIO_DEVICE_FEATURE, edge - 2));
		EXPECT_EQ(HEADER, edge[-2]);
		EXPECT_EQ(PROBE | SET | tried[i], edge[-1]);
	}
	/* It is awake: a device that was put into low power refuses a second entry. */
	EXPECT_EQ(0, feature(self->bound.device, SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, 0));
	EXPECT_EQ(0, feature(self->bound.device, SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, 0));
}

/* PROBE, GET and SET of @which, with data and without, all are ENOTTY. */
#define EXPECT_LACKED(which)                                                                      \
	do {                                                                                      \
		static const uint32_t __ways[] = { PROBE | GET, PROBE | SET, PROBE, GET, SET };   \
		size_t __i;                                                                       \
                                                                                                  \
		for (__i = 0; __i < ARRAY_SIZE(__ways); __i++) {                                  \
			EXPECT_EQ(-ENOTTY,                                                        \
				  feature(self->bound.device, __ways[__i] | (which), 200));       \
			EXPECT_EQ(-ENOTTY, feature(self->bound.device, __ways[__i] | (which), 0)) \
			TH_LOG("feature %u, flags %#x", (unsigned int)(which), __ways[__i]);      \
		}                                                                                 \
	} while (0)

static bool has(int device, uint32_t which)
{
	return feature(device, PROBE | GET | which, 0) == 0;
}

CTS_TEST_F(features, unknown,
	   .title = "A feature that nobody knows is ENOTTY",
	   .requirements = { "FEAT-002" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_LACKED(0xffff);
	EXPECT_LACKED(0x8000);
}

CTS_TEST_F(features, no_migration,
	   .title = "A device that can't migrate has none of the features of migration: ENOTTY",
	   .requirements = { "FEAT-002" },
	   .needs = CTS_NEED_CDEV)
{
	if (has(self->bound.device, VFIO_DEVICE_FEATURE_MIGRATION))
		CTS_SKIP(DEVICE_LACKS, "the device can migrate");
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_MIGRATION);
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE);
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_MIG_DATA_SIZE);
}

CTS_TEST_F(features, no_logging,
	   .title = "A device that doesn't log DMA answers ENOTTY to starting, stopping, reporting",
	   .requirements = { "FEAT-003" },
	   .needs = CTS_NEED_CDEV)
{
	if (feature(self->bound.device, PROBE | SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START, 0) ==
	    0)
		CTS_SKIP(DEVICE_LACKS, "the device logs DMA");
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_DMA_LOGGING_START);
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP);
	EXPECT_LACKED(VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT);
}

CTS_TEST_F(features, no_precopy,
	   .title = "What PROBE of the second pre-copy information answers without migration",
	   .requirements = { "FEAT-004" },
	   .needs = CTS_NEED_CDEV,
	   .kind = CTS_CHARACTERISATION)
{
	int answer = feature(self->bound.device, PROBE | SET | PRECOPY_INFO_V2, 0);

	if (has(self->bound.device, VFIO_DEVICE_FEATURE_MIGRATION))
		CTS_SKIP(DEVICE_LACKS, "the device can migrate");
	cts_record_fact("answer", "%s", answer ? strerror(-answer) : "0");
}

CTS_MAIN
