// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "buffer.h"
#include "check.h"
#include "memory.h"

#define MIB ((size_t)1 << 20)
#define ALIASED_SIZE (2 * MIB)
#define SCATTER_TRIES 8

static const char *const kind_names[] = {
	[BUFFER_BASE] = "base",
	[BUFFER_THP] = "thp",
	[BUFFER_SHARED] = "shared",
	[BUFFER_MEMFD] = "memfd",
	[BUFFER_HUGETLB_2M] = "hugetlb-2m",
	[BUFFER_HUGETLB_1G] = "hugetlb-1g",
	[BUFFER_MEMFD_HUGETLB] = "memfd-hugetlb",
	[BUFFER_ALIASED] = "aliased",
};

const char *buffer_kind_name(enum buffer_kind kind)
{
	return kind_names[kind];
}

/* The number that stands in @path behind @before, at the beginning of a line; 0 without it. */
static size_t number_in(const char *path, const char *before)
{
	size_t number = 0;
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, before, strlen(before)) &&
		    sscanf(line + strlen(before), "%zu", &number) == 1)
			break;
	}
	fclose(file);
	return number;
}

/* @size, if the kernel knows huge pages of @size bytes, else 0. */
static size_t hugetlb_page(size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB", size >> 10);
	return access(path, F_OK) ? 0 : size;
}

/* What a transparent huge page has, 0 where there are none or they are switched off. */
static size_t thp_page(void)
{
	char enabled[64] = "";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (!file)
		return 0;
	if (!fgets(enabled, sizeof(enabled), file) || strstr(enabled, "[never]")) {
		fclose(file);
		return 0;
	}
	fclose(file);
	return number_in("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "");
}

size_t buffer_page(enum buffer_kind kind)
{
	switch (kind) {
	case BUFFER_BASE:
	case BUFFER_SHARED:
	case BUFFER_MEMFD:
	case BUFFER_ALIASED:
		return page_size();
	case BUFFER_THP:
		return thp_page();
	case BUFFER_HUGETLB_2M:
		return hugetlb_page(2 * MIB);
	case BUFFER_HUGETLB_1G:
		return hugetlb_page(1024 * MIB);
	case BUFFER_MEMFD_HUGETLB:
		return number_in("/proc/meminfo", "Hugepagesize:") << 10;
	}
	return 0;
}

/* Would @size bytes of new memory leave a quarter of what is available? Else processes get killed. */
static bool fits_memory(size_t size)
{
	return size <= (number_in("/proc/meminfo", "MemAvailable:") << 10) / 4 * 3;
}

/*
 * Address space of @size bytes at a multiple of @align, where something can be mapped by MAP_FIXED,
 * between two inaccessible pages; NULL if there is none. They catch who runs over the end, and keep
 * the kernel from joining neighbours.
 */
static char *reserve(size_t size, size_t align)
{
	size_t page = page_size();
	size_t total = size + align + 2 * page;
	char *start, *aligned, *end;

	start = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	aligned = (char *)(((uintptr_t)start + page + align - 1) & ~(uintptr_t)(align - 1));
	end = aligned + size + page;
	if (aligned - page > start)
		munmap(start, (size_t)(aligned - page - start));
	if (end < start + total)
		munmap(end, (size_t)(start + total - end));
	return aligned;
}

static void give_back(void *memory, size_t size)
{
	munmap((char *)memory - page_size(), size + 2 * page_size());
}

/* Maps @size bytes at @memory, reserved before; 0 or -errno. */
static int map_at(void *memory, size_t size, int flags, int fd)
{
	flags |= MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
	if (mmap(memory, size, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

/* A new memfd of @size bytes; a descriptor or -errno. */
static int new_memfd(size_t size, unsigned int flags)
{
	int fd = memfd_create("cts-buffer", MFD_CLOEXEC | flags);
	int error;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, (off_t)size))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* @size bytes at @memory that repeat the memfd @fd of ALIASED_SIZE bytes. */
static int map_aliased(char *memory, size_t size, int fd)
{
	size_t offset;
	int error = 0;

	for (offset = 0; offset < size && !error; offset += ALIASED_SIZE) {
		size_t rest = size - offset;

		error = map_at(memory + offset, rest < ALIASED_SIZE ? rest : ALIASED_SIZE,
			       MAP_SHARED, fd);
	}
	return error;
}

static int map_kind(struct buffer *buffer, enum buffer_kind kind)
{
	int error;

	switch (kind) {
	case BUFFER_BASE:
	case BUFFER_THP:
		return map_at(buffer->memory, buffer->size, MAP_PRIVATE, -1);
	case BUFFER_SHARED:
		return map_at(buffer->memory, buffer->size, MAP_SHARED, -1);
	case BUFFER_HUGETLB_2M:
		return map_at(buffer->memory, buffer->size,
			      MAP_PRIVATE | MAP_HUGETLB | MAP_HUGE_2MB, -1);
	case BUFFER_HUGETLB_1G:
		return map_at(buffer->memory, buffer->size,
			      MAP_PRIVATE | MAP_HUGETLB | MAP_HUGE_1GB, -1);
	case BUFFER_MEMFD:
	case BUFFER_MEMFD_HUGETLB:
	case BUFFER_ALIASED:
		break;
	}
	error = new_memfd(kind == BUFFER_ALIASED ? ALIASED_SIZE : buffer->size,
			  kind == BUFFER_MEMFD_HUGETLB ? MFD_HUGETLB : 0);
	if (error < 0)
		return error;
	buffer->fd = error;
	if (kind == BUFFER_ALIASED)
		return map_aliased(buffer->memory, buffer->size, buffer->fd);
	return map_at(buffer->memory, buffer->size, MAP_SHARED, buffer->fd);
}

/* How many bytes of private @buffer are transparent huge pages. It is a mapping of its own. */
static size_t huge_bytes(const struct buffer *buffer)
{
	size_t huge = 0;
	char line[256], start[32];
	bool here = false;
	FILE *file = fopen("/proc/self/smaps", "re");

	cts_require(file, "/proc/self/smaps");
	snprintf(start, sizeof(start), "%" PRIxPTR "-", (uintptr_t)buffer->memory);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, start, strlen(start)))
			here = true;
		if (here && sscanf(line, "AnonHugePages: %zu", &huge) == 1)
			break;
	}
	fclose(file);
	return huge << 10;
}

static void touch_page(const struct buffer *buffer, size_t page)
{
	((volatile char *)buffer->memory)[page * buffer->page] = 0;
}

/*
 * Has every page there: one after the other or, if it is to be @scattered, the first of each half,
 * the second and so on, since one that is asked for after another often lies behind it. One alias
 * is enough to have all of the memfd behind it.
 */
static void touch(const struct buffer *buffer, enum buffer_kind kind, bool scattered)
{
	size_t size = kind == BUFFER_ALIASED && buffer->size > ALIASED_SIZE ? ALIASED_SIZE
									    : buffer->size;
	size_t page, pages = size / buffer->page, half = (pages + 1) / 2;

	for (page = 0; page < pages; page++)
		touch_page(buffer, !scattered ? page : page % 2 ? half + page / 2 : page / 2);
}

/*
 * Touches @buffer under the kernel's promise to take the pages of its kind, and looks where there
 * is none: huge pages can run out, and a kernel can be built without madvise().
 */
static int fill_kind(const struct buffer *buffer, enum buffer_kind kind, bool scattered)
{
	bool huge = kind == BUFFER_THP;
	bool advised =
		!madvise(buffer->memory, buffer->size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	/* Holds for all of the process, so not for longer than it takes. */
	bool disabled = !huge && !advised && !prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);

	touch(buffer, kind, scattered);
	if (disabled)
		cts_require(!prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0), "PR_SET_THP_DISABLE");
	if (huge && huge_bytes(buffer) != buffer->size)
		return advised ? -ENOMEM : -EOPNOTSUPP;
	if (kind == BUFFER_BASE && !advised && huge_bytes(buffer))
		return -EOPNOTSUPP;
	return 0;
}

static int alloc(struct buffer *buffer, enum buffer_kind kind, size_t size, bool scattered)
{
	bool pool = kind == BUFFER_HUGETLB_2M || kind == BUFFER_HUGETLB_1G ||
		    kind == BUFFER_MEMFD_HUGETLB;
	size_t page = buffer_page(kind);
	int error;

	*buffer = (struct buffer){ .size = size, .page = page, .fd = -1 };
	if (!page)
		return -EOPNOTSUPP;
	if (!size || size % page)
		cts_lab_error("a buffer of %zu bytes, of pages of %zu", size, page);
	if (!pool && kind != BUFFER_ALIASED && !fits_memory(size))
		return -ENOMEM;
	buffer->memory = reserve(size, kind == BUFFER_ALIASED ? ALIASED_SIZE : page);
	if (!buffer->memory)
		return -ENOMEM;
	error = map_kind(buffer, kind);
	if (!error && pool)
		touch(buffer, kind, scattered);
	else if (!error)
		error = fill_kind(buffer, kind, scattered);
	if (error)
		buffer_free(buffer);
	return error;
}

int __buffer_alloc(struct buffer *buffer, enum buffer_kind kind, size_t size)
{
	return alloc(buffer, kind, size, false);
}

/*
 * Gives @page of @buffer back to the kernel and has another one. A buffer of its own, which lasts
 * until the process ends, keeps the kernel from handing out the same again. False if there is none.
 */
static bool renew(const struct buffer *buffer, enum buffer_kind kind, size_t page)
{
	/* What is shared stays in its file unless it is taken out of that. */
	const int advice = buffer->fd < 0 ? MADV_DONTNEED : MADV_REMOVE;
	char *memory = (char *)buffer->memory + page * buffer->page;
	struct buffer keeper;

	cts_require(!madvise(memory, buffer->page, advice), "madvise(%d)", advice);
	if (alloc(&keeper, kind, buffer->page, false))
		return false;
	touch_page(buffer, page);
	return true;
}

int __buffer_alloc_scattered(struct buffer *buffer, enum buffer_kind kind, size_t size)
{
	int error = alloc(buffer, kind, size, true);
	uint64_t before = 0, here;
	size_t page;

	for (page = 0; !error && page < size / buffer->page; page++) {
		const char *memory = (const char *)buffer->memory + page * buffer->page;
		int tries = SCATTER_TRIES;

		here = physical_address(memory);
		while (before && here == before + buffer->page && tries-- && !error) {
			error = renew(buffer, kind, page) ? 0 : -ENOMEM;
			here = physical_address(memory);
		}
		before = here;
	}
	if (error)
		buffer_free(buffer);
	return error;
}

void buffer_alloc(struct buffer *buffer, enum buffer_kind kind, size_t size)
{
	int error = __buffer_alloc(buffer, kind, size);

	if (error)
		cts_lab_error("%zu bytes of %s memory: %s", size, buffer_kind_name(kind),
			      strerror(-error));
}

void buffer_free(struct buffer *buffer)
{
	if (!buffer->memory)
		return;
	give_back(buffer->memory, buffer->size);
	cts_close(&buffer->fd);
	*buffer = (struct buffer){ .fd = -1 };
}
