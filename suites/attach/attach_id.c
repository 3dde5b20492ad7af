// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a device can be attached to: an IOAS, for which the kernel makes or finds a table, or an
 * HWPT. Every other id is refused, and whatever the device was attached to before stays so. Each
 * refusal is tried on a device that isn't attached and on one that is: there it would be a replace.
 */
#include "attach.h"

FIXTURE(wrong_id)
{
	struct vfio_layout layout;
	int iommufd;
	int device;
	uint32_t id;
	uint32_t ioas;
};

FIXTURE_VARIANT(wrong_id)
{
	bool attached;
};

FIXTURE_VARIANT_ADD(wrong_id, attach)
{
	.attached = false,
};
FIXTURE_VARIANT_ADD(wrong_id, replace)
{
	.attached = true,
};

FIXTURE_SETUP(wrong_id)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->iommufd = iommufd_open();
	self->device = vfio_open();
	self->id = vfio_bind(self->device, self->iommufd);
	self->ioas = iommufd_ioas_alloc(self->iommufd);
	if (variant->attached)
		vfio_attach(self->device, self->ioas);
}

FIXTURE_TEARDOWN(wrong_id)
{
	cts_close(&self->device);
	cts_close(&self->iommufd);
}

/* The id is refused with @error, is left in the argument, and nothing has changed. */
#define EXPECT_REFUSED(error, wrong)                                \
	do {                                                        \
		struct vfio_device_attach_iommufd_pt __args = {     \
			.argsz = sizeof(__args),                    \
			.pt_id = wrong,                             \
		};                                                  \
                                                                    \
		EXPECT_EQ(error, attach_raw(self->device, &__args)) \
		TH_LOG("id %u", wrong);                             \
		EXPECT_EQ(wrong, __args.pt_id);                     \
	} while (0)

/* The device is attached to its IOAS as the variant says, and to nothing else. */
#define EXPECT_UNCHANGED() \
	EXPECT_EQ(variant->attached ? -EBUSY : 0, __iommufd_destroy(self->iommufd, self->ioas))

CTS_TEST_F(wrong_id, never_used,
	   .title = "Ids that were never handed out are ENOENT",
	   .requirements = { "ATT-006" },
	   .needs = CTS_NEED_CDEV)
{
	static const uint32_t ids[] = { 0, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		EXPECT_REFUSED(-ENOENT, ids[i]);
	EXPECT_UNCHANGED();
}

CTS_TEST_F(wrong_id, destroyed,
	   .title = "The id of an IOAS or HWPT that was destroyed is ENOENT",
	   .requirements = { "ATT-006" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t ioas = iommufd_ioas_alloc(self->iommufd);
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);

	ASSERT_EQ(0, __iommufd_destroy(self->iommufd, ioas));
	ASSERT_EQ(0, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_REFUSED(-ENOENT, ioas);
	EXPECT_REFUSED(-ENOENT, hwpt);
	EXPECT_UNCHANGED();
}

CTS_TEST_F(wrong_id, of_another_iommufd,
	   .title = "An id that only another iommufd knows is ENOENT",
	   .requirements = { "ATT-006" },
	   .needs = CTS_NEED_CDEV)
{
	int other = iommufd_open();
	uint32_t foreign;

	/* Each context counts from 1, so go on until the number is new to the device's own. */
	do {
		foreign = iommufd_ioas_alloc(other);
	} while (foreign <= self->ioas + 8);
	EXPECT_REFUSED(-ENOENT, foreign);
	EXPECT_UNCHANGED();
	EXPECT_EQ(0, __iommufd_destroy(other, foreign));
	cts_close(&other);
}

CTS_TEST_F(wrong_id, device,
	   .title = "The device's own id is EINVAL",
	   .requirements = { "ATT-007" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_REFUSED(-EINVAL, self->id);
	EXPECT_EQ(0, __iommufd_hw_info(self->iommufd, self->id));
	EXPECT_UNCHANGED();
}

CTS_TEST_F(wrong_id, fault_queue,
	   .title = "The id of a fault queue is EINVAL",
	   .requirements = { "ATT-007" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t queue = 0;
	int fd = -1;

	FAULT_QUEUE_OR_SKIP(self->iommufd, &queue, &fd);
	EXPECT_REFUSED(-EINVAL, queue);
	cts_close(&fd);
	EXPECT_EQ(0, __iommufd_destroy(self->iommufd, queue));
	EXPECT_UNCHANGED();
}

CTS_TEST_F(attach, to_ioas,
	   .title = "Attach to an IOAS returns another id, that of the table it made",
	   .requirements = { "ATT-001" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = vfio_attach(self->device, self->ioas);

	EXPECT_NE(self->ioas, hwpt);
	EXPECT_NE(self->id, hwpt);
	/* It is a table: the device is attached to it already, and says so. */
	EXPECT_EQ(hwpt, vfio_attach(self->device, hwpt));
	EXPECT_IN_USE(hwpt);
	EXPECT_IN_USE(self->ioas);
}

CTS_TEST_F(attach, to_the_same_ioas,
	   .title = "Attach to the IOAS that the device is attached to succeeds and keeps its table",
	   .requirements = { "ATT-008" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = vfio_attach(self->device, self->ioas);

	EXPECT_EQ(hwpt, vfio_attach(self->device, self->ioas));
	EXPECT_IN_USE(hwpt);
	vfio_detach(self->device);
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, to_hwpt,
	   .title = "Attach to an HWPT returns the same id, at first and in place of another table",
	   .requirements = { "ATT-002" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t first = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);
	uint32_t second = iommufd_hwpt_alloc(self->iommufd, self->id, self->other_ioas);

	EXPECT_EQ(first, vfio_attach(self->device, first));
	EXPECT_EQ(second, vfio_attach(self->device, second));
	EXPECT_EQ(second, vfio_attach(self->device, second));
	EXPECT_IN_USE(second);
	EXPECT_UNUSED(first);
}

CTS_TEST_F(attach, in_use,
	   .title = "What a device is attached to can't be destroyed until the device is detached",
	   .requirements = { "ATT-015" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->other_ioas);
	uint32_t automatic = vfio_attach(self->device, self->ioas);

	EXPECT_IN_USE(self->ioas);
	EXPECT_IN_USE(automatic);
	EXPECT_EQ(hwpt, vfio_attach(self->device, hwpt));
	EXPECT_IN_USE(hwpt);
	EXPECT_IN_USE(self->other_ioas);

	vfio_detach(self->device);
	EXPECT_UNUSED(hwpt);
	EXPECT_UNUSED(self->other_ioas);
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, detach_destroys_the_table,
	   .title = "Detach destroys the table that attach made for an IOAS, and frees the IOAS",
	   .requirements = { "DET-005" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = vfio_attach(self->device, self->ioas);

	vfio_detach(self->device);
	EXPECT_EQ(-ENOENT, try_attach(self->device, hwpt));
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, hwpt));
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, detach_keeps_an_hwpt,
	   .title = "Detach keeps the HWPT that user space made",
	   .requirements = { "DET-005" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t hwpt = iommufd_hwpt_alloc(self->iommufd, self->id, self->ioas);

	vfio_attach(self->device, hwpt);
	vfio_detach(self->device);
	EXPECT_EQ(hwpt, vfio_attach(self->device, hwpt));
	vfio_detach(self->device);
	EXPECT_IN_USE(self->ioas); /* by the HWPT */
	EXPECT_UNUSED(hwpt);
	EXPECT_UNUSED(self->ioas);
}

CTS_TEST_F(attach, replace_destroys_the_table,
	   .title = "Replace destroys the table that attach made, and frees the IOAS that it was for",
	   .requirements = { "ATT-008" },
	   .needs = CTS_NEED_CDEV)
{
	uint32_t first = vfio_attach(self->device, self->ioas);
	uint32_t second = vfio_attach(self->device, self->other_ioas);

	EXPECT_NE(first, second);
	EXPECT_EQ(-ENOENT, __iommufd_destroy(self->iommufd, first));
	EXPECT_UNUSED(self->ioas);
	EXPECT_IN_USE(second);
	EXPECT_IN_USE(self->other_ioas);
}

CTS_MAIN
