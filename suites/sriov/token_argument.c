// SPDX-License-Identifier: GPL-2.0-only
/*
 * The token that comes with bind: it is fetched when the flag says that it is there, and refused by
 * a device that needs none, so that nobody takes himself for protected who isn't.
 */
#include <stddef.h>

#include "memory.h"
#include "pf.h"

/* Where the first version of the argument ends, which has no token. */
#define FIRST_VERSION 16

FIXTURE_SETUP(sriov)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->token = sriov_token(1);
	self->iommufd = iommufd_open();
	self->pf = vfio_open();
	SRIOV_TOKENS_OR_SKIP(self->pf, self->iommufd);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

/* What a device that nobody is to know a token of answers to one that can be read. */
static int readable(void)
{
	return sriov_total() ? 0 : -EINVAL;
}

CTS_TEST_F(sriov, token_unreadable,
	   .title = "Bind with a token of which a byte can't be read ends in EFAULT",
	   .requirements = { "SRIOV-003" },
	   .needs = CTS_NEED_CDEV)
{
	char *edge = inaccessible_page();
	size_t size;

	EXPECT_EQ(-EFAULT, __sriov_bind(self->pf, self->iommufd, NULL));
	for (size = 0; size < sizeof(self->token); size++) {
		memcpy(edge - size, &self->token, size);
		EXPECT_EQ(-EFAULT, __sriov_bind(self->pf, self->iommufd, edge - size))
		TH_LOG("%zu bytes", size);
	}
	EXPECT_PARKED(self->pf);
	/* Of 16 bytes no more is read. */
	memcpy(edge - size, &self->token, size);
	EXPECT_EQ(readable(), __sriov_bind(self->pf, self->iommufd, edge - size));
}

#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
static int bind_with(int device, int iommufd, uint32_t argsz, uint32_t flags, void *token)
{
	struct vfio_device_bind_iommufd args = {
		.argsz = argsz,
		.flags = flags,
		.iommufd = iommufd,
		.token_uuid_ptr = (uintptr_t)token,
	};

	return __vfio_bind_raw(device, &args);
}
#else
#define VFIO_DEVICE_BIND_FLAG_TOKEN 0
static int bind_with(int device, int iommufd, uint32_t argsz, uint32_t flags, void *token)
{
	(void)argsz;
	(void)flags;
	return __sriov_bind(device, iommufd, token);
}
#endif

CTS_TEST_F(sriov, token_left_out,
	   .title = "Bind whose argument ends before the token that it announces ends in EFAULT",
	   .requirements = { "SRIOV-003" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(-EFAULT, bind_with(self->pf, self->iommufd, FIRST_VERSION,
				     VFIO_DEVICE_BIND_FLAG_TOKEN, &self->token));
	EXPECT_PARKED(self->pf);
	EXPECT_EQ(0, __vfio_bind(self->pf, self->iommufd, NULL));
}

CTS_TEST_F(sriov, token_not_announced,
	   .title = "Bind without the flag doesn't look at the token",
	   .requirements = { "SRIOV-003" },
	   .needs = CTS_NEED_CDEV)
{
	EXPECT_EQ(0, bind_with(self->pf, self->iommufd, sizeof(struct vfio_device_bind_iommufd), 0,
			       inaccessible_page()));
	EXPECT_WORKS(self->pf);
}

CTS_TEST_F(sriov, token_of_no_pf,
	   .title = "Bind of a device that is no PF and no VF with a token ends in EINVAL",
	   .requirements = { "SRIOV-002" },
	   .needs = CTS_NEED_CDEV)
{
	const struct sriov_token zeros = { 0 };

	if (sriov_total())
		CTS_SKIP(DEVICE_LACKS, "the device is a PF of SR-IOV");
	EXPECT_EQ(-EINVAL, __sriov_bind(self->pf, self->iommufd, &self->token));
	EXPECT_EQ(-EINVAL, __sriov_bind(self->pf, self->iommufd, &zeros));
	EXPECT_PARKED(self->pf);
	EXPECT_EQ(0, __vfio_bind(self->pf, self->iommufd, NULL));
	EXPECT_WORKS(self->pf);
}

/* The one VF of a PF that a driver of the kernel has. */
static void open_foreign_vf(FIXTURE_DATA(sriov) * self)
{
	int rc;

	sriov_vf(0, self->bdf[0]);
	rc = __sysfs_set(self->bdf[0], "driver_override", "vfio-pci");
	cts_lab_require(!rc, "driver_override of %s", self->bdf[0]);
	rc = __sysfs_tell_driver("vfio-pci", "bind", self->bdf[0]);
	errno = -rc;
	cts_require(!rc, "vfio-pci doesn't take %s", self->bdf[0]);
	self->vf[0] = vfio_open_function(self->bdf[0]);
}

CTS_TEST_F(sriov, token_of_a_foreign_vf,
	   .title = "Bind of a VF whose PF hasn't vfio-pci wants no token, and refuses one with EINVAL",
	   .requirements = { "SRIOV-002" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	const char *missing = sriov_missing();

	if (missing)
		CTS_SKIP(DEVICE_LACKS, "%s", missing);
	if (access("/sys/bus/pci/drivers/" SRIOV_STUB, F_OK))
		CTS_SKIP(NO_TEST_SUPPORT, "no driver " SRIOV_STUB);
	cts_close(&self->pf);
	sriov_begin(&self->before);
	ASSERT_EQ(0, __sriov_hand_over(SRIOV_STUB));
	if (__sriov_set_count(1))
		CTS_SKIP(DEVICE_LACKS, "there is no room for a VF");
	open_foreign_vf(self);
	EXPECT_EQ(-EINVAL, __sriov_bind(self->vf[0], self->iommufd, &self->token));
	EXPECT_PARKED(self->vf[0]);
	EXPECT_EQ(0, __vfio_bind(self->vf[0], self->iommufd, NULL));
	EXPECT_WORKS(self->vf[0]);
}

CTS_MAIN
