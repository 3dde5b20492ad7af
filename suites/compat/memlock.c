// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a mapping pins counts against RLIMIT_MEMLOCK of the process. To whom it is charged differs:
 * the container of vfio counts it as locked memory of the process, an iommufd by its user.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "type1.h"

#define PAGES 8

/* Takes CAP_IPC_LOCK from this process, which lifts the limit where it is heeded. */
static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	cts_require(!syscall(SYS_capget, &header, data), "capget");
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	cts_require(!syscall(SYS_capset, &header, data), "capset");
}

/* @name ("VmLck") of /proc/self/status, bytes. */
static uint64_t status_bytes(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t length = strlen(name);
	unsigned long long kib = 0;
	bool found = false;
	char line[256];

	cts_require(file, "/proc/self/status");
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, name, length) && sscanf(line + length, ":%llu", &kib) == 1;
	fclose(file);
	cts_require(found, "%s in /proc/self/status", name);
	return kib * 1024;
}

CTS_TEST_F(type1, counted,
	   .title = "A mapping counts as locked memory, or as pinned by an iommufd, and no longer when it is unmapped",
	   .requirements = { "COMPAT-021" },
	   .needs = NEEDS)
{
	struct compat *compat = &self->compat;
	const char *name = compat->native ? "VmLck" : "VmPin";
	const size_t page = page_size(), size = PAGES * page;
	uint64_t iova = iova_alloc(&compat->space, 2 * size, page), unmapped = 0;
	const uint64_t before = status_bytes(name);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	container_map(compat->container, memory, size, iova);
	EXPECT_EQ(before + size, status_bytes(name));
	EXPECT_EQ(-EEXIST, __container_map(compat->container, memory, page, iova));
	EXPECT_EQ(before + size, status_bytes(name));
	container_unmap(compat->container, iova, size);
	EXPECT_EQ(before, status_bytes(name));
	EXPECT_EQ(-EFAULT, __container_map(compat->container, memory, size + page, iova));
	EXPECT_EQ(before, status_bytes(name));
	container_map(compat->container, memory, size, iova);
	EXPECT_EQ(0, __container_unmap_flags(compat->container, VFIO_DMA_UNMAP_FLAG_ALL, 0,
					     &unmapped));
	EXPECT_EQ(before, status_bytes(name));
}

CTS_TEST_F(type1, limited,
	   .title = "A mapping beyond RLIMIT_MEMLOCK is ENOMEM and leaves nothing; one within it works, and again when it is unmapped",
	   .requirements = { "COMPAT-021" },
	   .needs = NEEDS | CTS_NEED_ROOT)
{
	struct compat *compat = &self->compat;
	const size_t page = page_size(), half = PAGES / 2 * page;
	const struct rlimit limit = { .rlim_cur = 2 * half - page, .rlim_max = 2 * half - page };
	uint64_t iova = iova_alloc(&compat->space, 2 * half, page);
	struct buffer buffer;
	char *memory = pages_alloc(&buffer, PAGES);

	drop_ipc_lock();
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	EXPECT_EQ(-ENOMEM, __container_map(compat->container, memory, 2 * half, iova));
	EXPECT_EQ(0, __container_map(compat->container, memory, half, iova));
	EXPECT_EQ(-ENOMEM, __container_map(compat->container, memory + half, half, iova + half));
	EXPECT_EQ(0, __container_map(compat->container, memory + half, half - page, iova + half));
	container_unmap(compat->container, iova, half);
	container_unmap(compat->container, iova + half, half - page);
	EXPECT_EQ(0, __container_map(compat->container, memory, half, iova));
}

CTS_MAIN
