// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a mediated device is to iommufd: something that uses an IOAS, and no hardware. So its id is
 * good for no request that wants a device, and it is attached to an IOAS itself, never to a table.
 */
#include "../pasid/calls.h"
#include "gates.h"
#include "mediated.h"
#include "mock.h"

/* Ids that an iommufd with a handful of objects gives away. */
#define IDS 64

CTS_TEST_F(mediated, id_names_no_hardware,
	   .title = "The id that bind returns is no device's to requests that want hardware: ENOENT",
	   .requirements = { "MDEV-001" },
	   .needs = NEEDS)
{
	uint32_t hwpt;

	EXPECT_NE(0, self->id);
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, self->id));
	EXPECT_EQ(-ENOENT, __iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas, &hwpt));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-ENOENT, __iommufd_hw_info(self->iommufd, self->id));
	EXPECT_EQ(-ENOENT, __iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas, &hwpt));
}

CTS_TEST_F(mediated, id_is_not_destroyed,
	   .title = "IOMMU_DESTROY of a bound device's id ends in EBUSY, attached or not; after the close there is none",
	   .requirements = { "MDEV-008" },
	   .needs = NEEDS)
{
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->id));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->id));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, gate_read.use(self->device, &self->layout));
	cts_close(&self->device);
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, self->id));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mediated, attached_to_the_ioas,
	   .title = "Attach leaves the IOAS's id as what the device came to, and makes no object",
	   .requirements = { "MDEV-002" },
	   .needs = NEEDS)
{
	uint32_t pt = self->ioas, id;

	EXPECT_EQ(0, __vfio_attach(self->device, &pt));
	EXPECT_EQ(self->ioas, pt);
	EXPECT_EQ(0, __vfio_attach(self->device, &pt));
	EXPECT_EQ(self->ioas, pt);
	for (id = 1; id < IDS; id++) {
		if (id == self->ioas || id == self->id)
			continue;
		EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, id)) TH_LOG("id %u", id);
	}
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
}

/* Attach to @id, which is no IOAS, while attached to nothing and while attached to the IOAS. */
static void judge_refused(struct __test_metadata *_metadata, FIXTURE_DATA(mediated) * self,
			  uint32_t id)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	EXPECT_EQ(-ENOENT, try_attach(self->device, id)) TH_LOG("to %u", id);
	EXPECT_EQ(0, try_attach(self->device, other));
	EXPECT_EQ(-ENOENT, try_attach(self->device, id)) TH_LOG("from an IOAS to %u", id);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, other));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
}

CTS_TEST_F(mediated, attached_to_nothing_else,
	   .title = "Attach to the device's own id, to 0 or to one that nothing has ends in ENOENT, and what it is attached to stays",
	   .requirements = { "MDEV-003" },
	   .needs = NEEDS)
{
	judge_refused(_metadata, self, self->id);
	judge_refused(_metadata, self, 0);
	judge_refused(_metadata, self, NO_ID);
}

CTS_TEST_F(mediated, attached_to_no_table,
	   .title = "Attach to an HWPT ends in ENOENT, and what it is attached to stays",
	   .requirements = { "MDEV-003" },
	   .needs = NEEDS | CTS_NEED_MOCK)
{
	struct mock mock;

	mock_open(self->iommufd, self->ioas, MOCK_PLAIN, &mock);
	judge_refused(_metadata, self, mock.hwpt);
	judge_refused(_metadata, self, mock.device);
	/* Beside a table it can be attached to what that is on. */
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	mock_close(self->iommufd, &mock);
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mediated, replaced_and_detached,
	   .title = "Attach moves it from one IOAS to the other, and the one that it has left can be destroyed; detach is 0 at all times",
	   .requirements = { "MDEV-004" },
	   .needs = NEEDS)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);

	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, try_attach(self->device, other));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, other));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, other));
}

CTS_TEST_F(mediated, closed_while_attached,
	   .title = "The last close of an attached device leaves its IOAS to others",
	   .requirements = { "MDEV-011" },
	   .needs = NEEDS)
{
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	cts_close(&self->device);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

CTS_TEST_F(mediated, no_pasid,
	   .title = "Attach and detach of a PASID end in EOPNOTSUPP, also when argsz ends before it, and change nothing",
	   .requirements = { "PASID-006" },
	   .needs = NEEDS)
{
	const struct pasid_attach attach = { 12, WITH_PASID, self->ioas, 1 };
	const struct pasid_detach detach = { 8, WITH_PASID, 1 };
	struct pasid_attach attach_short = attach;
	struct pasid_detach detach_short = detach;

	EXPECT_EQ(-EOPNOTSUPP, pasid_attach(self->device, 1, self->ioas));
	EXPECT_EQ(-EOPNOTSUPP, pasid_attach(self->device, 0, self->ioas));
	EXPECT_EQ(-EOPNOTSUPP, attach_raw(self->device, &attach_short));
	EXPECT_EQ(-EOPNOTSUPP, pasid_detach(self->device, 1));
	EXPECT_EQ(-EOPNOTSUPP, detach_raw(self->device, &detach_short));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(-EOPNOTSUPP, pasid_detach(self->device, 0));
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, self->ioas));
}

static uint64_t alignment_of(int iommufd, uint32_t ioas)
{
	uint64_t alignment;
	uint32_t ranges;

	free(iommufd_iova_ranges(iommufd, ioas, &ranges, &alignment));
	return alignment;
}

CTS_TEST_F(mediated, whole_pages,
	   .title = "While it is attached an IOAS takes whole pages only, and one that has others doesn't take it: EADDRINUSE",
	   .requirements = { "MDEV-009" },
	   .needs = NEEDS)
{
	uint32_t other = iommufd_ioas_alloc(self->iommufd);
	const size_t part = self->page / 2;

	EXPECT_EQ(1, alignment_of(self->iommufd, self->ioas));
	EXPECT_EQ(0, try_attach(self->device, self->ioas));
	EXPECT_EQ(self->page, alignment_of(self->iommufd, self->ioas));
	EXPECT_EQ(-EINVAL,
		  __iommufd_map(self->iommufd, self->ioas, self->memory, part, self->iova));
	EXPECT_EQ(-EINVAL, __iommufd_map(self->iommufd, self->ioas, self->memory, self->page,
					 self->iova + part));
	EXPECT_EQ(0,
		  __iommufd_map(self->iommufd, self->ioas, self->memory, self->page, self->iova));

	EXPECT_EQ(0, __iommufd_map(self->iommufd, other, self->memory, part, self->iova));
	EXPECT_EQ(-EADDRINUSE, try_attach(self->device, other));
	EXPECT_EQ(1, alignment_of(self->iommufd, other));
	/* It has stayed where it was. */
	EXPECT_EQ(-EBUSY, __iommufd_destroy(self->iommufd, self->ioas));
	iommufd_unmap(self->iommufd, other, self->iova, part);
	EXPECT_EQ(0, try_attach(self->device, other));
	EXPECT_EQ(1, alignment_of(self->iommufd, self->ioas));
	EXPECT_EQ(0, __vfio_detach(self->device));
	EXPECT_EQ(1, alignment_of(self->iommufd, other));
}

CTS_MAIN
