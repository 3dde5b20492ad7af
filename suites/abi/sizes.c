// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the calls of /dev/iommu grow: each argument begins with its size. A kernel takes what older
 * programs send, and what newer ones send as long as that says nothing that it does not know; what
 * is too short, says more or can't be read is refused, and nothing has happened.
 */
#include "calls.h"

FIXTURE(size)
{
	int iommufd;
	int answer; /* to the argument as it stands in the header */
	uint32_t next;
};

FIXTURE_VARIANT(size)
{
	const struct call *call;
};

#define SIZE(name)                      \
	FIXTURE_VARIANT_ADD(size, name) \
	{                               \
		.call = &call_##name,   \
	}

SIZE(destroy);
SIZE(fault_queue_alloc);
SIZE(get_hw_info);
SIZE(hw_queue_alloc);
SIZE(hwpt_alloc);
SIZE(hwpt_get_dirty_bitmap);
SIZE(hwpt_invalidate);
SIZE(hwpt_set_dirty_tracking);
SIZE(ioas_alloc);
SIZE(ioas_allow_iovas);
SIZE(ioas_change_process);
SIZE(ioas_copy);
SIZE(ioas_iova_ranges);
SIZE(ioas_map);
SIZE(ioas_map_file);
SIZE(ioas_noiommu_get_pa);
SIZE(ioas_unmap);
SIZE(option);
SIZE(vdevice_alloc);
SIZE(veventq_alloc);
SIZE(vfio_ioas);
SIZE(viommu_alloc);

FIXTURE_SETUP(size)
{
	CTS_CHECK_NEEDS();
	self->iommufd = iommufd_open();
	CALL_ANSWER_OR_SKIP(self->iommufd, variant->call, &self->answer);
	/* A kernel without no-IOMMU mode knows this call but has nothing to say. */
	if (variant->call != &call_ioas_noiommu_get_pa || self->answer != -EOPNOTSUPP) {
		ASSERT_EQ(variant->call->answer, self->answer);
	}
	self->next = next_object_id(self->iommufd);
}

FIXTURE_TEARDOWN(size)
{
	cts_close(&self->iommufd);
}

/* Nothing came into being, and the call answers as ever. */
#define EXPECT_NO_EFFECT()                                                                    \
	do {                                                                                  \
		EXPECT_EQ(self->next, next_object_id(self->iommufd));                         \
		EXPECT_EQ(self->answer,                                                       \
			  call_with_size(self->iommufd, variant->call, variant->call->size)); \
	} while (0)

CTS_TEST_F(size, too_short,
	   .title = "An argument that is shorter than it was in the first release is EINVAL",
	   .requirements = { "ABI-001" },
	   .needs = CTS_NEED_IOMMUFD)
{
	uint32_t size;

	for (size = 0; size < variant->call->least; size++) {
		EXPECT_EQ(-EINVAL, call_with_size(self->iommufd, variant->call, size))
		TH_LOG("size %u", size);
	}
	EXPECT_NO_EFFECT();
}

CTS_TEST_F(size, older_and_newer,
	   .title = "An argument of any length from the first release's on is taken if what the kernel doesn't know of it is zero",
	   .requirements = { "ABI-002", "ABI-006" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const uint32_t known = variant->call->size;
	const uint32_t sizes[] = { known + 1, known + 8, sizeof(union arguments) };
	uint32_t size;
	size_t i;

	for (size = variant->call->least; size < known; size++) {
		EXPECT_EQ(self->answer, call_with_size(self->iommufd, variant->call, size))
		TH_LOG("size %u", size);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(self->answer, call_with_size(self->iommufd, variant->call, sizes[i]))
		TH_LOG("size %u", sizes[i]);
	}
}

CTS_TEST_F(size, unknown_tail,
	   .title = "An argument that says more than the kernel knows is E2BIG",
	   .requirements = { "ABI-003" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t known = variant->call->size;
	const size_t sizes[] = { known + 1, known + 8, sizeof(union arguments) };
	union arguments arguments;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		arguments = variant->call->valid;
		arguments.size = (uint32_t)sizes[i];
		arguments.bytes[sizes[i] - 1] = 1;
		EXPECT_EQ(-E2BIG, call_at(self->iommufd, variant->call, &arguments))
		TH_LOG("size %zu, not zero in the last byte", sizes[i]);
		memset(&arguments.bytes[known], 0, sizes[i] - known);
		arguments.bytes[known] = 0x80;
		EXPECT_EQ(-E2BIG, call_at(self->iommufd, variant->call, &arguments))
		TH_LOG("size %zu, not zero in the first byte that is too much", sizes[i]);
	}
	EXPECT_NO_EFFECT();
}

CTS_TEST_F(size, unreadable,
	   .title = "An argument of which a byte can't be read is EFAULT",
	   .requirements = { "ABI-004" },
	   .needs = CTS_NEED_IOMMUFD)
{
	const size_t known = variant->call->size;
	char *end = (char *)guarded_page() + page_size();
	const size_t readable[] = { 4, known - 4, known };
	size_t i;

	EXPECT_EQ(-EFAULT, call_at(self->iommufd, variant->call, NULL));
	EXPECT_EQ(-EFAULT, call_at(self->iommufd, variant->call, end));
	for (i = 0; i < ARRAY_SIZE(readable); i++) {
		char *begin = end - readable[i];
		const uint32_t size = (uint32_t)(readable[i] < known ? known : known + 8);

		memcpy(begin, &variant->call->valid, readable[i]);
		memcpy(begin, &size, sizeof(size));
		EXPECT_EQ(-EFAULT, call_at(self->iommufd, variant->call, begin))
		TH_LOG("%zu readable bytes of %u", readable[i], size);
	}
	EXPECT_NO_EFFECT();
}

CTS_MAIN
