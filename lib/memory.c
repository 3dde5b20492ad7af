// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static char *anonymous(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cts_lab_require(memory != MAP_FAILED, "mmap of %zu bytes", size);
	return memory;
}

void *guarded_page(void)
{
	char *memory = anonymous(2 * page_size());

	cts_lab_require(!mprotect(memory + page_size(), page_size(), PROT_NONE), "mprotect");
	return memory;
}

void *inaccessible_page(void)
{
	return (char *)guarded_page() + page_size();
}

void *read_only_page(const void *data, size_t size)
{
	char *memory = anonymous(page_size());

	memcpy(memory, data, size);
	cts_lab_require(!mprotect(memory, page_size(), PROT_READ), "mprotect");
	return memory;
}

/* What an entry of pagemap holds. */
#define PRESENT (1ULL << 63)
#define FRAME ((1ULL << 55) - 1)

uint64_t physical_address(const void *memory)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t offset = (off_t)((uintptr_t)memory / page_size() * sizeof(entry));

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), offset) != sizeof(entry) || !(entry & PRESENT))
		entry = 0;
	cts_close(&fd);
	/* Whoever may not know sees frame 0. */
	return entry & FRAME ? (entry & FRAME) * page_size() + (uintptr_t)memory % page_size() : 0;
}

long pinned_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *status = fopen("/proc/self/status", "re");

	cts_require(status, "/proc/self/status");
	while (kib < 0 && fgets(line, sizeof(line), status))
		sscanf(line, "VmPin: %ld", &kib);
	fclose(status);
	cts_require(kib >= 0, "/proc/self/status has no VmPin");
	return kib;
}
