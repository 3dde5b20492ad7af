// SPDX-License-Identifier: GPL-2.0-only
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
