// SPDX-License-Identifier: GPL-2.0-only
/* VFIO_DEVICE_FEATURE_PCI_VF_TOKEN: how the PF's user sets the token; nobody can read it. */
#include "memory.h"
#include "pf.h"

#define GET VFIO_DEVICE_FEATURE_GET
#define SET VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

FIXTURE_SETUP(sriov)
{
	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&self->layout);
	self->token = sriov_token(1);
	self->iommufd = iommufd_open();
	self->pf = vfio_open();
	vfio_bind(self->pf, self->iommufd);
}

FIXTURE_TEARDOWN(sriov)
{
	cts_close(&self->pf);
	cts_close(&self->iommufd);
}

#define PF_OR_END()                                                              \
	do {                                                                     \
		if (!sriov_total())                                              \
			CTS_SKIP(DEVICE_LACKS, "the device is no PF of SR-IOV"); \
	} while (0)

CTS_TEST_F(sriov, token_is_set,
	   .title = "The token of a PF is set by its 16 bytes, and not by fewer or by what can't be read",
	   .requirements = { "SRIOV-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct vfio_device_feature header = {
		.argsz = sizeof(header) + sizeof(self->token),
		.flags = SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};
	char *edge = inaccessible_page();
	uint32_t size;

	PF_OR_END();
	EXPECT_EQ(0, ask_token(self->pf, SET | PROBE, &self->token, 0));
	EXPECT_EQ(0, ask_token(self->pf, SET, &self->token, sizeof(self->token)));
	for (size = 0; size < sizeof(self->token); size++) {
		char *at = edge - sizeof(header) - size;

		EXPECT_EQ(-EINVAL, ask_token(self->pf, SET, &self->token, size))
		TH_LOG("%u bytes", size);
		memcpy(at, &header, sizeof(header));
		memset(at + sizeof(header), 0x5a, size);
		EXPECT_EQ(-1, ioctl(self->pf, VFIO_DEVICE_FEATURE, at));
		EXPECT_EQ(EFAULT, errno) TH_LOG("%u bytes", size);
	}
	EXPECT_EQ(0, ask_token(self->pf, SET, &self->token, sizeof(self->token)));
}

CTS_TEST_F(sriov, token_is_not_read,
	   .title = "The token of a PF can't be read, nor does the PF say that it can",
	   .requirements = { "SRIOV-005" },
	   .needs = CTS_NEED_CDEV)
{
	struct {
		struct vfio_device_feature header;
		struct sriov_token token;
	} args = {
		.header.argsz = sizeof(args),
		.header.flags = GET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};
	const struct sriov_token nothing = { 0 };

	PF_OR_END();
	ASSERT_EQ(0, ask_token(self->pf, SET, &self->token, sizeof(self->token)));
	EXPECT_EQ(-1, ioctl(self->pf, VFIO_DEVICE_FEATURE, &args));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, memcmp(&nothing, &args.token, sizeof(nothing)));
	EXPECT_EQ(-EINVAL, ask_token(self->pf, GET | PROBE, &self->token, 0));
	EXPECT_EQ(-EINVAL, ask_token(self->pf, GET | SET | PROBE, &self->token, 0));
}

CTS_TEST_F(sriov, token_of_no_pf,
	   .title = "A device that is no PF has no token to set",
	   .requirements = { "SRIOV-005" },
	   .needs = CTS_NEED_CDEV)
{
	if (sriov_total())
		CTS_SKIP(DEVICE_LACKS, "the device is a PF of SR-IOV");
	EXPECT_EQ(-ENOTTY, ask_token(self->pf, SET | PROBE, &self->token, 0));
	EXPECT_EQ(-ENOTTY, ask_token(self->pf, GET | PROBE, &self->token, 0));
	EXPECT_EQ(-ENOTTY, ask_token(self->pf, SET, &self->token, sizeof(self->token)));
	EXPECT_EQ(-ENOTTY, ask_token(self->pf, GET, &self->token, sizeof(self->token)));
}

CTS_MAIN
