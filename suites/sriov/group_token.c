// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who opens a device by its group gives the token behind the device's name, as
 * "0000:01:10.0 vf_token=" and the 36 characters of a UUID. What is asked for is what bind asks for.
 */
#include "pf.h"
#include "vfio_group.h"

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
	VFS_OR_SKIP(self);
	cts_close(&self->pf);
	cts_close(&self->vf[0]);
	cts_close(&self->vf[1]);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

#define GROUP_NEEDS (NEEDS | CTS_NEED_GROUP)

/* VFIO_GROUP_GET_DEVICE_FD of @bdf with @token behind its name; closed again. 0 or -errno. */
static int try_name(int group, const char *bdf, const struct sriov_token *token)
{
	char name[128], text[SRIOV_TOKEN_TEXT];
	int device;

	snprintf(name, sizeof(name), "%s", bdf);
	if (token) {
		sriov_token_text(token, text);
		snprintf(name, sizeof(name), "%s vf_token=%s", bdf, text);
	}
	device = __vfio_group_device_fd(group, name);
	if (device < 0)
		return device;
	cts_close(&device);
	return 0;
}

/* The group of @bdf, in a container of its own. */
static int open_group(const char *bdf, int iommufd)
{
	int group = vfio_group_open_of(bdf);

	vfio_group_set_container(group, iommufd);
	return group;
}

CTS_TEST_F(sriov, group_vf,
	   .title = "A VF is had by its group with the PF's token, and without it ends in EACCES",
	   .requirements = { "SRIOV-010" },
	   .needs = GROUP_NEEDS,
	   .timeout_s = 120)
{
	struct sriov_token token;
	int group;
	size_t i;

	set_token(self->iommufd, &self->token);
	group = open_group(self->bdf[0], self->iommufd);
	EXPECT_EQ(-EACCES, try_name(group, self->bdf[0], NULL));
	EXPECT_EQ(-EACCES, try_name(group, self->bdf[0], &self->wrong));
	for (i = 0; i < sizeof(token.bytes); i++) {
		token = self->token;
		token.bytes[i] ^= 0x10;
		EXPECT_EQ(-EACCES, try_name(group, self->bdf[0], &token)) TH_LOG("byte %zu", i);
	}
	EXPECT_EQ(0, try_name(group, self->bdf[0], &self->token));
	cts_close(&group);
}

CTS_TEST_F(sriov, group_pf,
	   .title = "A PF is had by its group with any token as long as no VF is bound, then with the one that is set",
	   .requirements = { "SRIOV-010" },
	   .needs = GROUP_NEEDS,
	   .timeout_s = 120)
{
	int group = open_group(sysfs_device(), self->iommufd);
	int vfs, device;
	char name[128], text[SRIOV_TOKEN_TEXT];

	EXPECT_EQ(0, try_name(group, sysfs_device(), NULL));
	EXPECT_EQ(0, try_name(group, sysfs_device(), &self->wrong));
	EXPECT_EQ(0, try_name(group, sysfs_device(), &self->token));

	vfs = open_group(self->bdf[0], self->iommufd);
	sriov_token_text(&self->token, text);
	snprintf(name, sizeof(name), "%s vf_token=%s", self->bdf[0], text);
	device = __vfio_group_device_fd(vfs, name);
	ASSERT_LE(0, device);
	EXPECT_EQ(-EACCES, try_name(group, sysfs_device(), NULL));
	EXPECT_EQ(-EACCES, try_name(group, sysfs_device(), &self->wrong));
	EXPECT_EQ(0, try_name(group, sysfs_device(), &self->token));
	cts_close(&device);
	EXPECT_EQ(0, try_name(group, sysfs_device(), NULL));
	cts_close(&vfs);
	cts_close(&group);
}

CTS_TEST_F(sriov, group_malformed,
	   .title = "What is no token behind the name, or more than one, ends in EINVAL",
	   .requirements = { "SRIOV-010" },
	   .needs = GROUP_NEEDS,
	   .timeout_s = 120)
{
	static const char *const options[] = {
		" vf_token=", " vf_token=%.35s",	  " vf_token=g%.35s",  " token=%s",
		" %s",	      " vf_token=%s vf_token=%s", " vf_token=%s more",
	};
	char name[256], tail[160], text[SRIOV_TOKEN_TEXT];
	int group;
	size_t i;

	set_token(self->iommufd, &self->token);
	sriov_token_text(&self->token, text);
	group = open_group(self->bdf[0], self->iommufd);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		/* Each takes the token at most twice. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(tail, sizeof(tail), options[i], text, text);
#pragma GCC diagnostic pop
		snprintf(name, sizeof(name), "%s%s", self->bdf[0], tail);
		EXPECT_EQ(-EINVAL, __vfio_group_device_fd(group, name)) TH_LOG("%s", name);
	}
	/* Not refused for what it holds, but for whom it names. */
	snprintf(name, sizeof(name), "%svf_token=%s", self->bdf[0], text);
	EXPECT_EQ(-ENODEV, __vfio_group_device_fd(group, name));
	EXPECT_EQ(0, try_name(group, self->bdf[0], &self->token));
	cts_close(&group);
}

FIXTURE(plain)
{
	int iommufd;
	int group;
};

FIXTURE_SETUP(plain)
{
	struct vfio_layout layout;

	CTS_CHECK_NEEDS();
	VFIO_SURVEY_OR_SKIP(&layout);
	if (sriov_total())
		CTS_SKIP(DEVICE_LACKS, "the device is a PF of SR-IOV");
	self->iommufd = iommufd_open();
	self->group = open_group(sysfs_device(), self->iommufd);
}

FIXTURE_TEARDOWN(plain)
{
	cts_close(&self->group);
	cts_close(&self->iommufd);
}

CTS_TEST_F(plain, group_no_pf,
	   .title = "A device that is no PF and no VF is not had by its group with a token",
	   .requirements = { "SRIOV-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_GROUP)
{
	const struct sriov_token token = sriov_token(1);

	EXPECT_EQ(-EINVAL, try_name(self->group, sysfs_device(), &token));
	EXPECT_EQ(0, try_name(self->group, sysfs_device(), NULL));
}

CTS_MAIN
