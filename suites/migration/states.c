// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of a device that can be migrated: from each to each other, by the rules of enum
 * vfio_device_mig_state in include/uapi/linux/vfio.h. Any state can be asked for from any other, but
 * for ERROR, and for a way back from STOP_COPY to the states in which the device runs and is saved.
 */
#include "migration.h"

/* Does the device have it? The states of P2P and PRE_COPY are optional. */
static bool has_state(const FIXTURE_DATA(migration) * self, uint32_t state)
{
	switch (state) {
	case RUNNING_P2P:
		return self->flags & VFIO_MIGRATION_P2P;
	case PRE_COPY:
		return self->flags & VFIO_MIGRATION_PRE_COPY;
	case PRE_COPY_P2P:
		return self->flags & VFIO_MIGRATION_P2P && self->flags & VFIO_MIGRATION_PRE_COPY;
	}
	return true;
}

/* Those that share a file of what is saved. */
static bool saves(uint32_t state)
{
	return state == PRE_COPY || state == PRE_COPY_P2P || state == STOP_COPY;
}

static bool is_refused(const FIXTURE_DATA(migration) * self, uint32_t from, uint32_t to)
{
	return to == ERROR || !has_state(self, to) ||
	       (from == STOP_COPY && (to == PRE_COPY || to == PRE_COPY_P2P));
}

/* Does the move begin a file? */
static bool begins_file(uint32_t from, uint32_t to)
{
	return from != to && (to == RESUMING || (saves(to) && !saves(from)));
}

/* The device, running, to @state; what it resumes from is what was saved. */
static int go_to(FIXTURE_DATA(migration) * self, uint32_t state)
{
	int rc;

	if (ioctl(self->device, VFIO_DEVICE_RESET))
		return -errno;
	rc = move(self, state);
	if (!rc && state == RESUMING && !load(self, self->length))
		return -EIO;
	return rc;
}

CTS_TEST_F(migration, from_each_to_each,
	   .title = "A device that can be migrated goes from each state to each that is allowed from there, with a file just where one begins, and stays where it isn't",
	   .requirements = { "FEAT-009" },
	   .needs = NEEDS)
{
	uint32_t from, to;

	ASSERT_EQ(0, move(self, STOP_COPY));
	ASSERT_TRUE(save(self));
	for (from = STOP; from < STATES; from++) {
		if (!has_state(self, from))
			continue;
		for (to = ERROR; to < STATES; to++) {
			bool refused = is_refused(self, from, to);
			int file, rc;

			ASSERT_EQ(0, go_to(self, from));
			rc = set_state(self->device, to, &file);
			EXPECT_EQ(refused ? -EINVAL : 0, rc) TH_LOG("from %u to %u", from, to);
			EXPECT_EQ(!refused && begins_file(from, to), file >= 0)
			TH_LOG("from %u to %u: file %d", from, to, file);
			EXPECT_EQ((int)(refused ? from : to), get_state(self->device))
			TH_LOG("from %u to %u", from, to);
			if (file >= 0)
				cts_close(&file);
		}
	}
}

CTS_TEST_F(migration, no_such_state,
	   .title = "A state that doesn't exist is EINVAL, and the device stays in its own",
	   .requirements = { "FEAT-009" },
	   .needs = NEEDS)
{
	const uint32_t states[] = { 64, 1U << 16, INT32_MAX, 1U << 31, UINT32_MAX };
	size_t i;
	int file;

	ASSERT_EQ(0, move(self, STOP));
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		EXPECT_EQ(-EINVAL, set_state(self->device, states[i], &file));
		EXPECT_EQ(-1, file);
		EXPECT_EQ(STOP, get_state(self->device));
	}
}

CTS_TEST_F(migration, reset,
	   .title = "A reset brings a device that can be migrated from any of its states to the one in which it runs",
	   .requirements = { "MIG-005" },
	   .needs = NEEDS)
{
	uint32_t from;
	char byte = 0;

	for (from = STOP; from < STATES; from++) {
		if (!has_state(self, from))
			continue;
		ASSERT_EQ(0, move(self, from));
		EXPECT_EQ((int)from, get_state(self->device));
		ASSERT_EQ(0, ioctl(self->device, VFIO_DEVICE_RESET));
		EXPECT_EQ(RUNNING, get_state(self->device)) TH_LOG("from %u", from);
		if (self->file < 0)
			continue;
		EXPECT_EQ(-1,
			  saves(from) ? read(self->file, &byte, 1) : write(self->file, &byte, 1));
	}
}

CTS_MAIN
