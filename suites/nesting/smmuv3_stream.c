// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's commands to an SMMUv3, which of them are the guest's to give and how far they are done;
 * and what it says and hears of its devices by their virtual ids.
 */
#include <poll.h>
#include <unistd.h>

#include "smmuv3_nested.h"

#define NOBODYS_ID 0x78

FIXTURE(stream)
{
	NESTED_FIELDS;
};

FIXTURE_SETUP(stream)
{
	NESTED_SETUP_OR_SKIP(self);
}

FIXTURE_TEARDOWN(stream)
{
	SMMUV3_TEARDOWN(self);
}

CTS_TEST_F(stream, refused_commands,
	   .title = "A command that isn't a guest's, or has a field that isn't, is EIO and none is counted",
	   .requirements = { "INV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	static const struct command bad[] = {
		{ { 0, 0 } },
		{ { CMD_SYNC, 0 } },
		{ { CMD_CFGI_STE | CMD_SID(VIRTUAL_ID), 1 } },
		{ { CMD_TLBI_EL2_ALL, 0 } },
		{ { CMD_TLBI_S12_ALL, 0 } },
		{ { 0xff, 0 } },
		/* fields that the command doesn't have */
		{ { CMD_TLBI_NH_ALL | 1ULL << 8, 0 } },
		{ { CMD_TLBI_NH_ALL | CMD_ASID(ASID), 0 } },
		{ { CMD_TLBI_NH_ALL, 1 } },
		{ { CMD_TLBI_NH_VAA | CMD_ASID(ASID), VIRTUAL } },
		{ { CMD_TLBI_NH_VA | CMD_ASID(ASID), VIRTUAL | 2 } },
		{ { CMD_TLBI_NSNH_ALL | CMD_SID(1), 0 } },
		{ { CMD_CFGI_CD_ALL | CMD_SID(VIRTUAL_ID), 1 } },
		{ { CMD_CFGI_CD | CMD_SID(VIRTUAL_ID), 2 } },
		/* no vDEVICE has this id */
		{ { CMD_CFGI_CD | CMD_SID(NOBODYS_ID), 1 } },
		{ { CMD_CFGI_CD_ALL | CMD_SID(NOBODYS_ID), 0 } },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t count = 1;

		EXPECT_EQ(-EIO, __commands(&self->dut, self->viommu, &bad[i], &count))
		TH_LOG("command %#llx, %#llx", (unsigned long long)bad[i].word[0],
		       (unsigned long long)bad[i].word[1]);
		EXPECT_EQ(0, count);
	}
	EXPECT_TRUE(written(&self->dut, &self->buffer, VIRTUAL, 0));
}

CTS_TEST_F(stream, before_a_bad_one,
	   .title = "Before a command that is refused those before it are done, and counted",
	   .requirements = { "INV-003", "INV-008" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const struct command commands[] = {
		{ { CMD_TLBI_NH_VA | CMD_ASID(ASID), VIRTUAL } },
		{ { CMD_SYNC, 0 } },
		{ { CMD_TLBI_NH_VA | CMD_ASID(ASID), VIRTUAL } },
	};
	struct dut *dut = &self->dut;
	uint32_t count = ARRAY_SIZE(commands);

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	s1_map(&self->s1, self->root, VIRTUAL, self->ipa + self->page, self->page, 0);
	EXPECT_EQ(-EIO, __commands(dut, self->viommu, commands, &count));
	EXPECT_EQ(1, count);
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, self->page));
}

CTS_TEST_F(stream, empty_array,
	   .title = "An array of no command asks whether the type is known",
	   .requirements = { "INV-004" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const struct dut *dut = &self->dut;
	uint32_t count = 0;

	EXPECT_EQ(0, __commands(dut, self->viommu, NULL, &count));
	count = 0;
	EXPECT_EQ(-EINVAL, __invalidate(dut->iommufd, self->viommu, 0xdead, NULL, 0, &count));
	EXPECT_EQ(0, count);
}

CTS_TEST_F(stream, unreadable,
	   .title = "Commands that can't be read are EFAULT, and none is counted",
	   .requirements = { "INV-003" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE)
{
	const uint32_t type = VIOMMU_INVALIDATE_ARM_SMMUV3;
	const struct dut *dut = &self->dut;
	uint32_t count = 1;

	EXPECT_EQ(-EFAULT, __invalidate(dut->iommufd, self->viommu, type, inaccessible_page(),
					sizeof(struct command), &count));
	EXPECT_EQ(0, count);
}

CTS_TEST_F(stream, new_descriptor,
	   .title = "When a guest says that a context descriptor has changed its device goes by the new one",
	   .requirements = { "INV-007", "INV-010" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	const uint64_t root = s1_root(&self->s1, dut);

	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	s1_map(&self->s1, root, VIRTUAL + self->page, self->ipa + self->page, self->page, 0);
	s1_describe(&self->s1, root);
	command(dut, self->viommu, CMD_CFGI_CD | CMD_SID(VIRTUAL_ID), 1);
	command(dut, self->viommu, CMD_TLBI_NH_ASID | CMD_ASID(ASID), 0);
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL + self->page, self->page));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL));
	s1_describe(&self->s1, self->root);
	command(dut, self->viommu, CMD_CFGI_CD_ALL | CMD_SID(VIRTUAL_ID), 0);
	command(dut, self->viommu, CMD_TLBI_NH_ALL, 0);
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
}

/* What a queue of an SMMUv3 delivers. */
struct event {
	uint32_t flags;
	uint32_t sequence;
	uint64_t word[4]; /* struct iommu_vevent_arm_smmuv3 */
};

#define F_TRANSLATION 0x10

CTS_TEST_F(stream, events,
	   .title = "A fault of the guest's tables is an event of the vIOMMU, with the virtual id and the address",
	   .requirements = { "VEVQ-005" },
	   .needs = CTS_NEED_CDEV | CTS_NEED_DMA_WRITE,
	   .timeout_s = 60,
	   .faults = true)
{
	struct dut *dut = &self->dut;
	struct pollfd poller = { .events = POLLIN };
	struct event event = { 0 };
	uint32_t queue;

	ASSERT_EQ(0, __veventq_alloc(dut->iommufd, self->viommu, VEVENTQ_ARM_SMMUV3, 64, &queue,
				     &poller.fd));
	EXPECT_TRUE(written(dut, &self->buffer, VIRTUAL, 0));
	EXPECT_EQ(0, poll(&poller, 1, 0));
	EXPECT_TRUE(refused(dut, &self->buffer, VIRTUAL + self->page));
	ASSERT_EQ(1, poll(&poller, 1, -1));
	ASSERT_EQ(sizeof(event), read(poller.fd, &event, sizeof(event)));
	EXPECT_EQ(0, event.flags);
	EXPECT_EQ(F_TRANSLATION, event.word[0] & 0xff);
	EXPECT_EQ(VIRTUAL_ID, event.word[0] >> 32);
	EXPECT_EQ(VIRTUAL + self->page, event.word[2] & ~(uint64_t)(S1_GRANULE - 1));
	close(poller.fd);
}

CTS_MAIN
