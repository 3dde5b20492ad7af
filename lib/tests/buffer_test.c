// SPDX-License-Identifier: GPL-2.0-only
/* Memory of every kind, as far as the machine has it. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "buffer.h"
#include "memory.h"
#include "unit.h"

#define MIB ((size_t)1 << 20)

static bool is_mapped(const void *address)
{
	unsigned char present;

	return !mincore((void *)(uintptr_t)address, page_size(), &present) || errno != ENOMEM;
}

/* No page lies behind the one before it, as far as that may be known. */
static void check_scattered(enum buffer_kind kind, size_t size)
{
	uint64_t before = 0;
	struct buffer buffer;
	size_t at;

	if (__buffer_alloc_scattered(&buffer, kind, size))
		return;
	for (at = 0; at < size; at += buffer.page) {
		const char *memory = (const char *)buffer.memory + at;
		const uint64_t here = physical_address(memory);

		CHECK(!*memory);
		CHECK(!before || here != before + buffer.page);
		before = here;
	}
	buffer_free(&buffer);
}

static void check_kind(enum buffer_kind kind, size_t size)
{
	struct buffer buffer;
	size_t i, page = buffer_page(kind);
	volatile char *bytes;
	char *memory;
	int error = __buffer_alloc(&buffer, kind, size);

	printf("%s: %zu bytes in pages of %zu: %s\n", buffer_kind_name(kind), size, page,
	       strerror(-error));
	CHECK(!page == (error == -EOPNOTSUPP));
	if (error) {
		/* Only memory of huge pages may be lacking. */
		CHECK(error == -ENOMEM || error == -EOPNOTSUPP);
		CHECK(kind != BUFFER_BASE && kind != BUFFER_SHARED && kind != BUFFER_MEMFD &&
		      kind != BUFFER_ALIASED);
		CHECK(!buffer.memory && buffer.fd == -1);
		buffer_free(&buffer);
		return;
	}
	memory = buffer.memory;
	bytes = memory;
	CHECK(buffer.size == size && buffer.page == page);
	CHECK((uintptr_t)memory % (kind == BUFFER_ALIASED ? 2 * MIB : page) == 0);
	for (i = 0; i < size; i += 512)
		CHECK(bytes[i] == 0);
	bytes[0] = 1;
	bytes[size - 1] = 2;
	CHECK_ENDS(bytes[-1] = 1);
	CHECK_ENDS(bytes[size] = 1);
	if (kind == BUFFER_ALIASED && size > 2 * MIB) {
		bytes[0] = 3;
		CHECK(bytes[2 * MIB] == 3);
		bytes[2 * MIB] = 4;
		CHECK(bytes[0] == 4);
	}
	buffer_free(&buffer);
	CHECK(!buffer.memory && buffer.fd == -1);
	CHECK(!is_mapped(memory - page_size()) && !is_mapped(memory) && !is_mapped(memory + size));
}

int main(void)
{
	struct buffer buffer = { 0 };
	int kind, next = dup(0);

	CHECK(next >= 0 && !close(next));
	buffer_free(&buffer);
	for (kind = BUFFER_BASE; kind <= BUFFER_ALIASED; kind++) {
		size_t page = buffer_page((enum buffer_kind)kind);

		check_kind((enum buffer_kind)kind, page ? page : page_size());
		if (page < 64 * MIB)
			check_kind((enum buffer_kind)kind, 3 * (page > 2 * MIB ? page : 2 * MIB));
	}
	check_kind(BUFFER_ALIASED, 2 * MIB + page_size());
	/* No descriptor was left open. */
	CHECK(dup(0) == next);
	/* Some descriptors may be left behind here, of what keeps pages from coming again. */
	check_scattered(BUFFER_BASE, 4 * MIB);
	check_scattered(BUFFER_MEMFD, 4 * MIB);
	check_scattered(BUFFER_THP, 32 * MIB);
	/* What no machine has. */
	CHECK(__buffer_alloc(&buffer, BUFFER_BASE, (size_t)1 << 44) == -ENOMEM);
	CHECK_ENDS(buffer_alloc(&buffer, BUFFER_BASE, (size_t)1 << 44));
	CHECK_ENDS(__buffer_alloc(&buffer, BUFFER_BASE, page_size() + 1));
	return 0;
}
