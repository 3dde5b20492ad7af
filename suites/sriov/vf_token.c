// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user's PF can do much to its VFs. So whoever binds one shows that he and the PF's user know
 * each other, by the token that the latter has set.
 */
#include "pf.h"

FIXTURE_SETUP(sriov)
{
	PF_OR_SKIP(self);
	SRIOV_TOKENS_OR_SKIP(self->pf, self->iommufd);
	VFS_OR_SKIP(self);
	cts_close(&self->pf);
}

/* In the parent, so that it is done also for a test that ended half-way. */
FIXTURE_TEARDOWN_PARENT(sriov)
{
	sriov_undo(&self->before);
}

CTS_TEST_F(sriov, vf_without_token,
	   .title = "Bind of a VF without the PF's token ends in EACCES and leaves it parked",
	   .requirements = { "SRIOV-001" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	set_token(self->iommufd, &self->token);
	EXPECT_EQ(-EACCES, __vfio_bind(self->vf[0], self->iommufd, NULL));
	EXPECT_PARKED(self->vf[0]);
	EXPECT_EQ(0, __sriov_bind(self->vf[0], self->iommufd, &self->token));
	EXPECT_WORKS(self->vf[0]);
}

CTS_TEST_F(sriov, vf_wrong_token,
	   .title = "Bind of a VF with a token that differs anywhere ends in EACCES and leaves it parked",
	   .requirements = { "SRIOV-001" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	size_t i;

	set_token(self->iommufd, &self->token);
	for (i = 0; i < sizeof(self->token.bytes); i++) {
		struct sriov_token token = self->token;

		token.bytes[i] ^= 0x10;
		EXPECT_EQ(-EACCES, __sriov_bind(self->vf[0], self->iommufd, &token))
		TH_LOG("byte %zu", i);
	}
	EXPECT_EQ(-EACCES, __sriov_bind(self->vf[0], self->iommufd, &self->wrong));
	EXPECT_PARKED(self->vf[0]);
	EXPECT_EQ(0, __sriov_bind(self->vf[0], self->iommufd, &self->token));
	EXPECT_WORKS(self->vf[0]);
}

CTS_TEST_F(sriov, vf_each,
	   .title = "One token is good for all VFs of the PF, and each of them wants it",
	   .requirements = { "SRIOV-001" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	unsigned int i;

	set_token(self->iommufd, &self->token);
	for (i = 0; i < VFS; i++) {
		EXPECT_EQ(-EACCES, __vfio_bind(self->vf[i], self->iommufd, NULL));
		EXPECT_EQ(0, __sriov_bind(self->vf[i], self->iommufd, &self->token));
		EXPECT_WORKS(self->vf[i]);
	}
}

CTS_TEST_F(sriov, vf_token_never_set,
	   .title = "Where the PF's token was never set a VF is bound by no token of zeros",
	   .requirements = { "SRIOV-008" },
	   .needs = NEEDS,
	   .timeout_s = 120)
{
	const struct sriov_token zeros = { 0 };

	EXPECT_EQ(-EACCES, __sriov_bind(self->vf[0], self->iommufd, &zeros));
	EXPECT_EQ(-EACCES, __vfio_bind(self->vf[0], self->iommufd, NULL));
	EXPECT_PARKED(self->vf[0]);
	set_token(self->iommufd, &zeros);
	EXPECT_EQ(0, __sriov_bind(self->vf[0], self->iommufd, &zeros));
}

CTS_MAIN
