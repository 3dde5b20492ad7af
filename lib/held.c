// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "held.h"
#include "memory.h"

/* How long it may take on a slow host until a call has come to the page. */
#define PATIENCE_MS 30000

static int open_userfaultfd(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static int alloc(struct held *held, size_t pages, uint64_t features)
{
	int fd = open_userfaultfd(features);

	if (fd < 0)
		return fd;
	*held = (struct held){ .size = pages * page_size(), .userfaultfd = fd };
	held->memory =
		mmap(NULL, held->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cts_lab_require(held->memory != MAP_FAILED, "mmap of %zu bytes", held->size);
	/* A huge page would fill the hole. Kernels without them refuse. */
	madvise(held->memory, held->size, MADV_NOHUGEPAGE);
	return 0;
}

static int watch(const struct held *held, uint64_t mode)
{
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)held->page, .len = page_size() },
		.mode = mode,
	};

	return ioctl(held->userfaultfd, UFFDIO_REGISTER, &range) ? -errno : 0;
}

int __held_alloc(struct held *held, size_t pages, size_t which)
{
	int rc = alloc(held, pages, 0);
	size_t i;

	if (rc)
		return rc;
	held->page = held->memory + which * page_size();
	for (i = 0; i < pages; i++)
		if (i != which)
			memset(held->memory + i * page_size(), 0, page_size());
	rc = watch(held, UFFDIO_REGISTER_MODE_MISSING);
	if (rc)
		held_free(held);
	return rc;
}

static int protect(const struct held *held, uint64_t mode)
{
	struct uffdio_writeprotect range = {
		.range = { .start = (uintptr_t)held->page, .len = page_size() },
		.mode = mode,
	};

	return ioctl(held->userfaultfd, UFFDIO_WRITEPROTECT, &range) ? -errno : 0;
}

int __held_alloc_readable(struct held *held, const void *data, size_t size)
{
	int rc = alloc(held, 1, UFFD_FEATURE_PAGEFAULT_FLAG_WP);

	if (rc)
		return rc;
	held->page = held->memory;
	held->writes = true;
	memcpy(held->memory, data, size);
	rc = watch(held, UFFDIO_REGISTER_MODE_WP) ?: protect(held, UFFDIO_WRITEPROTECT_MODE_WP);
	if (rc)
		held_free(held);
	return rc;
}

void held_await(const struct held *held)
{
	struct pollfd fault = { .fd = held->userfaultfd, .events = POLLIN };
	struct uffd_msg message;

	cts_lab_require(poll(&fault, 1, PATIENCE_MS) == 1, "nobody waits for the page");
	cts_lab_require(read(held->userfaultfd, &message, sizeof(message)) == sizeof(message),
			"read of a userfaultfd");
}

void held_release(const struct held *held)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)held->page, .len = page_size() },
	};
	int rc = held->writes					    ? protect(held, 0)
		 : ioctl(held->userfaultfd, UFFDIO_ZEROPAGE, &zero) ? -errno
								    : 0;

	/* A page that is there already is waited for by nobody. */
	cts_lab_require(!rc || rc == -EEXIST, "release of a page");
}

void held_free(struct held *held)
{
	if (!held->memory)
		return;
	munmap(held->memory, held->size);
	cts_close(&held->userfaultfd);
	*held = (struct held){ 0 };
}
