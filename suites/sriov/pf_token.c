// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF's user chooses the token as long as no VF is bound. As soon as one is, another user of the
 * PF has to know it: he could do harm to who uses that VF.
 */
#include <limits.h>

#include "pf.h"

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
	SRIOV_TOKENS_OR_SKIP(self->pf, self->iommufd);
	VFS_OR_SKIP(self);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

/* Bind of the PF by a new file, which is closed again. */
static int try_pf(FIXTURE_DATA(sriov) * self, const struct sriov_token *token)
{
	int rc;

	cts_close(&self->pf);
	self->pf = vfio_open();
	rc = token ? __sriov_bind(self->pf, self->iommufd, token)
		   : __vfio_bind(self->pf, self->iommufd, NULL);
	cts_close(&self->pf);
	return rc;
}

/* Bind of the first VF by a new file, which is closed again. */
static int try_vf(FIXTURE_DATA(sriov) * self, const struct sriov_token *token)
{
	int rc;

	cts_close(&self->vf[0]);
	self->vf[0] = vfio_open_function(self->bdf[0]);
	rc = __sriov_bind(self->vf[0], self->iommufd, token);
	cts_close(&self->vf[0]);
	return rc;
}

CTS_TEST_F(sriov, pf_chooses,
	   .title = "While no VF is bound a PF takes any token, and its VFs want the one it took last",
	   .requirements = { "SRIOV-009" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	EXPECT_EQ(0, try_pf(self, NULL));
	EXPECT_EQ(0, try_pf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->wrong));
	EXPECT_EQ(0, try_pf(self, &self->token));
	EXPECT_EQ(-EACCES, try_vf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->token));
}

CTS_TEST_F(sriov, pf_without_token,
	   .title = "Bind of a PF without a token leaves the one that was set",
	   .requirements = { "SRIOV-009" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	ASSERT_EQ(0, try_pf(self, &self->token));
	EXPECT_EQ(0, try_pf(self, NULL));
	EXPECT_EQ(0, try_vf(self, &self->token));
}

CTS_TEST_F(sriov, pf_beside_parked_vf,
	   .title = "A VF that is open but not bound doesn't keep the PF's user from choosing",
	   .requirements = { "SRIOV-009" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	EXPECT_EQ(0, try_pf(self, NULL));
	EXPECT_EQ(0, try_pf(self, &self->token));
	EXPECT_EQ(0, __sriov_bind(self->vf[1], self->iommufd, &self->token));
}

CTS_TEST_F(sriov, pf_in_use,
	   .title = "While a VF is bound the PF wants the token, and refuses another with EACCES",
	   .requirements = { "SRIOV-004" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	set_token(self->iommufd, &self->token);
	ASSERT_EQ(0, __sriov_bind(self->vf[1], self->iommufd, &self->token));
	EXPECT_EQ(-EACCES, __vfio_bind(self->pf, self->iommufd, NULL));
	EXPECT_EQ(-EACCES, __sriov_bind(self->pf, self->iommufd, &self->wrong));
	EXPECT_PARKED(self->pf);
	/* It is still what it was. */
	EXPECT_EQ(-EACCES, try_vf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->token));
	EXPECT_EQ(0, __sriov_bind(self->pf, self->iommufd, &self->token));
	EXPECT_WORKS(self->pf);
}

CTS_TEST_F(sriov, pf_after_use,
	   .title = "When the last VF was closed, and no earlier, the PF's user chooses again",
	   .requirements = { "SRIOV-004", "SRIOV-009" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	unsigned int i;

	set_token(self->iommufd, &self->token);
	for (i = 0; i < VFS; i++) {
		ASSERT_EQ(0, __sriov_bind(self->vf[i], self->iommufd, &self->token));
	}
	cts_close(&self->vf[0]);
	EXPECT_EQ(-EACCES, try_pf(self, &self->wrong));
	EXPECT_EQ(-EACCES, try_pf(self, NULL));
	cts_close(&self->vf[1]);
	EXPECT_EQ(0, try_pf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->wrong));
}

CTS_TEST_F(sriov, pf_to_no_iommufd,
	   .title = "A bind of a PF to what is no iommufd doesn't change the token",
	   .requirements = { "SRIOV-007" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	set_token(self->iommufd, &self->token);
	EXPECT_EQ(-EBADF, __sriov_bind(self->pf, INT_MAX, &self->wrong));
	EXPECT_PARKED(self->pf);
	EXPECT_EQ(-EACCES, try_vf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->token));
}

CTS_TEST_F(sriov, pf_already_bound,
	   .title = "A bind of a PF that another file has bound doesn't change the token",
	   .requirements = { "SRIOV-007" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	int user = vfio_open();

	ASSERT_EQ(0, __sriov_bind(user, self->iommufd, &self->token));
	EXPECT_EQ(-EINVAL, __sriov_bind(self->pf, self->iommufd, &self->wrong));
	EXPECT_PARKED(self->pf);
	EXPECT_EQ(-EACCES, try_vf(self, &self->wrong));
	EXPECT_EQ(0, try_vf(self, &self->token));
	cts_close(&user);
}

CTS_MAIN
